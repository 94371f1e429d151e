//! Why the gallery has no result.

use std::io;

use super::service::ServiceError;
use crate::{exit_code, kept_file::KeepError, run::RunError};

/// Why the gallery has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShopsError {
    /// A shop cannot be opened.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A shop leaves its folder behind.
    #[error("a temporary folder stays behind: {0}")]
    Close(io::Error),
    /// A round cannot be carried out.
    #[error("a round on `{name}` failed: {source}")]
    Round {
        /// Which shop.
        name: &'static str,
        /// Why.
        source: Box<ShopsError>,
    },
    /// A run cannot be carried out.
    #[error(transparent)]
    Run(#[from] RunError),
    /// No event loop, no signals.
    #[error("cannot start: {0}")]
    Start(io::Error),
    /// No place for the result.
    #[error("`--output`: {0}")]
    Output(KeepError),
    /// The result cannot be written.
    #[error("cannot write the result: {0}")]
    Write(io::Error),
    /// Ended from outside.
    #[error("interrupted")]
    Interrupted,
}

impl ShopsError {
    /// The exit code that stands for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Service(ServiceError::Listen { .. }) => exit_code::USAGE,
            Self::Round { source, .. } => source.exit_code(),
            Self::Output(error) => error.exit_code(),
            Self::Interrupted => exit_code::INTERRUPTED,
            _ => exit_code::INTERNAL,
        }
    }
}
