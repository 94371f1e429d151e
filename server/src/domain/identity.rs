//! What tells the tokens of one counter from those of all others.

use crate::domain::COUNT_MAX;

/// What makes a counter's tokens its own.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The counter's secret key.
    pub key: [u8; 32],
    /// The lives of the ledger behind its first, with the revisions that they began with.
    pub epochs: Vec<(u64, u64)>,
}

/// The name of another life of a ledger, drawn from `random` bytes; never zero, which is the first life's.
pub fn epoch_of(random: [u8; 32]) -> u64 {
    let drawn = random.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    drawn % COUNT_MAX + 1
}
