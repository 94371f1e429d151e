//! Why a server cannot start, and the way out.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::ledger::{LedgerError, file::reader::HeadError};

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The counter cannot be opened.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The counter cannot be created.
    #[error("cannot create {}: {source}", path.display())]
    Init {
        /// The counter's file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The token of admin calls cannot be used.
    #[error("--admin-token-file {}: {reason}", path.display())]
    AdminToken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The group commit does not dawdle.
    #[error("--check-delay and --write-delay need `--locking file`, `mutex` or `none`")]
    Delays,
    /// The system has no room for a thread.
    #[error("cannot start: {0}")]
    Thread(#[from] io::Error),
}

impl RunError {
    /// A way out, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Ledger(LedgerError::Head(HeadError::Io { source, .. })) => {
                let missing = source.kind() == io::ErrorKind::NotFound;
                missing.then(|| "`--init 100` creates a counter with 100 tickets".to_owned())
            }
            Self::Ledger(LedgerError::HeadAhead { .. }) => Some(
                "put the folder of the ledger back; or, if it is lost for good, remove what is \
                 left of it and write {\"count\": N, \"sold\": M} with the tickets sold so far"
                    .to_owned(),
            ),
            Self::Ledger(LedgerError::Locked { .. }) => {
                Some("wait for it, or end it; `--lock-timeout` says how long to wait".to_owned())
            }
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                Some("`--listen 127.0.0.1:0` picks a free port".to_owned())
            }
            _ => None,
        }
    }

    /// Whether the counter's files are at fault.
    pub fn is_about_data(&self) -> bool {
        use LedgerError as Fault;
        matches!(
            self,
            Self::Ledger(
                Fault::Head(_)
                    | Fault::HeadAhead { .. }
                    | Fault::HeadFull { .. }
                    | Fault::Damaged { .. }
            )
        )
    }
}
