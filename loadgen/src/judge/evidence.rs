//! What a judge is given.

use crate::history::{Header, Operation};

/// What a judge is given: what is known of the counter, and what the clients saw.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// What is known of the counter at the start and at the end.
    pub header: &'a Header,
    /// What the clients saw, in any order.
    pub operations: &'a [Operation],
    /// What the history is known to lack, as lower-case fragments: lines that could not be read, a
    /// file without its end. With anything in here it can be a violation or unknown, never valid.
    pub lacks: &'a [String],
}
