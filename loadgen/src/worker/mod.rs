//! Workers: what a client does, how one worker carries several of them, and a fleet of workers.
//!
//! One loop serves every show, and all three modes. A *client* carries out one operation after the
//! other, as its schedule says. A *worker* is an event loop that has one or more clients, in a thread
//! or in a process of its own. What its clients do stands in its recorder: that of a process is kept by
//! the parent, which reads it from a journal, memory that both have; what they say to each other is
//! lines on a socket.
//!
//! # Invariants
//! - No client begins before all are ready, or have ended.
//! - `RequestConservation`: every operation that was begun ends exactly once; where nobody knows
//!   what became of it, it is unknown.

mod barrier;
mod child;
mod client;
mod entry;
mod event_loop;
mod fleet;
mod journal;
mod memory;
mod messages;
mod open_files;
mod pacer;
mod plan;
mod recorder;
mod rendezvous;
mod state;
mod terms;
mod watchdog;

pub(crate) use child::work_for_parent;
pub(crate) use entry::Begun;
pub(crate) use fleet::{Fleet, FleetError};
pub(crate) use messages::{Message, MessageReceiver};
pub(crate) use open_files::{Needs, TooFewFiles, make_room};
pub(crate) use plan::{ASKS_FOR_LONG, HistoryShare, Retries, WorkerPlan};
pub(crate) use recorder::{WORKER_IS_GONE, ending};
pub(crate) use terms::Terms;
