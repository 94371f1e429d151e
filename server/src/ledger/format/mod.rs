//! What every engine writes, as text: bytes in, values out; pure.
//!
//! # Layout
//! - [`base`]: which counter records are of, and from where they go on.
//! - [`record_line`]: the records.
//! - [`snapshot`]: what a ledger has come to.

pub mod base;
pub mod record_line;
pub mod snapshot;
