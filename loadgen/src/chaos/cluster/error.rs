//! Why a member of an engine does not do what it is told.

use std::{io, time::Duration};

/// What is wrong with a member.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MemberError {
    /// There is none.
    #[error("`{flag}` starts {what}, and there is none\nhint: Debian has it as `{package}`")]
    NotInstalled {
        /// The flag that asks for it.
        flag: &'static str,
        /// What would be started.
        what: &'static str,
        /// What it comes in.
        package: &'static str,
    },
    /// The system refuses.
    #[error("a member of the engine: {0}")]
    Io(#[from] io::Error),
    /// A program of the engine's says so.
    #[error("`{program}` failed: {words}")]
    Failed {
        /// The program.
        program: String,
        /// What it said.
        words: String,
    },
    /// It is not what it should be, by when it should.
    #[error("{what} took more than {limit:?}")]
    Late {
        /// What was waited for.
        what: &'static str,
        /// For how long.
        limit: Duration,
    },
}
