//! What happened in a lab.
//!
//! - `facts`: what it adds up to; `missions`: what it had to be; `cost`: whom it kept waiting.
//! - `telling`: the same in words.

pub(super) mod cost;
pub(super) mod facts;
pub(super) mod missions;
pub(super) mod telling;
