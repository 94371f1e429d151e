//! What somebody who waited is told.

use std::{sync::Arc, time::Duration};

use crate::{domain::Outcome, ledger::Holder};

/// The answer to one request.
pub type Answer = Result<Outcome, Refusal>;

/// Why a request has no outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The lock was not free in time. Nothing was sold.
    LockTimeout {
        /// How long the request waited.
        waited: Duration,
        /// Who held the lock, where that can be told.
        holders: Vec<Holder>,
    },
    /// The ledger cannot be used just now. Nothing was sold.
    NotSold(Arc<str>),
    /// Too many wait already. Nothing was sold.
    Overloaded,
    /// The server is about to end. Nothing was sold.
    ShuttingDown,
    /// Something failed in the middle: sold or not, nobody knows.
    Unknown(Arc<str>),
}
