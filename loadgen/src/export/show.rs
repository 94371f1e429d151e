//! An export from its files to its file.

use std::io::{self, BufWriter, Write};

use super::{
    args::ExportArgs,
    events::{Event, TellError, tell},
};
use crate::{
    exit_code,
    history::{History, ReadError, ReadLimits, read_files},
    kept_file::{KeepError, KeptFile},
    report::{or_closed, print_words},
    runner::{is_on_github, json_for_runner},
    words::{counted, harmless},
};

/// Why nothing is exported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// A file cannot be read, or is no history.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Which of several is meant.
    #[error("{0}")]
    Which(String),
    /// The model counts from it.
    #[error("the history does not say how many tickets there were")]
    NoInitial,
    /// The model has no words for it.
    #[error(transparent)]
    Tell(#[from] TellError),
    /// The place for it cannot be had.
    #[error("`--output`: {0}")]
    Keep(#[from] KeepError),
    /// It cannot be written.
    #[error("cannot write: {0}")]
    Write(io::Error),
}

impl ExportError {
    /// The exit code that stands for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Write(_) => exit_code::INTERNAL,
            Self::Keep(error) => error.exit_code(),
            _ => exit_code::USAGE,
        }
    }

    /// The way out, where there is one.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Read(error) => error.hint(),
            Self::NoInitial => Some("say it with `--initial`"),
            Self::Tell(TellError::NoWords { .. }) => {
                Some("`--model counter` can tell unknown purchases, `cas-register` all the rest")
            }
            _ => None,
        }
    }
}

/// Exports what `args` name; returns the exit code.
///
/// # Errors
/// Nothing was exported.
pub(crate) fn show(args: &ExportArgs) -> Result<u8, ExportError> {
    let limits = ReadLimits::of_this_machine();
    let history = choose(read_files(&args.histories, limits)?, args.run.as_deref())?;
    let initial = args.initial.or(begun_with(&history)).ok_or(ExportError::NoInitial)?;
    let told = tell(&history, args.model, initial)?;
    match &args.output {
        Some(path) => {
            let mut file = KeptFile::create(path)?;
            file.add(|out| write(out, &told.events))?;
            file.keep()?;
        }
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            let written = match is_on_github() {
                false => write(&mut out, &told.events),
                true => write_for_runner(&mut out, &told.events),
            };
            let written = written.and_then(|()| out.flush());
            or_closed(written).map_err(ExportError::Write)?;
        }
    }
    let mut words = String::new();
    if told.left_out > 0 {
        let calls =
            counted(told.left_out, ("call that says nothing is", "calls that say nothing are"));
        words.push_str(&format!("note: {calls} left out\n"));
    }
    words.extend(history.lacks.iter().map(|lack| harmless(&format!("warning: {lack}\n"))));
    // Nobody is there to be told that stderr is closed.
    let _ = print_words(words);
    Ok(if history.lacks.is_empty() { exit_code::VALID } else { exit_code::UNKNOWN })
}

fn choose(mut histories: Vec<History>, run: Option<&str>) -> Result<History, ExportError> {
    let names = |history: &History| {
        let header = &history.header;
        [header.label.clone(), header.run.clone()].into_iter().flatten().collect::<Vec<_>>()
    };
    let all: Vec<String> = histories
        .iter()
        .filter_map(|history| names(history).into_iter().next())
        .map(|name| format!("`{name}`"))
        .collect();
    if let Some(run) = run {
        histories.retain(|history| names(history).iter().any(|name| name == run));
    }
    match (histories.len(), run) {
        (1, _) => Ok(histories.swap_remove(0)),
        (0, Some(run)) => Err(ExportError::Which(format!(
            "`--run {run}` is none of the histories: {}",
            all.join(", ")
        ))),
        (number, _) => Err(ExportError::Which(format!(
            "there are {number} histories: {}\nhint: name one with `--run`",
            all.join(", ")
        ))),
    }
}

/// How many tickets there were at the start.
fn begun_with(history: &History) -> Option<u64> {
    history.header.initial.and_then(|initial| u64::try_from(initial).ok())
}

/// One list, since elle-cli reads one value of a file; one event a line, for people.
fn write(out: &mut dyn Write, events: &[Event]) -> io::Result<()> {
    let mut separator = "[";
    for event in events {
        out.write_all(separator.as_bytes())?;
        serde_json::to_writer(&mut *out, event)?;
        separator = ",\n";
    }
    out.write_all(if events.is_empty() { b"[]\n" } else { b"]\n" })
}

/// The same where a runner reads it.
fn write_for_runner(out: &mut dyn Write, events: &[Event]) -> io::Result<()> {
    let mut json = Vec::new();
    write(&mut json, events)?;
    out.write_all(json_for_runner(String::from_utf8_lossy(&json).into_owned()).as_bytes())
}
