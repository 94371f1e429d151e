//! What the program needs, after what the user typed was checked.

use std::{path::PathBuf, time::Duration};

use crate::counter::lesson::Delays;

/// Everything a running server is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The counter's file, `db.txt`.
    pub db: PathBuf,
    /// Create a missing counter with this many tickets.
    pub init: Option<u64>,
    /// How sales are kept apart.
    pub locking: Locking,
    /// What an answer waits for.
    pub durability: Durability,
    /// How long a request waits for the lock before it is answered "not sold".
    pub lock_timeout: Duration,
    /// The most tickets that one order may have.
    pub max_per_order: u64,
    /// The token of admin calls; without one they are refused.
    pub admin_token: Option<String>,
    /// Host names, beside the loopback ones, under which the server may be called.
    pub allowed_hosts: Vec<String>,
    /// How many threads serve connections, at least 1.
    pub event_loops: usize,
}

/// How sales are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locking {
    /// The durable group commit: one lock, one write, one sync for all who wait.
    Group,
    /// The lesson's seller under the file's advisory lock: safe and slow.
    File(Delays),
    /// The lesson's seller under a lock in this process: safe with one server only.
    Mutex(Delays),
    /// The lesson's seller under no lock: oversells.
    None(Delays),
}

impl Locking {
    /// The name on the command line and in the answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::File(_) => "file",
            Self::Mutex(_) => "mutex",
            Self::None(_) => "none",
        }
    }

    /// What a user must know before relying on it; nothing to warn of for the group commit.
    pub fn warning(self) -> Option<&'static str> {
        match self {
            Self::Group => None,
            Self::File(_) => Some("sells one at a time and is not durable: a lesson, not a shop"),
            Self::Mutex(_) => Some("unsafe with a second server on this counter, and not durable"),
            Self::None(_) => Some("unsafe: nothing keeps two buyers apart, it will oversell"),
        }
    }
}

/// What an answer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Durability {
    /// The ledger is on the disk: an acknowledged sale survives a power cut.
    Synced,
    /// The ledger is with the kernel: an acknowledged sale survives a crash of
    /// the server, and not one of the machine.
    Buffered,
}
