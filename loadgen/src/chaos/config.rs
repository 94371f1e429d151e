//! Chaos as it is to be run: everything is checked.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use super::faults::FaultKind;
use crate::{plan::Holds, setup::Mode};

/// How long the load goes on behind the last round, so that whoever tries again is answered.
pub(super) const CALM: Duration = Duration::from_secs(3);

/// The name of the counter in an engine.
pub(super) const COUNTER: &str = "chaos";

/// What chaos is made of.
#[derive(Clone, Debug)]
pub(crate) struct ChaosConfig {
    /// How many faults, one a round.
    pub(super) rounds: u32,
    /// How long a round is.
    pub(super) round: Duration,
    /// How many servers sell from the one counter.
    pub(super) servers: u32,
    /// Where the counter is kept.
    pub(super) kept: Kept,
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
    /// Where the result goes as JSON, beside what is printed.
    pub(super) output: Option<PathBuf>,
    /// Whether the result is wanted as JSON.
    pub(super) json: bool,
}

/// Where a counter is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// In a file of a temporary folder.
    File,
    /// Where `--db` says.
    At(String),
    /// In an etcd of so many members, which is started for it.
    Etcd {
        /// How many.
        members: u32,
    },
    /// In a primary of PostgreSQL with a synchronous standby, which are started for it.
    Postgres,
}

impl Kept {
    /// How many members its engine has, where that is started for it.
    pub(super) fn members(&self) -> u32 {
        match *self {
            Self::File | Self::At(_) => 0,
            Self::Etcd { members } => members,
            Self::Postgres => 2,
        }
    }
}

impl ChaosConfig {
    /// How long clients begin something new.
    pub(super) fn length(&self) -> Duration {
        self.round * self.rounds + CALM
    }
}
