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
//! - [`header`], [`spare`]: the first line of a segment, and segments made ahead of need.
//! - [`audit`], [`repair`]: reading all of it, and writing `db.txt` anew.
//! - [`engine`]: the ledger itself; the books that it keeps, the place that they are at, and how
//!   they are opened ([`options`]).

mod adoption;
pub mod audit;
mod books;
pub mod disk;
pub mod engine;
pub mod head;
pub mod header;
pub mod layout;
pub mod locks;
pub mod lookup;
pub mod mark;
mod opening;
pub mod options;
mod place;
pub mod reader;
pub mod real_disk;
pub mod reconcile;
pub mod record_codec;
pub mod repair;
pub mod segment;
pub mod spare;
pub mod tail;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod life;
#[cfg(test)]
mod lives_tests;
#[cfg(test)]
mod sabotage_tests;
#[cfg(test)]
mod sabotaged_disk;
#[cfg(any(test, feature = "simulation"))]
#[cfg_attr(not(test), expect(dead_code, reason = "the tests use more of it than the fuzz targets"))]
pub(crate) mod simulated_disk;
#[cfg(any(test, feature = "simulation"))]
#[cfg_attr(not(test), expect(dead_code, reason = "the tests use more of it than the fuzz targets"))]
mod simulated_file;
#[cfg(test)]
mod simulated_shop;
#[cfg(test)]
mod start_up_tests;
