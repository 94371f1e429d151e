//! Why files are no histories.

use std::{io, path::PathBuf};

use super::FORMAT_VERSION;

/// Why files are no histories.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refuses.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Its first line is none of a history.
    #[error("{place}: not a history: {reason}")]
    NoHistory {
        /// The file, the line and the column.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A format that this program does not know.
    #[error("{place}: a history of version `{version}`, and this program reads `{FORMAT_VERSION}`")]
    Version {
        /// The file and the line.
        place: String,
        /// What the header says.
        version: u64,
    },
}

impl ReadError {
    /// The way out, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Io { .. } => None,
            Self::NoHistory { .. } => Some(
                "a history has a line `{\"history\": 1, \"initial\": 100}` and then one operation a line",
            ),
            Self::Version { .. } => Some("a newer `loadgen` may read it"),
        }
    }
}
