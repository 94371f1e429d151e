//! Recorded histories as a page: judged as in a check, and drawn.

use std::path::PathBuf;

use super::{
    drawn::{drawn, replaces_one},
    judged::{exit_code_of, judge_files},
};
use crate::{
    exit_code,
    history::ReadError,
    kept_file::{KeepError, KeptFile},
    report::{say, worst},
};

/// Draw recorded histories: one HTML page with the verdict, the smallest counterexample and the
/// whole run, side by side where there are several.
///
/// The page asks nobody for anything and opens from a file, prints, and can be read without colours,
/// without a mouse and without a script.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct ReportArgs {
    /// The files to draw, one history or several
    #[arg(required = true, value_name = "HISTORY")]
    histories: Vec<PathBuf>,

    /// Where the page goes; one that is there is replaced
    #[arg(short, long, value_name = "FILE.html", default_value = "report.html")]
    output: PathBuf,

    /// What the page is called [default: from the histories]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
}

const EXIT_CODES: &str = "\
Exit codes, once the page is written:
  0    every history is valid
  1    one has a violation
  2    wrong usage, a file that cannot be read or written, or that is no history
  3    unknown: it could not be decided, or there was nothing to decide on
  70   something failed, such as a full disk";

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportError {
    /// A file cannot be read, or is no history.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The page would replace what it is drawn from.
    #[error("`{}` is a history, and the page would replace it", .0.display())]
    IsHistory(PathBuf),
    /// No place for the page.
    #[error(transparent)]
    Keep(#[from] KeepError),
}

impl ReportError {
    /// The exit code that stands for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Read(_) | Self::IsHistory(_) => exit_code::USAGE,
            Self::Keep(error) => error.exit_code(),
        }
    }

    /// The way out, where there is one.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Read(error) => error.hint(),
            Self::IsHistory(_) => Some("name another file with `--output`"),
            Self::Keep(_) => None,
        }
    }
}

/// Judges the histories that `args` name and writes their page; returns the exit code.
///
/// # Errors
/// There is no page.
pub(crate) fn draw(args: &ReportArgs) -> Result<u8, ReportError> {
    if replaces_one(&args.output, &args.histories) {
        return Err(ReportError::IsHistory(args.output.clone()));
    }
    // Before the work: a name that cannot be had would be known only when all is judged.
    let file = KeptFile::create(&args.output)?;
    let judged = judge_files(&args.histories, None, None)?;
    file.keep_text(&drawn(&judged, args.title.as_deref()).html)?;
    say(&format!("{}; the page is `{}`", worst(&judged), args.output.display()));
    Ok(exit_code_of(&judged))
}
