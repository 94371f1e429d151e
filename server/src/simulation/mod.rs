//! Ledgers that fail on command, and the tests that let them.
//!
//! # Layout
//! - [`disk`], [`file`]: a disk that crashes, tears writes and fails syncs.
//! - `lying_disk`: one that skips a step of the protocol, so that the checks are seen to notice.
//! - `engine`: one that loses races and answers, delays, reorders hints, and serves stale reads.
//! - [`seller`]: a writer with its clients, on one thread.
//! - `shop`, `life`: a counter on such a disk, and one with accidents and outsiders.
//! - `books`: what must hold of every ledger and of all that was answered from it.

pub(crate) mod disk;
pub(crate) mod file;

#[cfg(test)]
mod books;
#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod damage_tests;
#[cfg(test)]
pub(crate) mod engine;
#[cfg(test)]
mod engine_tests;
#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod life;
#[cfg(test)]
mod lives_tests;
#[cfg(test)]
mod lying_disk;
#[cfg(test)]
mod moving_tests;
#[cfg(test)]
mod opening_tests;
#[cfg(test)]
mod sabotage_tests;
pub(crate) mod seller;
#[cfg(test)]
pub(crate) mod shop;
#[cfg(test)]
mod snapshot_tests;
#[cfg(test)]
mod start_up_tests;
