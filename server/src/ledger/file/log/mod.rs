//! The records on the disk: segments, one behind the other.

pub mod lookup;
pub(super) mod opening;
pub(super) mod place;
pub mod preallocation;
pub mod segment;
