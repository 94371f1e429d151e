//! The show: let it happen, judge, tell.

use std::io;

use super::{
    cluster::MemberError,
    config::ChaosConfig,
    drawing::drawn,
    outcome::{self, ChaosView, heading, text},
    run::{Chaos, RunError, run},
};
use crate::{
    exit_code,
    history::HistoryFile,
    kept_file::{KeepError, KeptFile},
    lead::{Interrupts, Stage},
    report::{ProgressLine, print_data, print_json, print_words, tell_lost, write_json},
    words::counted,
    worker::{Needs, TooFewFiles, make_room},
};

/// How many notes are shown.
const NOTES_MAX: usize = 10;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChaosError {
    /// More clients than open files.
    #[error(transparent)]
    TooFewFiles(#[from] TooFewFiles),
    /// It cannot be carried out.
    #[error(transparent)]
    Run(#[from] RunError),
    /// What the clients saw cannot be kept.
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

impl ChaosError {
    /// The exit code that stands for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::TooFewFiles(_)
            | Self::Run(
                RunError::TooLarge { .. }
                | RunError::Folder { .. }
                | RunError::Member(MemberError::NotInstalled { .. }),
            ) => exit_code::USAGE,
            Self::History(error) | Self::Report(error) | Self::Output(error) => error.exit_code(),
            Self::Run(_) | Self::Start(_) | Self::Write(_) => exit_code::INTERNAL,
            Self::Interrupted => exit_code::INTERRUPTED,
        }
    }
}

/// Carries out the chaos that `config` describes and prints its result; returns the exit code.
///
/// # Errors
/// There is no result; nothing is left behind all the same.
pub(crate) fn show(config: &ChaosConfig) -> Result<u8, ChaosError> {
    make_room(Needs {
        flag: ("--clients", config.clients),
        mode: config.mode,
        workers: config.workers,
        clients: config.clients,
        servers: config.servers,
    })?;
    // Before it begins: names that cannot be had would be known only when all has been seen.
    let file = config.history.as_deref().map(HistoryFile::create).transpose()?;
    let page = config.report.as_deref().map(KeptFile::create).transpose();
    let page = page.map_err(ChaosError::Report)?;
    let output = config.output.as_deref().map(KeptFile::create).transpose();
    let output = output.map_err(ChaosError::Output)?;
    // On this thread: the children's lifeline hangs on the thread that spawns them.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ChaosError::Start)?;
    let chaos = runtime.block_on(chaos_or_interrupt(config));
    runtime.shutdown_background();
    let chaos = chaos?;
    // IMPORTANT: before the files, none of which must take the result along.
    let printed = print(config, &chaos).map_err(ChaosError::Write);
    let mut lost: Vec<ChaosError> = printed.err().into_iter().collect();
    if let Some(mut file) = file {
        let history = &chaos.judged.history;
        let appended = file.append(&history.header, &history.operations);
        lost.extend(appended.and_then(|()| file.keep()).map_err(ChaosError::History).err());
    }
    if let Some(mut file) = output {
        let written = file.add(|mut out| write_json(&mut out, &ChaosView::new(config, &chaos)));
        lost.extend(written.and_then(|()| file.keep()).map_err(ChaosError::Output).err());
    }
    if let Some(file) = page {
        let kept = file.keep_text(&drawn(config, &chaos).html);
        lost.extend(kept.map_err(ChaosError::Report).err());
    }
    tell_lost(&lost);
    let code = outcome::exit_code(chaos.judged.verdict(), &chaos.ledger);
    Ok(exit_code::or_lost(code, lost.first().map(ChaosError::exit_code)))
}

async fn chaos_or_interrupt(config: &ChaosConfig) -> Result<Chaos, ChaosError> {
    let mut interrupts = Interrupts::new().map_err(ChaosError::Start)?;
    let mut of_fleet = Interrupts::new().map_err(ChaosError::Start)?;
    let mut line = ProgressLine::new();
    let title = heading(config);
    line.begin(&title);
    let mut watch = |stage: Stage<'_>| line.update(|| format!("{title}, {}", how_far(stage)));
    // Dropping it ends its workers and servers and removes its folder.
    tokio::select! {
        biased;
        () = interrupts.next() => Err(ChaosError::Interrupted),
        chaos = run(config, &mut of_fleet, &mut watch) => Ok(chaos?),
    }
}

fn how_far(stage: Stage<'_>) -> String {
    match stage {
        Stage::Gathering(ready) => format!("{ready} ready"),
        Stage::Running(since, tally, _) => {
            format!("{} answered in {:.0} s", tally.outcomes.total(), since.as_secs_f64())
        }
    }
}

/// Data to stdout and words to stderr: the text is data, unless JSON is.
fn print(config: &ChaosConfig, chaos: &Chaos) -> io::Result<()> {
    let text = text(config, chaos);
    let mut words = String::new();
    for note in chaos.notes.iter().take(NOTES_MAX) {
        words.push_str(&format!("note: {note}\n"));
    }
    if chaos.notes.len() > NOTES_MAX {
        let more = counted(chaos.notes.len() - NOTES_MAX, ("more note", "more notes"));
        words.push_str(&format!("note: and {more}\n"));
    }
    // Each is told whatever becomes of the others.
    let printed = if config.json {
        let said = print_words(text);
        print_json(&ChaosView::new(config, chaos)).and(said)
    } else {
        print_data(text)
    };
    let said = print_words(words);
    printed.and(said)
}
