//! What can go wrong with a ledger in PostgreSQL, and whether that is definite.

use std::{fmt, io, path::PathBuf};

use tokio_postgres::error::{DbError, Severity};

use crate::ledger::{Cause, Fault, format::record_line::LineFault, postgres::address::Server};

/// Why a turn cannot be taken, or comes to nothing.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No server can be used.
    #[error("no PostgreSQL to sell from: {}", told(.0))]
    Unusable(Vec<(Server, ServerError)>),
    /// There is no such counter.
    #[error(
        "no counter `{counter}` in the database `{database}`: `--init N` makes one with N tickets"
    )]
    NoCounter {
        /// Its name.
        counter: String,
        /// Where it was looked for.
        database: String,
    },
    /// The counter is being copied from elsewhere, or that was broken off.
    #[error(
        "the counter `{counter}` is being imported and not whole yet: `server import` goes on where that was broken off"
    )]
    Importing {
        /// Its name.
        counter: String,
    },
    /// A counter of this name is there.
    #[error("the database `{database}` has a counter `{counter}` already")]
    Taken {
        /// Its name.
        counter: String,
        /// Where it is.
        database: String,
    },
    /// Something else goes by the name of our tables.
    #[error("the schema `ticket_counter` of the database `{database}` is not of a ticket counter")]
    OtherSchema {
        /// The database.
        database: String,
    },
    /// A newer program made it.
    #[error(
        "made by a newer version of this program: {what} `{found}`, and this one knows up to `{known}`"
    )]
    Newer {
        /// What is newer.
        what: &'static str,
        /// The version that is there.
        found: i32,
        /// The version that this program knows.
        known: i32,
    },
    /// The ledger ends before what this process knows.
    #[error(
        "the ledger ends at revision `{ledger}`, and `{known}` was told of already: an older database was put in its place"
    )]
    Behind {
        /// Its last revision.
        ledger: u64,
        /// The last one that this process knows.
        known: u64,
    },
    /// The ledger goes another way than what this process knows.
    #[error(
        "behind revision `{revision}` the ledger is not the one that was read: another was put in its place"
    )]
    AnotherHistory {
        /// The last revision that this process knows.
        revision: u64,
    },
    /// Another counter has the name by now.
    #[error(
        "the counter `{counter}` is not the one that was opened: another was made in its place"
    )]
    Replaced {
        /// Its name.
        counter: String,
    },
    /// What stands on a counter is not what its records come to.
    #[error("the counter `{counter}`: {reason}")]
    Disagrees {
        /// Its name.
        counter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A record is not what was written.
    #[error("record `{revision}`: {reason}")]
    Damaged {
        /// The record.
        revision: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The database says no: nothing was changed.
    #[error("PostgreSQL: {0}")]
    Refused(String),
    /// No answer, or none that says whether something was changed.
    #[error("PostgreSQL: {0}")]
    Unknown(String),
    /// It was changed, and may not outlive the primary.
    #[error("PostgreSQL warned of a commit: {0}")]
    Warned(String),
    /// A commit waits for the synchronous standby, and all others for that.
    #[error("commits wait for a synchronous standby, and none is there")]
    StandbyAway,
    /// TLS cannot be spoken.
    #[error("TLS for PostgreSQL: {0}")]
    Tls(String),
    /// A file that the address names cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system gives no more of what a connection needs.
    #[error("{0}")]
    System(#[from] io::Error),
}

/// Why one server cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// It cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// It does not let us in.
    #[error("{0}")]
    Rejected(String),
    /// It only follows another.
    #[error("a standby, which can only be read")]
    Standby,
    /// It has less than was told of.
    #[error("an older database: it ends at revision `{last}`, and `{known}` was told of already")]
    Behind {
        /// Its last revision.
        last: u64,
        /// The last one that this process knows.
        known: u64,
    },
    /// What it promises is not enough.
    #[error("{0}")]
    Unsafe(String),
}

fn told(servers: &[(Server, ServerError)]) -> String {
    let each = |(server, error): &(Server, ServerError)| format!("{server}: {error}");
    servers.iter().map(each).collect::<Vec<_>>().join("; ")
}

impl PostgresError {
    /// What came of a statement: a definite no, or nobody knows.
    pub(super) fn of(error: &tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(answer) if is_definite(answer) => Self::Refused(text(answer)),
            Some(answer) => Self::Unknown(text(answer)),
            None => Self::Unknown(chain(error)),
        }
    }
}

/// What the database says, in one line.
pub(super) fn text(answer: &DbError) -> String {
    match answer.detail() {
        Some(detail) => format!("{} ({detail})", answer.message()),
        None => answer.message().to_owned(),
    }
}

/// What an error and its causes say, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Whether `answer` says that a transaction changed nothing.
///
/// PostgreSQL reports an error of severity `ERROR` only ahead of the commit; behind it nothing but warnings and
/// the end of the session can come. Of the classes of errors (appendix A of its manual) those are named
/// here that we can bring about; with all others the ledger is asked.
fn is_definite(answer: &DbError) -> bool {
    const CLASSES: [&str; 11] = ["0A", "22", "23", "25", "28", "3D", "3F", "42", "53", "54", "P0"];
    const CODES: [&str; 3] = ["40001", "40P01", "55P03"];
    let code = answer.code().code();
    answer.parsed_severity() == Some(Severity::Error)
        && (CLASSES.iter().any(|class| code.starts_with(class)) || CODES.contains(&code))
}

impl From<PostgresError> for Fault {
    fn from(error: PostgresError) -> Self {
        match error {
            PostgresError::AnotherHistory { .. }
            | PostgresError::Replaced { .. }
            | PostgresError::Taken { .. }
            | PostgresError::Newer { .. }
            | PostgresError::Disagrees { .. }
            | PostgresError::Damaged { .. } => Self::Lasting(Cause::of(error)),
            _ => Self::Passing(Cause::of(error)),
        }
    }
}

impl PostgresError {
    pub(super) fn damaged(revision: u64, fault: &(impl fmt::Display + ?Sized)) -> Self {
        Self::Damaged { revision, reason: fault.to_string() }
    }

    pub(super) fn line(revision: u64, fault: &LineFault) -> Self {
        Self::damaged(revision, fault)
    }
}
