//! Why there is no result.

use std::{io, time::Duration};

use rustix::io::Errno;

use crate::{duration, exit_code, kept_file::KeepError};

/// Why a lesson, or all of them together, did not come to an end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LessonError {
    /// The system refuses.
    #[error("cannot {action}: {source}")]
    Io { action: &'static str, source: io::Error },
    /// Something did not happen in time: the machine is too busy for an answer.
    #[error("waited {} for {what}, in vain", duration::format(*limit))]
    Late { what: String, limit: Duration },
    /// One of the lessons failed.
    #[error("the lesson `{name}` failed: {source}")]
    Failed { name: &'static str, source: Box<LessonError> },
    /// A lesson's program stopped in the middle; it has said why.
    #[error("a lesson stopped in the middle")]
    Stopped,
    /// No place for the page.
    #[error("`--report`: {0}")]
    NoPage(KeepError),
    /// The page cannot be written.
    #[error("`--report`: {0}")]
    Page(KeepError),
    /// Ended from outside.
    #[error("interrupted")]
    Interrupted,
}

impl LessonError {
    /// Makes the error for what the system refused while `action` was tried.
    pub(super) fn io(action: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }

    /// The exit code that stands for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Interrupted => exit_code::INTERRUPTED,
            Self::NoPage(_) => exit_code::USAGE,
            _ if self.is_scarcity() => exit_code::USAGE,
            _ => exit_code::INTERNAL,
        }
    }

    /// The way out, where there is one.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        self.is_scarcity().then_some(
            "this machine has no room for so many, raise its limits (`ulimit -n`, `ulimit -u`)",
        )
    }

    /// Whether the system has no room for the processes or open files of a lesson.
    fn is_scarcity(&self) -> bool {
        let codes = [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM];
        let Self::Failed { source, .. } = self else { return false };
        let Self::Io { source, .. } = &**source else { return false };
        source.raw_os_error().is_some_and(|code| codes.map(Errno::raw_os_error).contains(&code))
    }
}
