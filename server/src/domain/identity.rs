//! What tells the tokens of one counter from those of all others.

/// What makes a counter's tokens its own.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The counter's secret key.
    pub key: [u8; 32],
    /// The lives of the ledger behind its first, with the revisions that they began with.
    pub epochs: Vec<(u64, u64)>,
}
