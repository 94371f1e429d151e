//! A check from its files to its verdict.

use std::{
    io::{self, Write},
    path::PathBuf,
    thread,
};

use super::{args::CheckArgs, report::drawn};
use crate::{
    exit_code,
    history::{History, ReadError, ReadLimits, bytes_max, read_files, signed},
    judge::{Verdict, judge_history},
    kept_file::{KeepError, KeptFile},
    report::{CheckSummary, JudgedHistory, RunFigures, check_text, or_closed, write_json},
};

/// Why a check has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    /// A file cannot be read, or is no history.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// No place for the page.
    #[error("`--report`: {0}")]
    Report(#[from] KeepError),
    /// The result cannot be written.
    #[error("cannot write the result: {0}")]
    Write(io::Error),
}

impl CheckError {
    /// The exit code that stands for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Read(_) => exit_code::USAGE,
            Self::Report(error) => error.exit_code(),
            Self::Write(_) => exit_code::INTERNAL,
        }
    }

    /// The way out, where there is one.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Read(error) => error.hint(),
            Self::Report(_) | Self::Write(_) => None,
        }
    }
}

/// Judges the histories that `args` name and prints the result; returns the exit code.
///
/// # Errors
/// There is no result.
pub(crate) fn show(args: &CheckArgs) -> Result<u8, CheckError> {
    // Before the work: a name that cannot be had would be known only when all is judged.
    let file = args.report.as_deref().map(KeptFile::create).transpose()?;
    let judged = judge_files(&args.histories, args.limit, args.initial)?;
    let mut figures = Vec::new();
    if let Some(file) = file {
        let page = drawn(&judged, None);
        file.keep_text(&page.html)?;
        figures = page.figures;
    }
    print(args, &judged, &figures).map_err(CheckError::Write)?;
    Ok(exit_code_of(&judged))
}

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
    let limits = ReadLimits {
        operations: limit.unwrap_or(usize::MAX),
        bytes: bytes_max(),
        threads: thread::available_parallelism().map_or(1, usize::from),
    };
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
            format!("taken as begun with {initial} tickets, although the history says {said}")
        }));
    }
    let judgement = judge_history(&history);
    let mut judged = JudgedHistory::new(history, judgement);
    judged.notes.splice(..0, notes);
    judged
}

/// The exit code of the worst verdict.
pub(super) fn exit_code_of(judged: &[JudgedHistory]) -> u8 {
    let worst = judged.iter().map(JudgedHistory::verdict).max();
    match worst.unwrap_or(Verdict::Unknown) {
        Verdict::Valid => exit_code::VALID,
        Verdict::Unknown => exit_code::UNKNOWN,
        Verdict::Violation => exit_code::VIOLATION,
    }
}

/// Data to stdout and words to stderr: the text is data, unless JSON is.
fn print(args: &CheckArgs, judged: &[JudgedHistory], figures: &[RunFigures]) -> io::Result<()> {
    let text = check_text(judged);
    if args.json {
        or_closed(write_json(&mut io::stdout().lock(), &CheckSummary::new(judged, figures)))?;
        or_closed(anstream::stderr().lock().write_all(text.as_bytes()))
    } else {
        or_closed(anstream::stdout().lock().write_all(text.as_bytes()))
    }
}
