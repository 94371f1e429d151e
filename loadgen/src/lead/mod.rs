//! One leader for every show: it starts a fleet, releases it, hears it and reaps it; what comes of that
//! is a tally and a history.
//!
//! # Invariants
//! - `RequestConservation`: every operation that was begun has ended when the leader is done, if only as
//!   unknown.

mod fleet_tally;
mod history;
mod interrupts;
mod leader;

pub(crate) use fleet_tally::Led;
pub(crate) use history::{FleetHistory, HistoryError, HistoryPlace};
pub(crate) use interrupts::Interrupts;
pub(crate) use leader::{Stage, lead};
