//! A fleet of workers: start, gather at the barrier, release, collect, reap.
//!
//! `process`, `thread` and `task` know how to start one kind each; `roll` keeps count of who said
//! what and knows no kind; `run` leads through it.

mod process;
mod roll;
mod run;
mod task;
mod thread;

pub(crate) use run::{Fleet, FleetError, FleetLimits, FleetRun, Progress};
