//! What a client is told.

use crate::domain::Stock;

/// The answer to a [`crate::domain::Command`].
///
/// "Sold out" is an outcome and not an error: the counter worked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The stock as it stands; in a box, for every answer is as large as the largest.
    Found(Box<Stock>),
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
    /// Nothing is sold or held just now, by the operator's word.
    SaleClosed,
    /// The tickets are set aside.
    Held(Hold),
    /// The hold is over: its time, or because it was given back. Nothing was sold.
    HoldExpired,
    /// The hold was turned into a sale: it cannot be given back.
    HoldConfirmed,
    /// Tickets were put on sale, or given back: this many are left.
    Changed {
        /// How many are left.
        remaining: u64,
        /// The number of this change.
        revision: u64,
    },
    /// The tickets are used: now, and by nobody else.
    Admitted {
        /// When, in milliseconds since 1970 UTC.
        at_ms: u64,
        /// The number of this change.
        revision: u64,
    },
    /// The tickets were used before; nothing changed.
    AdmittedBefore {
        /// When, in milliseconds since 1970 UTC.
        at_ms: u64,
    },
    /// The sale was refunded; nothing changed.
    RefundedBefore,
    /// The sale is open, or closed.
    SaleSet {
        /// Whether it is open.
        is_open: bool,
        /// How many are left.
        remaining: u64,
        /// The number of the last change.
        revision: u64,
    },
    /// The request was seen: nothing changed, and the answer is the one of that record.
    Repeated {
        /// The record that has the answer.
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

/// Tickets that were set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// How many.
    pub quantity: u64,
    /// From when on they cannot be bought by whoever holds them, in milliseconds since 1970 UTC.
    pub expires_at_ms: u64,
    /// How many were left right after.
    pub remaining: u64,
    /// The hold's place in the order of all changes.
    pub revision: u64,
}

/// What became of a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaleStatus {
    /// The tickets can be used.
    Sold,
    /// They were given back.
    Refunded {
        /// By the record at this revision.
        revision: u64,
    },
    /// They were used.
    Admitted {
        /// By the record at this revision.
        revision: u64,
        /// When, in milliseconds since 1970 UTC.
        at_ms: u64,
    },
}
