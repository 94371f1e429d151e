//! What goes in and what comes out: heads, bodies, tokens, answers, and problems.
//!
//! # Layout
//! - [`headers`], [`framing`], [`body`]: what is read of a request; [`accept`]: what the client would rather have.
//! - [`wire`], [`form`], [`buyer_rule`]: what stands in it; [`token`]: receipts and holds.
//! - [`answer`], [`problem`]: what the counter said, and refused, as HTTP has it.

pub mod accept;
pub mod answer;
pub mod body;
pub mod buyer_rule;
pub mod form;
pub mod framing;
pub mod headers;
pub mod problem;
pub mod token;
pub mod wire;
