//! Why a turn at the ledger failed.

use std::{io, path::PathBuf, time::Duration};

use crate::ledger::{Holder, by_whom, file::reader::HeadError};

/// Why a turn failed, or why a ledger cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// `db.txt` cannot be read.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// `db.txt` is ahead of the ledger: records are missing.
    #[error(
        "{}: revision `{head}`, but the ledger in {} ends at `{ledger}`",
        path.display(), folder.display()
    )]
    HeadAhead {
        /// The counter's file.
        path: PathBuf,
        /// The ledger's folder.
        folder: PathBuf,
        /// The revision in the head.
        head: u64,
        /// The last revision in the ledger.
        ledger: u64,
    },
    /// The keys of other programs in `db.txt` leave no room for ours.
    #[error("{}: the keys of other programs leave no room for the count", path.display())]
    HeadFull {
        /// The counter's file.
        path: PathBuf,
    },
    /// A file of the ledger is not what was written.
    #[error("{}:{line}: {reason}", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong there.
        reason: String,
    },
    /// A record of the past is not what was written.
    #[error("{}: revision `{revision}`: {reason}", path.display())]
    DamagedRecord {
        /// The segment.
        path: PathBuf,
        /// The record.
        revision: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of the ledger was taken away while the server ran.
    #[error("{} is not the file that was opened", path.display())]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else held the lock for too long.
    #[error("{} is locked{}", path.display(), by_whom(holders))]
    Locked {
        /// The locked file.
        path: PathBuf,
        /// How long we waited.
        waited: Duration,
        /// Who holds it, where that can be told.
        holders: Vec<Holder>,
    },
    /// The system refused something before anything was written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was to be done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A write or a sync failed: what was decided may or may not be in the ledger.
    #[error("cannot {action} {}: {source}", path.display())]
    Commit {
        /// What was to be done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl LedgerError {
    /// Whether what was decided in the turn can have reached the ledger.
    ///
    /// After such an error this process must not sell any more.
    pub fn may_have_written(&self) -> bool {
        matches!(self, Self::Commit { .. })
    }
}
