//! What a lesson is, and what it runs with.

use std::{io, path::PathBuf, time::Duration};

use serde::Serialize;

use super::{
    error::LessonError,
    finding::Finding,
    lateness::Lateness,
    process::{Processes, Role},
    timeline::Timeline,
};

/// One lesson: a small program, and what is said about it.
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
    /// Runs it.
    pub(super) run: fn(&Context) -> Result<Vec<Finding>, LessonError>,
    /// What its processes do, where it has any.
    pub(super) process: Option<fn(&Role) -> io::Result<()>>,
}

/// A part of the product that rests on the same idea.
#[derive(Debug, Serialize)]
pub(super) struct Use {
    /// The file, from the root of the repository.
    pub(super) file: &'static str,
    /// What it does with the idea, as a sentence without its subject.
    pub(super) what: &'static str,
}

/// What a lesson runs with.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) lesson: &'static Lesson,
    /// Where it says what happens.
    pub(super) timeline: Timeline,
    pub(super) waits: Waits,
    /// Whether to leave out the very thing that the lesson relies on, to see the verdict change.
    pub(super) is_sabotaged: bool,
    /// Whether to run what there is for CPython too.
    pub(super) with_python: bool,
    /// A folder for its files, which goes away by itself.
    pub(super) folder: PathBuf,
    /// How late this machine has been meanwhile.
    pub(super) lateness: Lateness,
}

/// The waits of the lessons; each lesson uses some of them.
#[derive(Clone, Copy, Debug)]
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

impl Context {
    /// No process yet, and a way to start some.
    pub(super) fn processes(&self) -> Processes {
        Processes::new(self.lesson.name, &self.timeline)
    }
}
