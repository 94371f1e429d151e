//! One line of the ledger: a change of the count, or an answer that must not change; and what follows from it.

use crate::domain::{COUNT_MAX, Command, Inconsistent, Outcome, Sale, Stock};

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

impl Stock {
    /// The stock after `record`.
    ///
    /// # Errors
    /// [`Inconsistent`] where the record does not follow.
    pub fn after(self, record: &Record) -> Result<Self, Inconsistent> {
        let revision = record.revision;
        if revision != self.revision + 1 {
            return Err(Inconsistent::Revision { found: revision, expected: self.revision + 1 });
        }
        let Self { remaining, sold, .. } = self;
        let impossible = Inconsistent::Impossible { revision };
        let after = match record.change {
            Change::Sold { first_ticket, quantity, .. } => {
                if first_ticket != sold + 1 {
                    return Err(Inconsistent::Ticket {
                        revision,
                        found: first_ticket,
                        expected: sold + 1,
                    });
                }
                let left = remaining.checked_sub(quantity).ok_or(impossible)?;
                let sold =
                    sold.checked_add(quantity).filter(|n| *n <= COUNT_MAX).ok_or(impossible)?;
                Self { remaining: left, sold, revision }
            }
            Change::Refused { .. } => Self { remaining, sold, revision },
            Change::Restocked { quantity } => {
                let more = remaining.checked_add(quantity).ok_or(impossible)?;
                Self { remaining: more, sold, revision }
            }
            Change::Adjusted { sold: now } if now < sold || now > COUNT_MAX => {
                return Err(impossible);
            }
            Change::Adjusted { sold } => Self { remaining: record.remaining, sold, revision },
        };
        if after.remaining > COUNT_MAX || record.at_ms > COUNT_MAX {
            return Err(impossible);
        }
        if after.remaining != record.remaining {
            let (found, expected) = (record.remaining, after.remaining);
            return Err(Inconsistent::Remaining { revision, found, expected });
        }
        Ok(after)
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
