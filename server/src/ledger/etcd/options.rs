//! How a ledger in etcd is opened: what comes from the world outside.

use std::fmt;

use crate::{domain::Stock, ledger::format::base::Base};

/// How a ledger in etcd is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What a missing counter is made of; without it one has to be there.
    pub new: Option<New>,
    /// How many requests are known again, at most.
    pub names_max: usize,
    /// How much is kept of what.
    pub sizes: Sizes,
    /// Random bits by which this process is known.
    pub writer: u128,
}

/// What a new counter is made of.
#[derive(Clone, Copy)]
pub struct New {
    /// How many tickets are on sale.
    pub tickets: u64,
    /// The counter's secret key: bytes that nobody can guess.
    pub key: [u8; 32],
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: u64,
}

impl New {
    /// What the ledger of the counter begins with.
    pub fn base(self) -> Base {
        Base::of(self.key, 0, Stock::new(self.tickets, 0, 0), self.at_ms)
    }
}

/// Without the key, which is a secret.
impl fmt::Debug for New {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "New {{ tickets: {} }}", self.tickets)
    }
}

/// How much is kept of what, in bytes of the text of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Behind how much the next snapshot is due.
    pub snapshot: usize,
    /// How much makes a page.
    pub page: usize,
}

impl Default for Sizes {
    /// A snapshot behind about a hundred thousand sales; a page of about ten thousand, which is compressed to a
    /// fourth of that, far below what a member takes at once.
    fn default() -> Self {
        Self { snapshot: 16 << 20, page: 3 << 19 }
    }
}
