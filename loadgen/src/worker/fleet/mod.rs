//! A fleet of workers: start, gather at the barrier, release, collect, reap.
//!
//! `process` and `thread` know how to start one kind each, and `crew` whichever it is; `roll` keeps
//! count of who said what in a race and knows no kind; `run` leads a race through it.

mod crew;
mod process;
mod roll;
mod run;
mod thread;

pub(crate) use crew::{Crew, FleetError};
pub(crate) use run::{Fleet, FleetLimits, FleetRun, Progress};
