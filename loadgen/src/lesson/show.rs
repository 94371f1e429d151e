//! The show: one lesson after the other, in words as it happens, then as JSON and as a page.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    thread,
    time::Instant,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use super::{
    args::LessonConfig,
    catalogue::CATALOGUE,
    error::LessonError,
    finding::Finding,
    page,
    play::{Lesson, Play},
    pulse::Pulse,
    stage::{Stage, Voice},
    summary::{self, Performance, Summary},
    words,
};
use crate::{exit_code, report::write_json};

/// Why a lesson has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShowError {
    /// A lesson failed.
    #[error("the lesson `{name}` failed: {source}")]
    Lesson {
        /// Which.
        name: &'static str,
        /// Why.
        source: LessonError,
    },
    /// A lesson's program stopped in the middle; it has said why.
    #[error("a lesson stopped in the middle")]
    Stopped,
    /// No folder, no thread, no signals.
    #[error("cannot start: {0}")]
    Start(io::Error),
    /// The result cannot be written.
    #[error("cannot write the result: {0}")]
    Write(io::Error),
    /// The page cannot be written.
    #[error("cannot write `{path}`: {source}")]
    Page {
        /// Where it was to stand.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// Ended from outside.
    #[error("interrupted")]
    Interrupted,
}

impl ShowError {
    /// The exit code that stands for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Interrupted => exit_code::INTERRUPTED,
            Self::Lesson { source, .. } if source.is_scarcity() => exit_code::USAGE,
            _ => exit_code::INTERNAL,
        }
    }

    /// The way out, where there is one.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Lesson { source, .. } if source.is_scarcity() => Some(
                "this machine has no room for so many, raise its limits (`ulimit -n`, `ulimit -u`)",
            ),
            _ => None,
        }
    }
}

/// Performs the lessons that `config` names, or lists them all; returns the exit code.
///
/// # Errors
/// There is no result; nothing is left behind all the same.
pub(crate) fn show(config: &LessonConfig) -> Result<u8, ShowError> {
    if config.lessons.is_empty() {
        list(config.json).map_err(ShowError::Write)?;
        return Ok(exit_code::VALID);
    }
    make_room();
    let performances = perform_or_interrupt(config)?;
    if config.json {
        let summary = Summary::new(&performances);
        or_closed(write_json(&mut io::stdout().lock(), &summary)).map_err(ShowError::Write)?;
    }
    if let Some(path) = &config.report {
        let page = page::render(&performances);
        fs::write(path, page)
            .map_err(|source| ShowError::Page { path: path.display().to_string(), source })?;
    }
    Ok(summary::exit_code(&performances))
}

/// Performs on a thread of its own and waits for it here, so that Ctrl-C ends the program at any
/// time: its threads end with it, and the kernel ends its processes.
fn perform_or_interrupt(config: &LessonConfig) -> Result<Vec<Performance>, ShowError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ShowError::Start)?;
    let config = config.clone();
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ShowError::Start)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(ShowError::Start)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(ShowError::Start)?;
        // IMPORTANT: after the signals, or one that comes in between leaves the folder behind.
        let folder = tempfile::Builder::new()
            .prefix("loadgen-lesson-")
            .tempdir()
            .map_err(ShowError::Start)?;
        let path = folder.path().to_owned();
        let (result, performed) = oneshot::channel();
        thread::Builder::new()
            .name("lesson".to_owned())
            .spawn(move || {
                // Nobody waits for it any more after Ctrl-C.
                let _ = result.send(perform_all(&config, &path));
            })
            .map_err(ShowError::Start)?;
        tokio::select! {
            biased;
            _ = interrupt.recv() => Err(ShowError::Interrupted),
            _ = terminate.recv() => Err(ShowError::Interrupted),
            _ = hangup.recv() => Err(ShowError::Interrupted),
            performed = performed => performed.unwrap_or(Err(ShowError::Stopped)),
        }
    })
}

fn perform_all(config: &LessonConfig, folder: &Path) -> Result<Vec<Performance>, ShowError> {
    let voice = if config.json { Voice::Stderr } else { Voice::Stdout };
    let mut performances = Vec::new();
    let of = config.lessons.len();
    for (place, &lesson) in config.lessons.iter().enumerate() {
        let play = Play {
            stage: Stage::new(voice),
            waits: config.waits,
            is_sabotaged: config.is_sabotaged,
            with_python: config.with_python,
            folder: folder.join(lesson.name),
            pulse: Pulse::begin(),
        };
        play.stage.print(&words::opening(lesson, place + 1, of));
        let performance = perform(lesson, &play)
            .map_err(|source| ShowError::Lesson { name: lesson.name, source })?;
        play.stage.print(&words::ending(&performance, config.is_sabotaged));
        performances.push(performance);
    }
    if of > 1 {
        Stage::new(voice).print(&words::roll(&performances));
    }
    Ok(performances)
}

/// Performs one lesson. What did not happen in time is a finding: unknown.
///
/// # Errors
/// The system refuses.
pub(super) fn perform(lesson: &'static Lesson, play: &Play) -> Result<Performance, LessonError> {
    let began = Instant::now();
    make_folder(&play.folder)?;
    let findings = match (lesson.perform)(play) {
        Err(late @ LessonError::Late { .. }) => {
            vec![Finding::lucky(
                "This machine lets a lesson come to its end",
                false,
                format!("{late}"),
            )]
        }
        findings => findings?,
    };
    Ok(Performance {
        lesson,
        findings,
        scenes: play.stage.close(),
        figures: play.stage.figures(),
        elapsed_s: (began.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
    })
}

/// Raises the limit of open files as far as it goes: a hundred processes have two pipes each.
fn make_room() {
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised, the lesson that needs more says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

fn make_folder(folder: &PathBuf) -> Result<(), LessonError> {
    fs::create_dir_all(folder).map_err(LessonError::io("make a folder"))
}

fn list(as_json: bool) -> io::Result<()> {
    if as_json {
        let lessons: Vec<_> = CATALOGUE
            .iter()
            .map(|lesson| json!({ "name": lesson.name, "teaches": lesson.teaches }))
            .collect();
        return or_closed(write_json(&mut io::stdout().lock(), &json!({ "lessons": lessons })));
    }
    or_closed(anstream::stdout().lock().write_all(words::list(CATALOGUE).as_bytes()))
}

/// A reader that has seen enough, as `head` has, is no error.
fn or_closed(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
