//! A check from its files to its verdict.

use std::io;

use super::{
    args::CheckArgs,
    drawn::drawn,
    judged::{exit_code_of, judge_files},
};
use crate::{
    exit_code,
    history::ReadError,
    kept_file::{KeepError, KeptFile},
    report::{
        CheckSummary, JudgedHistory, RunFigures, check_text, print_data, print_json, print_words,
        tell_lost, write_json,
    },
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
    /// No place for the result.
    #[error("`--output`: {0}")]
    Output(KeepError),
    /// The result cannot be written.
    #[error("cannot write the result: {0}")]
    Write(io::Error),
}

impl CheckError {
    /// The exit code that stands for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Read(_) => exit_code::USAGE,
            Self::Report(error) | Self::Output(error) => error.exit_code(),
            Self::Write(_) => exit_code::INTERNAL,
        }
    }

    /// The way out, where there is one.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Read(error) => error.hint(),
            Self::Report(_) | Self::Output(_) | Self::Write(_) => None,
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
    let output = args.output.as_deref().map(KeptFile::create).transpose();
    let output = output.map_err(CheckError::Output)?;
    let judged = judge_files(&args.histories, args.limit, args.initial)?;
    let page = file.map(|file| (file, drawn(&judged, None)));
    let figures = page.as_ref().map(|(_, page)| page.figures.as_slice()).unwrap_or_default();
    // IMPORTANT: before the page, which must not take the result along.
    let printed = print(args, &judged, figures).map_err(CheckError::Write);
    let mut lost: Vec<CheckError> = printed.err().into_iter().collect();
    if let Some(mut file) = output {
        let written =
            file.add(|mut out| write_json(&mut out, &CheckSummary::new(&judged, figures)));
        lost.extend(written.and_then(|()| file.keep()).map_err(CheckError::Output).err());
    }
    let kept = page.map(|(file, page)| file.keep_text(&page.html));
    lost.extend(kept.and_then(Result::err).map(CheckError::Report));
    tell_lost(&lost);
    let code = exit_code_of(&judged);
    Ok(exit_code::or_lost(code, lost.first().map(CheckError::exit_code)))
}

/// Data to stdout and words to stderr: the text is data, unless JSON is.
fn print(args: &CheckArgs, judged: &[JudgedHistory], figures: &[RunFigures]) -> io::Result<()> {
    let text = check_text(judged);
    if args.json {
        let printed = print_json(&CheckSummary::new(judged, figures));
        printed.and(print_words(text))
    } else {
        print_data(text)
    }
}
