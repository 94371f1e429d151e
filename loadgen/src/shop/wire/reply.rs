//! An answer as it came.

/// An answer of a server, whole and not read; travels from a worker process as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reply<'a> {
    /// The status code.
    pub(crate) status: u16,
    /// When the last of it came, in nanoseconds of the run's clock.
    pub(crate) received_ns: u64,
    /// The head as it came.
    pub(crate) head: &'a [u8],
    /// The body.
    pub(crate) body: &'a [u8],
}

/// Whether a server that answered so may answer otherwise a little later.
pub(in crate::shop) fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

/// Whether a server that answered so has not taken the request on: who refuses, and says when to come back, has not
/// begun with it.
pub(in crate::shop) fn is_turned_away(status: u16, says_when: bool) -> bool {
    matches!(status, 408 | 425 | 429) || (says_when && status >= 400)
}
