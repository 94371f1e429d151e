//! Workers: what a client does, how one worker carries several of them, and a fleet of workers.
//!
//! One loop serves the race and the run, and all three modes. A *client* carries out one operation
//! after the other, as its schedule says. A *worker* is an event loop that has one or more clients,
//! in a thread or in a process of its own. What its clients do stands in its book: that of a process
//! is kept by the parent, which reads it off a slate, memory that both have; what they say to each
//! other is lines on a socket.
//!
//! # Invariants
//! - No client begins before all are ready, or have ended.
//! - `RequestConservation`: every operation that was begun ends exactly once; where nobody knows
//!   what became of it, it is unknown.

mod book;
mod child;
mod client;
mod desk;
mod entry;
mod fleet;
mod memory;
mod pacer;
mod plan;
mod room;
mod seat;
mod shift;
mod slate;
mod watchdog;

pub(crate) use book::{WORKER_IS_GONE, ending};
pub(crate) use child::work_for_parent;
pub(crate) use fleet::{Crew, Fleet, FleetError, FleetLimits, FleetRun, Progress};
pub(crate) use plan::{Record, WorkerPlan};
pub(crate) use room::{Needs, TooFewFiles, make_room};
pub(crate) use seat::{Report, Reports};
