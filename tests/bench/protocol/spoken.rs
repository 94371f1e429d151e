//! A protocol as the closed loop sees it.

/// What a client says, and how it understands the answers.
pub(crate) struct Protocol {
    /// What opens a connection, each with an answer of its own; often nothing.
    pub(crate) greetings: Vec<Vec<u8>>,
    /// What a client sends again and again.
    pub(crate) request: Vec<u8>,
    /// Reads what has come so far.
    pub(crate) read: Read,
}

/// The answer that the bytes begin with; `None` while it is not whole.
///
/// # Errors
/// Bytes that are no answer, or an answer that tells of an error.
pub(crate) type Read = fn(&[u8]) -> anyhow::Result<Option<Answer>>;

/// A whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Its length in bytes.
    pub(crate) length: usize,
    /// Whether it is what the request asked for: a sale, and no other answer.
    pub(crate) is_wanted: bool,
}
