//! What somebody who waited is told.

use std::{sync::Arc, time::Duration};

use crate::{
    domain::Outcome,
    ledger::{Holder, by_whom},
};

/// The answer to one request.
pub type Answer = Result<Outcome, Refusal>;

/// Why a request has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The lock was not free in time. Nothing was sold.
    #[error("the counter was locked{} for {} ms", by_whom(holders), waited.as_millis())]
    LockTimeout {
        /// How long the request waited.
        waited: Duration,
        /// Who held the lock, where that can be told.
        holders: Vec<Holder>,
    },
    /// The ledger cannot be used just now. Nothing was sold.
    #[error("{0}")]
    NotSold(Arc<str>),
    /// Too many wait already. Nothing was sold.
    #[error("too many requests wait already")]
    Overloaded,
    /// The server is about to end. Nothing was sold.
    #[error("the server is about to end")]
    ShuttingDown,
    /// The key came with another request before. Nothing was sold.
    #[error("this idempotency key came with another request before")]
    KeyReused,
    /// Something failed in the middle: sold or not, nobody knows.
    #[error("{0}")]
    Unknown(Arc<str>),
}
