//! The verdict on a run: its history, read back and judged.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    thread,
};

use crate::{
    history::{
        self, Answer, Header, History, Operation, Places, ReadError, ReadLimits, bytes_max,
        finish_history, read_files,
    },
    judge::{self, Evidence},
    report::JudgedHistory,
    worker::WORKER_IS_GONE,
};

/// What a run left behind, besides its history.
#[derive(Clone, Debug)]
pub(super) struct Remains {
    /// Where the history stands.
    pub(super) path: PathBuf,
    /// Whether it stays there.
    pub(super) is_kept: bool,
    /// The first line of it, with the end in it.
    pub(super) header: Header,
    /// When all began.
    pub(super) start_ns: u64,
    /// Clients of workers of which nobody knows how they ended.
    pub(super) lost: Vec<u32>,
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub(super) enum JudgingError {
    /// The end of the history cannot be written.
    #[error("the history cannot be completed: {0}")]
    Write(#[from] io::Error),
    /// It cannot be read back.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Completes the history, reads it back and judges it.
///
/// # Errors
/// The file cannot be read or written.
pub(super) fn judge_history(remains: &Remains) -> Result<JudgedHistory, JudgingError> {
    finish_history(&remains.path, &remains.header)?;
    let limits = ReadLimits {
        operations: usize::MAX,
        bytes: bytes_max(),
        threads: thread::available_parallelism().map_or(1, usize::from),
    };
    let histories = read_files(std::slice::from_ref(&remains.path), limits)?;
    let mut history = histories.into_iter().next().unwrap_or_default();
    let open = open_operations(&history.operations, remains);
    append(&remains.path, &open)?;
    history.operations.extend(open);
    if !remains.is_kept {
        // Whoever looked there would find nothing.
        history.places = Places::default();
        let path = remains.path.display().to_string();
        for lack in &mut history.lacks {
            *lack = lack.replace(&path, "the history");
        }
    }
    Ok(judged(history))
}

fn judged(history: History) -> JudgedHistory {
    let History { header, operations, lacks, .. } = &history;
    let mut judgement = judge::judge(&Evidence { header, operations, lacks });
    for lack in lacks {
        if !judgement.doubts.iter().any(|doubt| doubt.contains(lack)) {
            judgement.doubts.push(lack.clone());
        }
    }
    JudgedHistory::new(history, judgement)
}

/// A client of which nobody knows how it ended may have had one more purchase open, from its last
/// answer on.
fn open_operations(operations: &[Operation], remains: &Remains) -> Vec<Operation> {
    let mut since: BTreeMap<u32, u64> =
        remains.lost.iter().map(|client| (*client, remains.start_ns)).collect();
    if since.is_empty() {
        return Vec::new();
    }
    for operation in operations {
        if let Some(since_ns) = since.get_mut(&operation.process) {
            let last_ns = operation.return_ns.unwrap_or(operation.call_ns);
            *since_ns = (*since_ns).max(last_ns);
        }
    }
    since
        .into_iter()
        .map(|(client, since_ns)| {
            Operation::buy(client, since_ns, since_ns, Answer::unknown(WORKER_IS_GONE))
        })
        .collect()
}

fn append(path: &Path, operations: &[Operation]) -> io::Result<()> {
    if operations.is_empty() {
        return Ok(());
    }
    let mut file = File::options().append(true).open(path)?;
    operations.iter().try_for_each(|operation| writeln!(file, "{}", history::encode(operation)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        history::{Outcome, Tickets, begin_history, signed},
        judge::Verdict,
    };

    fn sale(client: u32, number: u64) -> Operation {
        let answer = Answer {
            tickets: Tickets::one(number),
            remaining: Some(signed(2 - number)),
            revision: Some(number),
            ..Answer::new(Outcome::Sold)
        };
        Operation::buy(client, 10, 20 + number, answer)
    }

    /// Two tickets; the sale of the second was never heard of.
    fn history(lost: Vec<u32>) -> (tempfile::TempDir, Remains) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.ndjson");
        begin_history(&path, &Header::new(2)).unwrap();
        let sold_out =
            Answer { remaining: Some(0), revision: Some(2), ..Answer::new(Outcome::SoldOut) };
        append(&path, &[sale(1, 1), Operation::buy(2, 11, 40, sold_out)]).unwrap();
        let header = Header { left: Some(0), left_revision: Some(2), ..Header::new(2) };
        (folder, Remains { path, is_kept: true, header, start_ns: 5, lost })
    }

    #[test]
    fn a_lost_worker_may_have_bought_what_nobody_else_did() {
        let (_folder, remains) = history(vec![3]);
        let judged = judge_history(&remains).unwrap();
        assert_eq!(judged.verdict(), Verdict::Valid, "{judged:?}");
        let text = fs::read_to_string(&remains.path).unwrap();
        assert!(text.lines().last().unwrap().contains(r#""process":3"#), "{text}");
    }

    #[test]
    fn a_history_that_goes_away_is_no_place() {
        let (_folder, remains) = history(Vec::new());
        let header = Header { unrecorded: 2, ..remains.header.clone() };
        let remains = Remains { is_kept: false, header, ..remains };
        let judged = judge_history(&remains).unwrap();
        assert!(judged.history.places.is_empty());
        assert_eq!(judged.history.lacks, ["the history:1: 2 operations were not recorded"]);
    }

    #[test]
    fn without_a_lost_worker_the_same_is_a_violation() {
        let (_folder, remains) = history(Vec::new());
        assert_eq!(judge_history(&remains).unwrap().verdict(), Verdict::Violation);
    }

    #[test]
    fn what_was_not_recorded_keeps_a_run_from_being_valid() {
        let (_folder, mut remains) = history(vec![3]);
        remains.header.unrecorded = 7;
        let judged = judge_history(&remains).unwrap();
        assert_eq!(judged.verdict(), Verdict::Unknown);
        assert!(
            judged.judgement.doubts.iter().any(|doubt| doubt.contains("7 operations were not"))
        );
    }
}
