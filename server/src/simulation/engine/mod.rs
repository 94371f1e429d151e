//! An engine in memory that loses races and answers, delays, reorders hints, and serves stale reads.
//!
//! Several writers share one list of records; an append compares the revision that
//! it was made for, and the counter that it is of. Beside them a rival slips in, an append whose answer was
//! lost may land later, as a packet that was on its way does, and another counter may come in the place of this one.
//!
//! Hints and plain readings are as in etcd. A hint tells of a head that was written lately: it comes late,
//! twice, out of order, or not at all; where none tells of more than is known, nothing is read. A reading may be
//! of the past, all of it: one that is older than what is known is told by that, and of one that is not nobody knows.
//!
//! # Layout
//! - `lies`: what is said that is not so, so that the checks are seen to notice.
//! - `batch`, `ledger`: records on their way, and what the writers share.
//! - `writer`: one writer's way to it; `scan`: all of it, read from its beginning.

mod batch;
mod ledger;
mod lies;
mod scan;
mod writer;

pub(crate) use batch::SimBatch;
pub(crate) use ledger::{ACCIDENTS, SimLedger, TICKETS};
pub(crate) use lies::Lie;
pub(crate) use scan::SimScan;
pub(crate) use writer::{SimEngine, SimTurn};
