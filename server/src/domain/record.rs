//! One line of the ledger: a change of the count, or an answer that must not change.

use crate::domain::{Command, Outcome, Sale};

/// A change, with its place in the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The change's number: 1, 2, 3, … without gaps.
    pub revision: u64,
    /// When, in milliseconds since 1970 UTC; never before the record ahead of it.
    pub at_ms: u64,
    /// How many were left after it.
    pub remaining: u64,
    /// What happened.
    pub change: Change,
    /// The idempotency key of the request that did it.
    pub key: Option<Box<str>>,
}

impl Record {
    /// The answer to the request that made this record; `None` for an adjustment.
    pub fn outcome(&self) -> Option<Outcome> {
        let &Self { revision, remaining, .. } = self;
        match &self.change {
            &Change::Sold { first_ticket, quantity, .. } => {
                Some(Outcome::Sold(Sale { first_ticket, quantity, remaining, revision }))
            }
            &Change::Refused { quantity: requested, .. } => {
                Some(Outcome::SoldOut { requested, remaining, revision })
            }
            Change::Restocked { .. } => Some(Outcome::Restocked { remaining, revision }),
            Change::Adjusted { .. } => None,
        }
    }

    /// Whether `command` asks for what this record did.
    pub fn answers(&self, command: &Command) -> bool {
        match (&self.change, command) {
            (
                Change::Sold { quantity, buyer, .. } | Change::Refused { quantity, buyer },
                Command::Buy(order),
            ) => *quantity == order.quantity && *buyer == order.buyer,
            (Change::Restocked { quantity }, Command::Restock { quantity: asked }) => {
                quantity == asked
            }
            _ => false,
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Tickets were sold.
    Sold {
        /// The first of the ticket numbers.
        first_ticket: u64,
        /// How many tickets.
        quantity: u64,
        /// Who bought, in the buyer's own words.
        buyer: Option<Box<str>>,
    },
    /// A buyer with a key was told "sold out": a retry must be told the same.
    Refused {
        /// How many tickets were asked for.
        quantity: u64,
        /// Who asked, in the buyer's own words.
        buyer: Option<Box<str>>,
    },
    /// Tickets were added.
    Restocked {
        /// How many.
        quantity: u64,
    },
    /// Somebody outside wrote another count into `db.txt`.
    Adjusted {
        /// The ticket numbers given out, from now on; never fewer than before.
        sold: u64,
    },
}
