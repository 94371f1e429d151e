//! What a client is told.

use crate::domain::Stock;

/// The answer to a [`crate::domain::Command`].
///
/// "Sold out" is an outcome and not an error: the counter worked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The stock as it stands.
    Found(Stock),
    /// The tickets are sold.
    Sold(Sale),
    /// Fewer are left than were asked for; nothing was sold.
    SoldOut {
        /// How many were asked for.
        requested: u64,
        /// How many are left.
        remaining: u64,
        /// The revision at which that was so.
        revision: u64,
    },
    /// The tickets are on sale.
    Restocked {
        /// How many are left.
        remaining: u64,
        /// The number of this change.
        revision: u64,
    },
    /// The key was seen: nothing changed, and the answer is the one of that record.
    Repeated {
        /// The record that has the key.
        revision: u64,
    },
    /// A number would pass [`crate::domain::COUNT_MAX`]; nothing changed.
    OverLimit {
        /// How many are left.
        remaining: u64,
    },
}

/// One sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sale {
    /// The first ticket number; the sale has `first_ticket .. first_ticket + quantity`.
    pub first_ticket: u64,
    /// How many tickets.
    pub quantity: u64,
    /// How many were left right after this sale.
    pub remaining: u64,
    /// The sale's place in the order of all changes.
    pub revision: u64,
}
