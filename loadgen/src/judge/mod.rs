//! Whether what the clients saw can be right. Pure: no I/O, no clock, none of the server's code.
//!
//! - `assumptions` and `vacuity`: what a history must be to prove anything.
//! - `told`, `request`, `answers`: operations under one key are one request; `model`: the counter, one step at a time.
//! - `ties`: which of them name one hold or one sale, and the lapses that may have happened; `unheard`: all
//!   that may have happened, alike with alike.
//! - `alone`, `counting`, `tickets`, `holds_told`: what is wrong whatever the order was.
//! - `start`: what the answers say of what was before; `counts_told`, `revisions_told`: counts that
//!   nobody can have read, revisions that are no order; `put_aside`: who may have had tickets for a while;
//!   `elsewhere`: what others changed that changed no count.
//! - `witness`: the order that the answers name, in one pass; `windows`: sales of one ticket that do not
//!   name their places; `search`: any order, within a budget.
//! - `explain`, `open_world`, `story`: the smallest counterexample, in sentences.
//! - `next_step`: what to do where nothing is proved.
//! - `judging`: all of it, one after the other; `history`: a history as it was read.
//!
//! # Invariants
//! - A violation is only what no order of the operations explains.
//! - A check that had nothing to decide on is `unknown`, never `valid`.
//! - `NoOversell`, `Conservation` and `AnswerOnce` as `model`, `counting` and `request` state them.

mod alone;
mod answers;
mod assumptions;
mod budget;
mod counting;
mod counts;
mod counts_told;
mod elsewhere;
mod evidence;
mod explain;
mod finding;
mod history;
mod holds_told;
mod judging;
mod lacking;
mod model;
mod next_step;
mod open_world;
mod overlap;
mod put_aside;
mod request;
mod revisions_told;
mod search;
mod start;
mod story;
#[cfg(test)]
mod tests;
mod tickets;
mod ties;
mod told;
mod unheard;
mod vacuity;
mod verdict;
mod windows;
mod witness;

pub use budget::Budget;
pub use counts::{Counts, count};
pub use evidence::Evidence;
pub use history::{judge_history, leaves_nothing};
pub use judging::{judge, judge_within, order};
pub use next_step::next_steps;
pub use overlap::{Overlap, overlap};
pub use verdict::{Judgement, Untried, Verdict, Violation, ViolationKind};
