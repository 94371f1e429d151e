//! The ledger in files: `db.txt` and what stands beside it.
//!
//! # Layout
//! - [`head`]: the text of `db.txt`; [`reader`]: reading it without its lock.
//! - [`layout`]: which files there are.
//! - [`disk`]: the only door to the file system; [`real_disk`] is this machine's.
//! - [`locks`]: the two locks of a turn.
//! - [`record_codec`], [`segment`], [`tail`]: the lines, the files of lines, and
//!   what a crash leaves at their end.
//! - [`lookup`]: finding one record by its revision.
//! - [`reconcile`], [`mark`]: has somebody outside changed the count?
//! - [`engine`]: the ledger itself.

pub mod disk;
pub mod engine;
pub mod head;
pub mod layout;
pub mod locks;
pub mod lookup;
pub mod mark;
pub mod reader;
pub mod real_disk;
pub mod reconcile;
pub mod record_codec;
pub mod segment;
pub mod tail;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod simulated_disk;
