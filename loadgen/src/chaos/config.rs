//! Chaos as it is to be run: everything is checked.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use super::faults::FaultKind;
use crate::{plan::Holds, setup::Mode};

/// How long the load goes on behind the last round, so that whoever tries again is answered.
pub(super) const CALM: Duration = Duration::from_secs(3);

/// What chaos is made of.
#[derive(Clone, Debug)]
pub(crate) struct ChaosConfig {
    /// How many faults, one a round.
    pub(super) rounds: u32,
    /// How long a round is.
    pub(super) round: Duration,
    /// How many servers sell from the one counter.
    pub(super) servers: u32,
    /// How many members the etcd has that the counter is kept in; 0: it is kept elsewhere.
    pub(super) members: u32,
    /// How many clients.
    pub(super) clients: u32,
    /// In how many workers.
    pub(super) workers: u32,
    /// What a worker is.
    pub(super) mode: Mode,
    /// Tickets at the start.
    pub(super) tickets: u64,
    /// Which faults there are.
    pub(super) kinds: Vec<FaultKind>,
    /// What the faults and the load are drawn from.
    pub(super) seed: u64,
    /// Where the counter is kept, where that is no file of a temporary folder.
    pub(super) db: Option<String>,
    /// Where the folder is made; a file system that may be filled, where that is asked for.
    pub(super) folder: Option<PathBuf>,
    /// What else each server is started with.
    pub(super) server_flags: Vec<OsString>,
    /// How long a client waits for one answer.
    pub(super) timeout: Duration,
    /// What clients do with what they hold and have bought.
    pub(super) holds: Holds,
    /// Where all that was seen is to be kept.
    pub(super) history: Option<PathBuf>,
    /// Where the page goes.
    pub(super) report: Option<PathBuf>,
    /// Whether the result is wanted as JSON.
    pub(super) json: bool,
}

impl ChaosConfig {
    /// How long clients begin something new.
    pub(super) fn length(&self) -> Duration {
        self.round * self.rounds + CALM
    }
}
