//! How a race ends: its exit code, from the verdicts of its runs. Pure.

use crate::{exit_code, judge::Verdict, report::JudgedRun};

/// A broken safe run weighs most; then whatever proves nothing, an unsafe run that happened to look
/// valid included.
pub(super) fn exit_code(runs: &[JudgedRun]) -> u8 {
    let code = |run: &JudgedRun| match (run.is_safe, run.summary.verdict) {
        (true, Verdict::Valid) | (false, Verdict::Violation) => exit_code::VALID,
        (true, Verdict::Violation) => exit_code::VIOLATION,
        (_, Verdict::Unknown) | (false, Verdict::Valid) => exit_code::UNKNOWN,
    };
    let codes: Vec<u8> = runs.iter().map(code).collect();
    if codes.is_empty() {
        return exit_code::UNKNOWN;
    }
    [exit_code::VIOLATION, exit_code::UNKNOWN]
        .into_iter()
        .find(|code| codes.contains(code))
        .unwrap_or(exit_code::VALID)
}
