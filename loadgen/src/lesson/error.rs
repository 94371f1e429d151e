//! Why a lesson did not come to its end.

use std::{io, time::Duration};

use crate::duration;

/// Why a lesson did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LessonError {
    /// The system refuses.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Something did not happen in time: the machine is too busy for an answer.
    #[error("waited {} for {what}, in vain", duration::format(*limit))]
    Late {
        /// What was waited for.
        what: String,
        /// For how long.
        limit: Duration,
    },
}

impl LessonError {
    /// Whether the system has no room for so many processes or open files.
    pub(super) fn is_scarcity(&self) -> bool {
        use rustix::io::Errno;
        let codes = [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM];
        match self {
            Self::Io { source, .. } => source
                .raw_os_error()
                .is_some_and(|code| codes.map(Errno::raw_os_error).contains(&code)),
            Self::Late { .. } => false,
        }
    }

    /// Makes the error for what the system refused while `action` was tried.
    pub(super) fn io(action: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}
