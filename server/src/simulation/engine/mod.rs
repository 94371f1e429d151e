//! An engine in memory that loses races and answers, delays, and serves stale reads.
//!
//! Several writers share one list of records; an append compares the revision that
//! it was made for. Beside them a rival slips in, and an append whose answer was
//! lost may land later, as a packet that was on its way does.
//!
//! # Layout
//! - `lies`: what is said that is not so, so that the checks are seen to notice.
//! - `batch`, `ledger`: records on their way, and what the writers share.
//! - `engine`: one writer's way to it; `scan`: all of it, read from its beginning.

mod batch;
mod engine;
mod ledger;
mod lies;
mod scan;

pub(crate) use batch::SimBatch;
pub(crate) use engine::{SimEngine, SimTurn};
pub(crate) use ledger::{SimLedger, TICKETS};
pub(crate) use lies::Lie;
pub(crate) use scan::SimScan;
