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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        judge::Counts,
        report::{JudgedHistory, RunSummary},
        setup::{Locking, Mode},
    };

    fn run(is_safe: bool, verdict: Verdict) -> JudgedRun {
        JudgedRun {
            is_safe,
            summary: RunSummary {
                locking: Locking::File,
                mode: Mode::Task,
                direct: false,
                servers: 1,
                workers: 1,
                tickets: 1,
                counts: Counts::default(),
                holds: None,
                left: None,
                elapsed_s: 0.0,
                cost: None,
                verdict,
            },
            judged: JudgedHistory::default(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn only_caught_and_valid_runs_end_well() {
        let caught = run(false, Verdict::Violation);
        let sound = run(true, Verdict::Valid);
        let broken = run(true, Verdict::Violation);
        let lucky = run(false, Verdict::Valid);
        let empty = run(true, Verdict::Unknown);
        for (runs, code) in [
            (vec![caught.clone(), sound.clone()], 0),
            (vec![caught.clone()], 0),
            (vec![caught, broken.clone()], 1),
            (vec![empty.clone(), broken, lucky.clone()], 1),
            (vec![sound.clone(), lucky], 3),
            (vec![sound, empty], 3),
            (vec![], 3),
        ] {
            assert_eq!(exit_code(&runs), code, "{runs:?}");
        }
    }
}
