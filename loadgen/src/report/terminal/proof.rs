//! The smallest counterexample of a race: what happened to two or three of its buyers.

use super::operations::operation_lines;
use crate::{report::JudgedRun, words::paragraph};

/// How many operations a counterexample may have that is told in full.
const OPERATIONS_MAX: usize = 6;

/// The proof that the first unsafe run is wrong; one is enough to see it.
pub(crate) fn proof(runs: &[JudgedRun]) -> Option<String> {
    let run = runs.iter().find(|run| run.is_caught())?;
    let violations = run.judged.violations();
    let smallest = violations.first()?;
    if smallest.operations.len() > OPERATIONS_MAX {
        return None;
    }
    let locking = run.summary.locking;
    let mut text = if smallest.story.is_empty() {
        paragraph(&format!("For example, under `{locking}`: {}.", smallest.message))
    } else {
        paragraph(&format!("For example, under `{locking}`: {}", smallest.story.join(" ")))
    };
    for line in operation_lines(&smallest.operations, run.judged.first_call_ns()) {
        text.push_str("\n  ");
        text.push_str(&line);
    }
    text.push('\n');
    Some(text)
}
