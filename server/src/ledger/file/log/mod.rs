//! The records on the disk: segments, one behind the other.
//!
//! # Layout
//! - [`segment`]: one file of lines; [`preallocation`]: made ahead of need.
//! - [`cursor`]: a position in the ledger, and reading on from it through all segments.
//! - [`batch`]: lines that are to be appended there.
//! - [`lookup`]: records by their revisions.
//! - [`snapshots`]: what a start reads instead of all that was before.

pub mod batch;
pub mod cursor;
pub mod lookup;
pub mod preallocation;
pub mod segment;
pub mod snapshots;
