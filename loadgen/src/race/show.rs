//! The show: every locking in turn, then the table and what it means.

use std::io::{self, Write};

use super::{
    config::RaceConfig,
    drawing::drawn,
    ending,
    run::{RunError, run},
};
use crate::{
    exit_code,
    history::HistoryFile,
    kept_file::{KeepError, KeptFile},
    lead::{Interrupts, Stage},
    report::{
        JudgedRun, ProgressLine, RaceSummary, RunFigures, costs, heading, or_closed, proof,
        race_table, sentences, write_json,
    },
    setup::{Locking, Mode},
    shop::remove,
    words::{crowd, paragraph},
    worker::{FleetError, Needs, TooFewFiles, make_room},
};

/// How many notes of one run are shown.
const NOTES_MAX: usize = 5;

/// Why a race has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RaceError {
    /// More workers than open files.
    #[error(transparent)]
    TooFewFiles(#[from] TooFewFiles),
    /// A run failed.
    #[error("the run under `{locking}` failed: {source}")]
    Run {
        /// What it ran under.
        locking: Locking,
        /// Why it failed.
        source: RunError,
    },
    /// What the workers saw cannot be kept.
    #[error("`--history`: {0}")]
    History(#[from] KeepError),
    /// No place for the page.
    #[error("`--report`: {0}")]
    Report(KeepError),
    /// No event loop, no signals.
    #[error("cannot start: {0}")]
    Start(io::Error),
    /// The result cannot be written.
    #[error("cannot write the result: {0}")]
    Write(io::Error),
    /// Ended from outside.
    #[error("interrupted")]
    Interrupted,
}

impl RaceError {
    /// The exit code that stands for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::TooFewFiles(_) => exit_code::USAGE,
            Self::History(error) | Self::Report(error) => error.exit_code(),
            Self::Run { source, .. } if is_scarcity(source) => exit_code::USAGE,
            Self::Run { .. } | Self::Start(_) | Self::Write(_) => exit_code::INTERNAL,
            Self::Interrupted => exit_code::INTERRUPTED,
        }
    }

    /// The way out, where there is one.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Run { source, .. } if is_scarcity(source) => {
                Some("this machine has no room for so many, take fewer with `--workers`")
            }
            _ => None,
        }
    }
}

fn is_scarcity(error: &RunError) -> bool {
    matches!(error, RunError::Fleet(FleetError::Start { source, .. })
        if matches!(source.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory)
            || source.raw_os_error().is_some_and(is_out_of_files))
}

fn is_out_of_files(code: i32) -> bool {
    use rustix::io::Errno;
    code == Errno::MFILE.raw_os_error() || code == Errno::NFILE.raw_os_error()
}

/// Runs the race that `config` describes and prints its result; returns the exit code.
///
/// # Errors
/// There is no result; nothing is left behind all the same.
pub(crate) fn show(config: &RaceConfig) -> Result<u8, RaceError> {
    make_room(needs(config))?;
    // Before the race: names that cannot be had would be known only when all has been seen.
    let mut file = config.history.as_deref().map(HistoryFile::create).transpose()?;
    let page = config.report.as_deref().map(KeptFile::create).transpose();
    let page = page.map_err(RaceError::Report)?;
    // On this thread: the children's lifeline hangs on the thread that spawns them.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RaceError::Start)?;
    let runs = runtime.block_on(race_or_interrupt(config, file.as_mut()));
    // Whatever came of it: its servers have ended.
    if let Some(own) = &config.own
        && let Err(error) = runtime.block_on(remove(own.db()))
    {
        let mut words = anstream::stderr().lock();
        let written = writeln!(words, "note: {} stays behind: {error}", own.shown());
        written
            .and_then(|()| writeln!(words, "hint: {}", own.removal()))
            .map_err(RaceError::Write)?;
    }
    runtime.shutdown_background();
    let runs = runs?;
    if let Some(file) = file {
        file.keep()?;
    }
    let mut figures = Vec::new();
    if let Some(file) = page {
        let page = drawn(config, &runs);
        file.keep_text(&page.html).map_err(RaceError::Report)?;
        figures = page.figures;
    }
    print(config, &runs, &figures).map_err(RaceError::Write)?;
    Ok(ending::exit_code(&runs))
}

fn needs(config: &RaceConfig) -> Needs<'static> {
    Needs {
        flag: ("--workers", config.workers),
        mode: config.mode,
        workers: if config.mode == Mode::Task { 1 } else { config.workers },
        clients: config.workers,
        servers: config.servers,
    }
}

async fn race_or_interrupt(
    config: &RaceConfig,
    file: Option<&mut HistoryFile>,
) -> Result<Vec<JudgedRun>, RaceError> {
    let mut interrupts = Interrupts::new().map_err(RaceError::Start)?;
    // Dropping the race ends its workers and servers and removes its folder.
    tokio::select! {
        biased;
        () = interrupts.next() => Err(RaceError::Interrupted),
        runs = race(config, file) => runs,
    }
}

async fn race(
    config: &RaceConfig,
    mut file: Option<&mut HistoryFile>,
) -> Result<Vec<JudgedRun>, RaceError> {
    // They are heard ahead of the race; a leader asks for its own all the same.
    let mut interrupts = Interrupts::new().map_err(RaceError::Start)?;
    let mut line = ProgressLine::new();
    let mut runs = Vec::new();
    for (place, locking) in config.lockings.iter().enumerate() {
        let title = format!(
            "race {} of {}: {} under `{locking}`",
            place + 1,
            config.lockings.len(),
            crowd(config.workers, config.mode),
        );
        line.begin(&title);
        let mut watch = |stage: Stage<'_>| line.update(|| format!("{title}, {}", how_far(stage)));
        let judged = run(config, *locking, &mut interrupts, &mut watch).await;
        let judged = judged.map_err(|source| RaceError::Run { locking: *locking, source })?;
        if let Some(file) = &mut file {
            let history = &judged.judged.history;
            file.append(&history.header, &history.operations)?;
        }
        runs.push(judged);
    }
    Ok(runs)
}

fn how_far(stage: Stage<'_>) -> String {
    match stage {
        Stage::Gathering(ready) => format!("{ready} ready"),
        Stage::Running(_, tally, _) => {
            format!("{} answered", tally.outcomes.total() - tally.outcomes.found)
        }
    }
}

/// Data to stdout and words to stderr: the table is data, unless JSON is.
fn print(config: &RaceConfig, runs: &[JudgedRun], figures: &[RunFigures]) -> io::Result<()> {
    let table = race_table(runs);
    let [what, why] = sentences(runs);
    let mut text = format!(
        "{}\n{table}\n\n{}\n{}\n",
        heading(runs, config.delays),
        paragraph(&what),
        paragraph(&why)
    );
    text.extend(costs(runs).map(|costs| format!("{}\n", paragraph(&costs))));
    text.extend(proof(runs).map(|proof| format!("\n{proof}")));
    let mut words = anstream::stderr().lock();
    if config.json {
        words.write_all(text.as_bytes())?;
        or_closed(write_json(&mut io::stdout().lock(), &RaceSummary::new(runs, figures)))?;
    } else {
        or_closed(anstream::stdout().lock().write_all(text.as_bytes()))?;
    }
    for run in runs {
        for note in run.notes.iter().take(NOTES_MAX) {
            writeln!(words, "note: `{}`: {note}", run.summary.locking)?;
        }
        if run.notes.len() > NOTES_MAX {
            let more = run.notes.len() - NOTES_MAX;
            writeln!(words, "note: `{}`: and {more} more notes", run.summary.locking)?;
        }
    }
    Ok(())
}
