//! What a shop is asked and what it answers: the calls of the contract, one ticket at a time.

use std::io;

/// How many tickets there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    /// Left; below 0 where a shop owes tickets.
    pub(super) left: i64,
    /// Put aside.
    pub(super) held: u64,
}

/// A ticket that was sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sale {
    /// Its number, which is its receipt too.
    pub(super) ticket: i64,
    /// Left right after it.
    pub(super) left: i64,
}

/// A ticket that was put aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// The number of the hold.
    pub(super) hold: u64,
    /// Left right after it.
    pub(super) left: i64,
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// Nothing is left.
    #[error("sold out")]
    SoldOut,
    /// There is no such hold, no such sale, or no such call in this shop.
    #[error("not found")]
    NotFound,
    /// The request makes no sense here.
    #[error("{0}")]
    Invalid(String),
    /// The hold was over.
    #[error("hold expired")]
    HoldExpired,
    /// The shop itself failed: nobody knows what became of it.
    #[error("the shop failed: {0}")]
    Failed(#[from] io::Error),
}

/// A small shop. Each call has a thread of its own, and may wait on it.
pub(super) trait Shop: Send + Sync {
    /// What is left.
    fn search(&self) -> Result<Count, Refusal>;

    /// Sells one ticket; requests with one `key` are one request, where the shop knows keys.
    fn buy(&self, key: Option<&str>) -> Result<Sale, Refusal>;

    /// Takes back the sale with this `receipt`, once, and gives what is left.
    fn refund(&self, _receipt: i64) -> Result<i64, Refusal> {
        Err(Refusal::NotFound)
    }

    /// Puts one ticket aside for so many seconds.
    fn hold(&self, _seconds: u64) -> Result<Held, Refusal> {
        Err(Refusal::NotFound)
    }

    /// Sells what is put aside.
    fn confirm(&self, _hold: u64) -> Result<Sale, Refusal> {
        Err(Refusal::NotFound)
    }

    /// Gives back what is put aside, and gives what is left.
    fn release(&self, _hold: u64) -> Result<i64, Refusal> {
        Err(Refusal::NotFound)
    }

    /// Puts more tickets on sale, and gives what is left.
    fn restock(&self, _quantity: i64) -> Result<i64, Refusal> {
        Err(Refusal::NotFound)
    }
}
