//! Why the ledger in files cannot be used, one type an operation.

use std::{io, path::PathBuf, time::Duration};

use crate::ledger::{Cause, Fault, Holder, by_whom, file::reader::HeadError};

/// Why a counter cannot be opened, looked at or mended.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// What a turn meets as well.
    #[error(transparent)]
    Turn(#[from] TurnError),
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
}

/// Why a turn at the ledger cannot be begun, or comes to nothing.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
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
    /// A file was put in the place of another that was opened, or taken away.
    #[error("{} is not the file that was opened", path.display())]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// The folder of the ledger is another than the one that was opened, or gone: a counter that was moved or restored.
    #[error("{} is not the file that was opened; start this server again", path.display())]
    Moved {
        /// The lock of the ledger.
        path: PathBuf,
    },
    /// The records cannot be read, or there is no room for more.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A write or a sync failed.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// Another process has begun another life of the ledger, as a repair does: what this one gives out belongs to none.
    #[error("{}: another life of this ledger has begun: start this server again", path.display())]
    AnotherLife {
        /// The counter's file.
        path: PathBuf,
    },
    /// Other files were copied over those of the ledger: what this process knows is not in it any more.
    #[error(
        "{}: another ledger was copied over this one while it was in use: start this server again",
        path.display()
    )]
    CopiedOver {
        /// The segment.
        path: PathBuf,
    },
}

/// Why records cannot be read, or a file for them not be made. Nothing that was there has changed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
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
    /// The system refused something.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was to be done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl LogError {
    /// Whether there is no room, on the disk or in what a user or a file may have of it, for as much as that.
    pub fn is_without_room(&self) -> bool {
        let Self::Io { source, .. } = self else { return false };
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge)
    }
}

/// A write or a sync failed: nobody knows what is on the disk, and this process must not sell any more.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct CommitError {
    /// What was to be done.
    pub action: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

impl From<TurnError> for Fault {
    fn from(error: TurnError) -> Self {
        match error {
            TurnError::Commit(_) | TurnError::AnotherLife { .. } | TurnError::CopiedOver { .. } => {
                Self::Lasting(Cause::of(error))
            }
            _ => Self::Passing(Cause::of(error)),
        }
    }
}

impl From<HeadError> for OpenError {
    fn from(error: HeadError) -> Self {
        TurnError::from(error).into()
    }
}

impl From<LogError> for OpenError {
    fn from(error: LogError) -> Self {
        TurnError::from(error).into()
    }
}
