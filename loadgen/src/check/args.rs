//! The flags of a check.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::drawn::replaces_one;
use crate::flags;

/// Judge recorded histories: can the answers be right?
///
/// A history is a file of JSON lines, as `race --history` writes it: one that says what there was,
/// `{"history": 1, "initial": 100}`, then one for each operation. Each such first line begins a
/// history of its own; files whose first lines name the same `run`, or none, are parts of one.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(crate) struct CheckArgs {
    /// The files to judge; `-` is standard input, and what gzip has packed is unpacked
    #[arg(required = true, value_name = "HISTORY")]
    pub(super) histories: Vec<PathBuf>,

    /// How many tickets there were at the start; holds against what a history says
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u64>(0..=i64::MAX.unsigned_abs()))]
    pub(super) initial: Option<u64>,

    /// Judge at most so many operations, and name the rest [default: what half of the free memory
    /// holds, at 256 bytes each and their keys]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u64>(1..=u64::MAX))]
    pub(super) limit: Option<u64>,

    /// Draw the histories as one HTML page, as `loadgen report` does; a file of that name is replaced
    #[arg(long, value_name = "FILE.html")]
    pub(super) report: Option<PathBuf>,

    /// Write the result to this file too, as one JSON object; a file of that name is replaced
    #[arg(short = 'o', long, value_name = "FILE.json")]
    pub(super) output: Option<PathBuf>,

    /// Print the result as one JSON object on stdout, and words on stderr
    #[arg(long)]
    pub(super) json: bool,
}

const NOTES: &str = "\
A line that cannot be read is named and left out, and so is all that is past the limit: such a
history can have a violation, but is never valid. A million operations take about 200 MB,
240 MB with keys.

Exit codes:
  0    valid: some order of the operations explains every answer
  1    violation: no order does
  2    wrong usage, a file that cannot be read, or that is no history; no place for the page
  3    unknown: it could not be decided, or there was nothing to decide on
  70   something failed, such as a full disk";

/// Why the flags make no check.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArgsError {
    /// The same operations would be there twice.
    #[error("`{}` is named twice", .0.display())]
    Twice(PathBuf),
    /// A file would replace what it is made from.
    #[error("`{0} {path}` is a history, and would be replaced", path = .1.display())]
    IsHistory(&'static str, PathBuf),
    /// One file would replace the other.
    #[error("`--report` and `--output` are both `{}`, and one would replace the other", .0.display())]
    SameFile(PathBuf),
}

impl CheckArgs {
    /// Checks what the flags say together.
    ///
    /// # Errors
    /// A file that is named twice, and one in the place of a history.
    pub(crate) fn check(&self) -> Result<(), ArgsError> {
        let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut seen = Vec::new();
        for path in &self.histories {
            let real = real(path);
            if seen.contains(&real) {
                return Err(ArgsError::Twice(path.clone()));
            }
            seen.push(real);
        }
        let files = [("--report", &self.report), ("--output", &self.output)];
        for (flag, path) in
            files.into_iter().filter_map(|(flag, path)| Some((flag, path.as_ref()?)))
        {
            if replaces_one(path, &self.histories) {
                return Err(ArgsError::IsHistory(flag, path.clone()));
            }
        }
        match (&self.report, &self.output) {
            (Some(page), Some(result)) if real(page) == real(result) => {
                Err(ArgsError::SameFile(page.clone()))
            }
            _ => Ok(()),
        }
    }
}
