//! A check from its files to its verdict.

use std::io::{self, Write};

use super::{
    args::CheckArgs,
    drawn::drawn,
    judged::{exit_code_of, judge_files},
};
use crate::{
    exit_code,
    history::ReadError,
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
