//! How a file ledger is opened: what comes from the world outside.

use std::{io, time::Duration};

use crate::ledger::file::log::preallocation::{Job, Sizes};

/// How a file ledger is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether a turn waits until its records survive a power cut.
    pub synced: bool,
    /// The number of this process.
    pub process: u32,
    /// How many requests are known again, at most.
    pub names_max: usize,
    /// How long segments are.
    pub sizes: Sizes,
    /// The time in milliseconds since 1970 UTC.
    pub now_ms: fn() -> u64,
    /// Random bytes that nobody can guess: the key of a new counter.
    pub random: fn() -> io::Result<[u8; 32]>,
    /// Does a job while the caller goes on.
    pub in_background: fn(Job) -> io::Result<()>,
    /// Lets time pass for a job in the background.
    pub pause: fn(Duration),
}
