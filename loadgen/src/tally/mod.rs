//! What came of the operations of a run, counted.
//!
//! # Invariants
//! - `RequestConservation`: intended = sold + sold out + found + held + given back + refused + error + unknown.

mod counted;
mod outcomes;

pub(crate) use counted::{Seen, Tally, WorkerTally};
pub(crate) use outcomes::{Ending, Outcomes};
