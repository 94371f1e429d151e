//! Recorded histories as a page: judged as in a check, and drawn.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::show::{exit_code_of, judge_files};
use crate::{
    exit_code,
    history::ReadError,
    judge::Verdict,
    report::{JudgedHistory, PageRun, recorded_run, write_page},
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
  3    unknown: it could not be decided, or there was nothing to decide on";

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
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// The page.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl ReportError {
    /// The exit code that stands for it.
    pub(crate) fn exit_code(&self) -> u8 {
        exit_code::USAGE
    }

    /// The way out, where there is one.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Read(error) => error.hint(),
            Self::IsHistory(_) => Some("name another file with `--output`"),
            Self::Write { .. } => None,
        }
    }
}

/// Judges the histories that `args` name and writes their page; returns the exit code.
///
/// # Errors
/// There is no page.
pub(crate) fn draw(args: &ReportArgs) -> Result<u8, ReportError> {
    if args.histories.iter().any(|history| is_same(history, &args.output)) {
        return Err(ReportError::IsHistory(args.output.clone()));
    }
    let judged = judge_files(&args.histories, None, None)?;
    let runs: Vec<PageRun<'_>> = judged.iter().map(recorded_run).collect();
    let title = args.title.clone().unwrap_or_else(|| title(&runs));
    write_page(&args.output, &title, &runs)
        .map_err(|source| ReportError::Write { path: args.output.clone(), source })?;
    let verdict = judged.iter().map(JudgedHistory::verdict).max().unwrap_or(Verdict::Unknown);
    anstream::eprintln!("{verdict}; the page is `{}`", args.output.display());
    Ok(exit_code_of(&judged))
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// As in "What the clients saw: none, file".
fn title(runs: &[PageRun<'_>]) -> String {
    let labels: Vec<&str> = runs.iter().map(|run| run.label.as_str()).collect();
    match labels.as_slice() {
        [one] => format!("What the clients saw: {one}"),
        several => format!("What the clients saw: {}", several.join(", ")),
    }
}
