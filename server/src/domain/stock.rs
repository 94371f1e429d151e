//! What stands on the counter, and how a record changes it.

use crate::domain::{Change, Record};

/// The largest count, 2^53 − 1: the largest integer that every JSON reader keeps exact.
pub const COUNT_MAX: u64 = (1 << 53) - 1;

/// What stands on the counter at one revision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// How many tickets are left.
    pub remaining: u64,
    /// How many ticket numbers were given out.
    pub sold: u64,
    /// The number of the last change, 0 before the first.
    pub revision: u64,
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

/// A record that does not follow from the inventory it is folded into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Inconsistent {
    /// The record's number is not the next one.
    #[error("revision `{found}` where `{expected}` is next")]
    Revision {
        /// The number in the record.
        found: u64,
        /// The number that is next.
        expected: u64,
    },
    /// The record leaves another count than its change explains.
    #[error(
        "revision `{revision}` leaves a count of `{found}` where its change leaves `{expected}`"
    )]
    Remaining {
        /// The record.
        revision: u64,
        /// The count in the record.
        found: u64,
        /// The count that the change gives.
        expected: u64,
    },
    /// The record takes more than is left, or lifts the count past the limit.
    #[error("revision `{revision}` changes the count by more than it can")]
    Impossible {
        /// The record.
        revision: u64,
    },
    /// The record gives out ticket numbers that are not the next ones.
    #[error("revision `{revision}` has ticket number `{found}` where `{expected}` is next")]
    Ticket {
        /// The record.
        revision: u64,
        /// The number in the record.
        found: u64,
        /// The number that is next.
        expected: u64,
    },
}
