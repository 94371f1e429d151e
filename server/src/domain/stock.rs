//! What stands on the counter at one revision.

/// The largest count, 2^53 − 1: the largest integer that every JSON reader keeps exact.
pub const COUNT_MAX: u64 = (1 << 53) - 1;

/// What stands on the counter at one revision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// How many tickets are left.
    pub remaining: u64,
    /// How many are set aside and not yet bought.
    pub held: u64,
    /// How many ticket numbers were given out; it never falls.
    pub issued: u64,
    /// How many of these were given back.
    pub refunded: u64,
    /// How many of these were used at the door.
    pub admitted: u64,
    /// How many tickets there are: at the start, more by what was put on sale, and more or less by what
    /// somebody outside changed.
    pub capacity: u64,
    /// Whether nothing is sold or held just now, by the operator's word.
    pub is_closed: bool,
    /// Which life of the ledger it is: 0, or what was drawn when a backup was restored.
    pub epoch: u64,
    /// The number of the last change, 0 before the first.
    pub revision: u64,
}

impl Stock {
    /// The stock with `remaining` tickets left and as many numbers `issued`, at `revision`; nothing else
    /// has happened.
    pub const fn new(remaining: u64, issued: u64, revision: u64) -> Self {
        Self {
            remaining,
            held: 0,
            issued,
            refunded: 0,
            admitted: 0,
            capacity: remaining.saturating_add(issued),
            is_closed: false,
            epoch: 0,
            revision,
        }
    }

    /// How many tickets are sold and not refunded.
    pub fn sold(&self) -> u64 {
        self.issued.saturating_sub(self.refunded)
    }

    /// `Conservation`: whether every ticket that there is is left, held or sold.
    pub fn is_conserved(&self) -> bool {
        let there_are = self.capacity.checked_add(self.refunded);
        let told_of =
            self.issued.checked_add(self.remaining).and_then(|n| n.checked_add(self.held));
        there_are.is_some() && there_are == told_of
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
    /// The record speaks of a hold that is not open, or not as large.
    #[error("revision `{revision}` ends a hold that is not open")]
    Hold {
        /// The record.
        revision: u64,
    },
    /// The record speaks of a sale that was refunded or admitted before, or is none.
    #[error("revision `{revision}` refunds or admits a sale that it cannot")]
    Sale {
        /// The record.
        revision: u64,
    },
    /// `Conservation`: a ticket would come from nowhere, or be lost.
    #[error(
        "behind revision `{revision}` left, held and sold are not all the tickets that there are"
    )]
    Conservation {
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
