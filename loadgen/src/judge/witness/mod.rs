//! Linearizability where the answers are a witness of the order: a sort and a pass, O(n log n).
//!
//! Where every answer names its place, a history is linearizable (Herlihy and Wing, 1990) exactly
//! when the state fits at each place and no two operations stand the other way round by the clock.
//! Testing it is hard in general and easy with such a mapping (Gibbons and Korach, 1997).
//!
//! - `axis`: what names the place: revisions, or the number of tickets sold so far.
//! - `walk`: the pass.
//! - `fill`: which unknown operations stand where nobody else does.
//! - `refusals`: "sold out" without a place of its own.

mod axis;
mod fill;
mod refusals;
mod walk;

pub(super) use axis::{Witness, names_revisions};
