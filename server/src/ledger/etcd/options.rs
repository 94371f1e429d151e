//! How a ledger in etcd is opened: what comes from the world outside.

/// How a ledger in etcd is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many requests are known again, at most.
    pub names_max: usize,
    /// How much is kept of what.
    pub sizes: Sizes,
    /// Random bits by which this process is known.
    pub writer: u128,
}

/// How much is kept of what, in bytes of the text of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Behind how much the next snapshot is due.
    pub snapshot: usize,
    /// How much makes a page.
    pub page: usize,
}

impl Default for Sizes {
    /// A snapshot behind about a hundred thousand sales; a page of about ten thousand, which is compressed to a
    /// fourth of that, far below what a member takes at once.
    fn default() -> Self {
        Self { snapshot: 16 << 20, page: 3 << 19 }
    }
}
