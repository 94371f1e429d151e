//! What a lesson is performed with, and what a lesson is.

use std::{path::PathBuf, time::Duration};

use super::{
    error::LessonError,
    finding::{Calm, Finding},
    pulse::Pulse,
    stage::Stage,
};

/// The waits of the lessons; each lesson uses some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waits {
    /// Between reading a count and checking it.
    pub(super) check: Duration,
    /// Between checking a count and writing it back.
    pub(super) write: Duration,
    /// The shorter of two pieces of work.
    pub(super) short: Duration,
    /// The longer of two pieces of work.
    pub(super) long: Duration,
    /// One step of a work of many steps.
    pub(super) step: Duration,
}

/// What a lesson is performed with.
#[derive(Debug)]
pub(super) struct Play {
    /// Where it plays.
    pub(super) stage: Stage,
    /// How long it waits.
    pub(super) waits: Waits,
    /// Whether to leave out the very thing that the lesson relies on, to see the verdict change.
    pub(super) is_sabotaged: bool,
    /// Whether to run what there is for CPython too.
    pub(super) with_python: bool,
    /// A folder for its files, which goes away by itself.
    pub(super) folder: PathBuf,
    /// How late this machine is.
    pub(super) pulse: Pulse,
}

impl Play {
    /// How calm the machine has been, against the wait that a claim rests on.
    pub(super) fn calm(&self, shortest_wait: Duration) -> Calm {
        Calm { worst_delay: self.pulse.worst_delay(), shortest_wait }
    }
}

/// A part of the product that rests on the same idea.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Use {
    /// The file, from the root of the repository.
    pub(super) file: &'static str,
    /// What it does with the idea, as a sentence without its subject.
    pub(super) what: &'static str,
}

/// One program of the lesson.
#[derive(Debug)]
pub(super) struct Lesson {
    /// Its name on the command line.
    pub(super) name: &'static str,
    /// What it teaches, in one line.
    pub(super) teaches: &'static str,
    /// The flags that it looks at, beside those that all lessons have.
    pub(super) flags: &'static [&'static str],
    /// Whether its scenes stand on one time scale.
    pub(super) compares_times: bool,
    /// What the reader should know first, in two or three sentences.
    pub(super) opening: &'static str,
    /// What it shows, in two or three sentences; true where all its findings are.
    pub(super) shows: &'static str,
    /// What `--sabotage` leaves out.
    pub(super) sabotage: &'static str,
    /// Where the product uses the same idea.
    pub(super) product: &'static [Use],
    /// Performs it.
    pub(super) perform: fn(&Play) -> Result<Vec<Finding>, LessonError>,
}

/// A wait as whole nanoseconds, for a process to be told; flags are far below what 64 bits hold.
pub(super) fn whole_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
