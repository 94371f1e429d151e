//! What stands on the counter at one revision.

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
