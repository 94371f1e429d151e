//! The show: every locking in turn, then the table and what it means.

use std::io;

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
        JudgedRun, ProgressLine, RaceSummary, RunFigures, costs, heading, print_data, print_json,
        print_words, proof, race_table, say, sentences, tell_lost, write_json,
    },
    setup::{Locking, Mode},
    shop::remove,
    words::{counted, crowd, paragraph},
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
    /// No place for the result.
    #[error("`--output`: {0}")]
    Output(KeepError),
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
            Self::History(error) | Self::Report(error) | Self::Output(error) => error.exit_code(),
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
    let file = config.history.as_deref().map(HistoryFile::create).transpose()?;
    let page = config.report.as_deref().map(KeptFile::create).transpose();
    let page = page.map_err(RaceError::Report)?;
    let output = config.output.as_deref().map(KeptFile::create).transpose();
    let output = output.map_err(RaceError::Output)?;
    // On this thread: the children's lifeline hangs on the thread that spawns them.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RaceError::Start)?;
    let raced = runtime.block_on(race_or_interrupt(config, file));
    // Whatever came of it: its servers have ended.
    if let Some(own) = &config.own
        && let Err(error) = runtime.block_on(remove(own.db()))
    {
        let hint = own.removal();
        say(&format!("note: {} stays behind: {error}\nhint: {hint}", own.shown()));
    }
    runtime.shutdown_background();
    let (runs, kept) = raced?;
    let page = page.map(|file| (file, drawn(config, &runs)));
    let figures = page.as_ref().map(|(_, page)| page.figures.as_slice()).unwrap_or_default();
    // IMPORTANT: before the files, none of which must take the result along.
    let printed = print(config, &runs, figures).map_err(RaceError::Write);
    let mut lost: Vec<RaceError> = printed.err().into_iter().collect();
    lost.extend(kept.err().map(RaceError::History));
    if let Some(mut file) = output {
        let written = file.add(|mut out| write_json(&mut out, &RaceSummary::new(&runs, figures)));
        lost.extend(written.and_then(|()| file.keep()).map_err(RaceError::Output).err());
    }
    let kept = page.map(|(file, page)| file.keep_text(&page.html));
    lost.extend(kept.and_then(Result::err).map(RaceError::Report));
    tell_lost(&lost);
    let code = ending::exit_code(&runs);
    Ok(exit_code::or_lost(code, lost.first().map(RaceError::exit_code)))
}

/// The runs, and whether what their workers saw was kept.
type Raced = (Vec<JudgedRun>, Result<(), KeepError>);

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
    file: Option<HistoryFile>,
) -> Result<Raced, RaceError> {
    let mut interrupts = Interrupts::new().map_err(RaceError::Start)?;
    // Dropping the race ends its workers and servers and removes its folder.
    tokio::select! {
        biased;
        () = interrupts.next() => Err(RaceError::Interrupted),
        runs = race(config, file) => runs,
    }
}

async fn race(config: &RaceConfig, mut file: Option<HistoryFile>) -> Result<Raced, RaceError> {
    // They are heard ahead of the race; a leader asks for its own all the same.
    let mut interrupts = Interrupts::new().map_err(RaceError::Start)?;
    let mut line = ProgressLine::new();
    let (mut runs, mut kept) = (Vec::new(), Ok(()));
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
        let history = &judged.judged.history;
        if let Some(open) = &mut file
            && let Err(error) = open.append(&history.header, &history.operations)
        {
            // What is judged is judged all the same.
            (file, kept) = (None, Err(error));
        }
        runs.push(judged);
    }
    let kept = kept.and_then(|()| file.map_or(Ok(()), HistoryFile::keep));
    Ok((runs, kept))
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
    let mut words = String::new();
    for run in runs {
        for note in run.notes.iter().take(NOTES_MAX) {
            words.push_str(&format!("note: `{}`: {note}\n", run.summary.locking));
        }
        if run.notes.len() > NOTES_MAX {
            let more = run.notes.len() - NOTES_MAX;
            let more = counted(more, ("more note", "more notes"));
            words.push_str(&format!("note: `{}`: and {more}\n", run.summary.locking));
        }
    }
    // Each is told whatever becomes of the others.
    let printed = if config.json {
        let said = print_words(text);
        print_json(&RaceSummary::new(runs, figures)).and(said)
    } else {
        print_data(text)
    };
    let said = print_words(words);
    printed.and(said)
}
