//! Workers: what one does, and a fleet of them.
//!
//! One loop serves all three modes. A worker sits on a `Seat`: there it says what it has done,
//! and there it waits until everybody is ready. In a process of its own, the seat is
//! joined to the parent's by two pipes.
//!
//! # Invariants
//! - No worker buys before all are ready, or have ended.
//! - Every worker of a run gives exactly one purchase; where nobody knows what became of it, the
//!   outcome is unknown.

mod fleet;
mod pipe;
mod seat;
mod turn;

pub(crate) use fleet::{Fleet, FleetError, FleetLimits, FleetRun, Progress};
pub(crate) use pipe::work_for_parent;
pub(crate) use turn::WorkerPlan;
