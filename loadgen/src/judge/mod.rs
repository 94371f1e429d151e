//! Whether what the clients saw can be right. Pure: no I/O, no clock, none of the server's code.
//!
//! So far it counts: `Conservation` (what was there = what was sold + what is left), no ticket number
//! twice, and `NoOversell`.
//!
//! # Invariants
//! - A violation is only what no order of the operations explains.
//! - A check that had nothing to decide on is `unknown`, never `valid`.

mod counting;
mod counts;
mod evidence;
mod verdict;

pub use counting::judge;
pub use counts::{Counts, count};
pub use evidence::Evidence;
pub use verdict::{Judgement, Verdict, Violation, ViolationKind};
