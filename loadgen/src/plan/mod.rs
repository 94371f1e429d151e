//! Who sends what, and when it is due: a seed and a profile give every client its operations. Pure.
//!
//! The operations of a run are numbered 0, 1, 2, …, and client `c` of `C` carries out those whose
//! number leaves the remainder `c` when divided by `C`, as wrk2 deals them to its connections.
//! In an open loop each has an instant at which it is due, whatever became of those before it; in a
//! closed loop it is due as soon as the one before it is answered. What a client does with a hold or a sale
//! takes the place of an operation that would come else.
//!
//! # Invariants
//! - The same plan gives the same operations, in every process and on every machine.

mod arrivals;
mod holds;
mod profile;
mod random;
mod schedule;
mod work;

pub(crate) use arrivals::Arrivals;
pub(crate) use holds::{Fate, FollowUp, Holds};
pub(crate) use profile::{Profile, ProfileError};
pub(crate) use random::Random;
pub(crate) use schedule::{Next, Pace, Plan, Schedule, Step, Waves};
pub(crate) use work::{Action, Work};
