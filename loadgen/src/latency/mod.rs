//! How long operations took, by both clocks.
//!
//! *Response time* runs from the instant at which an operation was due, *service time* from the
//! instant at which it was sent. Where a server stands still, an open loop sends late: only the
//! response time has the wait in it (Gil Tene, "How NOT to Measure Latency": coordinated omission).
//!
//! # Invariants
//! - Merged histograms equal the one that has seen everything.

mod clocks;
mod percentiles;
mod samples;

pub(crate) use clocks::Clocks;
pub(crate) use percentiles::{Percentiles, microseconds};
pub(crate) use samples::Samples;
