//! Workers: what a client does, how one worker carries several of them, and a fleet of workers.
//!
//! One loop serves the race and the run, and all three modes. A *client* carries out one operation
//! after the other, as its schedule says. A *worker* is an event loop that has one or more clients,
//! in a thread or in a process of its own; in a process it is joined to the parent by two pipes.
//!
//! # Invariants
//! - No client begins before all are ready, or have ended.
//! - `RequestConservation`: every operation that was begun ends exactly once; where nobody knows
//!   what became of it, it is unknown.

mod client;
mod desk;
mod fleet;
mod pacer;
mod pipe;
mod plan;
mod room;
mod seat;
mod shift;
mod watchdog;

pub(crate) use fleet::{Crew, Fleet, FleetError, FleetLimits, FleetRun, Progress};
pub(crate) use pipe::work_for_parent;
pub(crate) use plan::{Record, WorkerPlan};
pub(crate) use room::{Needs, TooFewFiles, make_room};
pub(crate) use seat::{Report, Reports};
