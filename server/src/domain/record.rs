//! One line of the ledger: a change of the count that happened.

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
