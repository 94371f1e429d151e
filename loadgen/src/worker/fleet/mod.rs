//! A fleet of workers: start, release at the barrier, reap.
//!
//! `process` and `thread` know how to start one kind each, and `running` whichever it is.

mod process;
mod running;
mod thread;

pub(crate) use running::{Fleet, FleetError};
