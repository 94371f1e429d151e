//! Why there is no lab.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::lab::model::setup::SetupError;
use crate::{exit_code, kept_file::KeepError};

/// Why a lab does not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LabError {
    /// The system refuses.
    #[error("cannot {action}: {source}")]
    Io { action: &'static str, source: io::Error },
    /// The address cannot be had.
    #[error("cannot listen on `{address}`: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    /// A worker ended in the middle, or neither goes on nor waits for a lock.
    #[error("worker {worker} {how}")]
    Worker { worker: u8, how: &'static str },
    /// A schedule that cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// A file that is no schedule.
    #[error("`{}` is no schedule: {reason}", path.display())]
    NoSchedule { path: PathBuf, reason: String },
    /// A setup or a schedule that no lab has.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A step that cannot be taken.
    #[error("step {place}: worker {worker} has nothing to do, it waits or has ended")]
    Stuck { place: usize, worker: u8 },
    /// A mission that there is not.
    #[error("there is no mission `{0}`")]
    NoMission(String),
    /// The picture cannot be kept.
    #[error("`--picture`: {0}")]
    Picture(KeepError),
    /// Ended from outside.
    #[error("interrupted")]
    Interrupted,
}

impl LabError {
    /// Makes the error for what the system refused while `action` was tried.
    pub(super) fn io(action: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }

    /// The exit code that stands for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Interrupted => exit_code::INTERRUPTED,
            Self::Picture(error) => error.exit_code(),
            Self::Listen { .. }
            | Self::Read { .. }
            | Self::NoSchedule { .. }
            | Self::Setup(_)
            | Self::NoMission(_)
            | Self::Stuck { .. } => exit_code::USAGE,
            Self::Io { .. } | Self::Worker { .. } => exit_code::INTERNAL,
        }
    }

    /// The way out, where there is one.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                Some("another program listens there, take a free port with `--listen 127.0.0.1:0`")
            }
            _ => None,
        }
    }
}
