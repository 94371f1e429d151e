//! A purchase of several calls: what one answer says goes into the next call, cookies are kept, redirects
//! followed.
//!
//! Over the same connections as one call, and not over a library: a failure has the same name and the same
//! meaning on both lanes, an answer the same bound, and a call costs little more.
//!
//! # Invariants
//! - A purchase that ended ahead of the call that sells is `refused`, and `unknown` from there on, unless a
//!   rule of the map knows the answer.
//! - No other host than the shop's is ever asked.
//! - Everything ends: answers have a longest length, redirects a highest number, polls a longest time.

mod browser;
mod cookies;
mod fault;
mod redirect;
mod session;
mod transcript;

pub(crate) use fault::FlowFault;
pub(crate) use session::FlowSession;
pub(crate) use transcript::{Exchange, Sent};
