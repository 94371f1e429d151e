//! Histories from their files to their verdicts.

use std::path::PathBuf;

use crate::{
    exit_code,
    history::{History, ReadError, ReadLimits, read_files, signed},
    judge::{Verdict, judge_history},
    report::{JudgedHistory, worst},
};

/// Reads and judges `files`: at most `limit` operations, or what the memory holds.
///
/// # Errors
/// A file cannot be read, or is no history.
pub(super) fn judge_files(
    files: &[PathBuf],
    limit: Option<u64>,
    initial: Option<u64>,
) -> Result<Vec<JudgedHistory>, ReadError> {
    let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let limits =
        ReadLimits { operations: limit.unwrap_or(usize::MAX), ..ReadLimits::of_this_machine() };
    let histories = read_files(files, limits)?;
    Ok(histories.into_iter().map(|history| judged(history, initial)).collect())
}

fn judged(mut history: History, initial: Option<u64>) -> JudgedHistory {
    let mut notes = Vec::new();
    if history.disputes_start && initial.is_some() {
        notes.push("`--initial` is not taken, since the parts begin at odds".to_owned());
    } else if let Some(initial) = initial {
        let initial = signed(initial);
        let said = history.header.initial.replace(initial).filter(|said| *said != initial);
        notes.extend(said.map(|said| {
            format!(
                "the number at the start is taken as {initial}, although the history says {said}"
            )
        }));
    }
    let judgement = judge_history(&history);
    let mut judged = JudgedHistory::new(history, judgement);
    judged.notes.splice(..0, notes);
    judged
}

/// The exit code of the worst verdict.
pub(super) fn exit_code_of(judged: &[JudgedHistory]) -> u8 {
    match worst(judged) {
        Verdict::Valid => exit_code::VALID,
        Verdict::Unknown => exit_code::UNKNOWN,
        Verdict::Violation => exit_code::VIOLATION,
    }
}
