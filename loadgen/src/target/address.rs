//! Where a worker buys, and the open way there.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::{counter::CounterError, file::FileTarget, http::HttpTarget};
use crate::{history::Answer, setup::Delays};

/// Where a worker buys; travels to a worker process as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Address {
    /// A server.
    Server {
        /// Its base, as in `http://127.0.0.1:8080`.
        url: String,
    },
    /// The counter's file itself.
    File {
        /// Where `db.txt` lies.
        path: PathBuf,
        /// Whether a purchase takes the advisory lock.
        locked: bool,
        /// Between reading and checking, in nanoseconds.
        check_delay_ns: u64,
        /// Between checking and writing, in nanoseconds.
        write_delay_ns: u64,
    },
}

/// Why a target cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    /// The server does not answer.
    #[error("cannot reach the server: {0}")]
    Http(#[from] reqwest::Error),
    /// The counter's file cannot be used.
    #[error(transparent)]
    Counter(#[from] CounterError),
}

/// An open way to buy: a connection that is established, or a file that is open.
#[derive(Debug)]
pub(crate) enum Target {
    /// To a server.
    Http(HttpTarget),
    /// To the counter's file.
    File(FileTarget),
}

impl Target {
    /// Opens the way to `address`, so that the first purchase has no more to set up.
    ///
    /// # Errors
    /// The server does not answer, or the file cannot be opened.
    pub(crate) async fn open(address: &Address) -> Result<Self, TargetError> {
        Ok(match address {
            Address::Server { url } => Self::Http(HttpTarget::open(url).await?),
            Address::File { path, locked, check_delay_ns, write_delay_ns } => {
                let delays = Delays {
                    check: Duration::from_nanos(*check_delay_ns),
                    write: Duration::from_nanos(*write_delay_ns),
                };
                Self::File(FileTarget::open(path, *locked, delays)?)
            }
        })
    }

    /// Looks at the count.
    pub(crate) async fn search(&self) -> Answer {
        match self {
            Self::Http(target) => target.search().await,
            Self::File(target) => target.search().await,
        }
    }

    /// Buys one ticket.
    pub(crate) async fn buy(&self) -> Answer {
        match self {
            Self::Http(target) => target.buy().await,
            Self::File(target) => target.buy().await,
        }
    }
}
