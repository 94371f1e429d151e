//! The cast: what a process of a lesson is told to play, and how it says what it does.
//!
//! A process of a lesson is this very program with a hidden subcommand. It gets its role as JSON,
//! and says what happens as one line of JSON an event, on stdout.
//!
//! # Invariants
//! - Every process of a lesson ends when the lesson's program ends, however that ends: by the
//!   kernel's signal when its parent dies, or when its stdin closes.

use std::{
    io::{self, BufRead, Read, Write},
    thread,
};

use serde::{Deserialize, Serialize};

use super::programs::{
    cpu_or_io, daemon_process, daemon_thread, file_mutex, process_pool, reentrant_lock,
};
use crate::{
    history::monotonic_ns,
    lifeline::{self, LifelineError},
};

/// The hidden subcommand that [`play_for_parent`] carries out.
pub(super) const SUBCOMMAND: &str = "lesson-process";

/// What holds a process of a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Tie {
    /// The kernel ends it when the process that started it ends.
    Parent,
    /// It ends when its stdin closes, which the lesson's program holds: the process that started it
    /// may be gone.
    Stdin,
    /// Its part sees to it, as a part of its lesson.
    OwnPart,
}

/// What a process of a lesson does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Role {
    /// Its name on the stage.
    pub(super) who: String,
    /// What holds it.
    pub(super) tie: Tie,
    /// What it plays.
    pub(super) part: Part,
}

/// The parts that the lessons have for processes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Part {
    /// A program with two threads.
    Threads(daemon_thread::Program),
    /// A parent with children, or one of them.
    Family(daemon_process::Relative),
    /// Somebody who buys from `db.txt`.
    Buyer(file_mutex::Buyer),
    /// Somebody who locks twice.
    TwiceLocked(reentrant_lock::Locker),
    /// A worker of a pool.
    Squarer(process_pool::Squarer),
    /// Somebody who computes or waits.
    Tasks(cpu_or_io::Tasks),
    /// The same under CPython.
    Python(cpu_or_io::Tasks),
}

/// One event, as a process of a lesson says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    /// When, on the clock that all processes share.
    pub(super) at_ns: u64,
    /// Who.
    pub(super) who: String,
    /// The process that says so.
    pub(super) pid: u32,
    /// What, in one word for the lesson's program.
    pub(super) act: String,
    /// What, in words for people.
    pub(super) says: String,
    /// A number that belongs to it.
    pub(super) value: u64,
    /// Whether it is printed: not where a hundred say the same.
    pub(super) is_loud: bool,
}

/// Why a process of a lesson cannot play.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CastError {
    /// The process that started it is gone.
    #[error(transparent)]
    Lifeline(#[from] LifelineError),
    /// Its role makes no sense.
    #[error("the role is no role: {0}")]
    Role(#[from] serde_json::Error),
    /// The system refused.
    #[error("cannot play: {0}")]
    Io(#[from] io::Error),
}

/// Plays `role` (JSON) in this process, for the process `parent` that started it.
///
/// # Errors
/// The parent is gone, the role is none, or the system refused.
pub(crate) fn play_for_parent(parent: u32, role: &str) -> Result<(), CastError> {
    let Role { who, tie, part } = serde_json::from_str(role)?;
    match tie {
        Tie::Parent => lifeline::follow(parent)?,
        Tie::Stdin => end_with_stdin(),
        Tie::OwnPart => {}
    }
    match part {
        Part::Threads(program) => daemon_thread::play(&program),
        Part::Family(relative) => daemon_process::play(parent, &who, &relative)?,
        Part::Buyer(buyer) => file_mutex::play(&who, &buyer)?,
        Part::TwiceLocked(locker) => reentrant_lock::play(&who, &locker),
        Part::Squarer(squarer) => process_pool::play(&who, &squarer)?,
        Part::Tasks(tasks) => cpu_or_io::play(&who, &tasks),
        Part::Python(tasks) => return Err(cpu_or_io::play_python(&who, &tasks).into()),
    }
    Ok(())
}

/// Ends this process as soon as its stdin closes.
pub(super) fn end_with_stdin() {
    thread::spawn(|| {
        let mut rest = Vec::new();
        // An error too means that nobody holds the other end.
        let _ = io::stdin().lock().read_to_end(&mut rest);
        std::process::exit(0);
    });
}

/// Waits until the lesson's program sends a line, and returns it; `None` when stdin has closed.
pub(super) fn next_order() -> Option<String> {
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line.trim_end().to_owned()),
    }
}

/// Says that `who` did something now: a word for the lesson's program, words for people.
pub(super) fn tell(who: &str, act: &str, says: &str) {
    tell_line(&Line::now(who, act, says));
}

/// Says `line`. Whoever is not heard any more plays to an empty house, and is ended soon.
pub(super) fn tell_line(line: &Line) {
    let Ok(mut text) = serde_json::to_string(line) else { return };
    text.push('\n');
    // One write: several processes share the pipe.
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

impl Line {
    /// `who` does something now, to be printed.
    pub(super) fn now(who: &str, act: &str, says: &str) -> Self {
        Self {
            at_ns: monotonic_ns(),
            who: who.to_owned(),
            pid: std::process::id(),
            act: act.to_owned(),
            says: says.to_owned(),
            value: 0,
            is_loud: true,
        }
    }

    /// The same with a number.
    pub(super) fn with(self, value: u64) -> Self {
        Self { value, ..self }
    }

    /// The same, printed only where `is_loud`.
    pub(super) fn loud(self, is_loud: bool) -> Self {
        Self { is_loud, ..self }
    }
}
