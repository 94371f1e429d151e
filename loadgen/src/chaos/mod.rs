//! Chaos: servers of one counter, and members of the etcd or the PostgreSQL that it is kept in, are killed, stopped,
//! ended and cut off from each other while many clients buy and try again, and then the judge hears what all of them
//! were told.
//!
//! # Invariants
//! - The same seed makes the same faults, in the same order and of the same servers.
//! - Nobody is hurt but processes that the show started itself.

mod args;
mod cluster;
mod config;
mod drawing;
mod faults;
mod injection;
mod outcome;
mod run;
mod servers;
mod show;

pub(crate) use args::ChaosArgs;
pub(crate) use show::show;
