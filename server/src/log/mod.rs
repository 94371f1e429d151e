//! The log: what happens, told on standard error with its time and its level.
//!
//! It never has a receipt, the token of a hold or of an admin, an idempotency key, or a buyer. Nobody waits for
//! whoever reads it: a thread of its own writes it, and what it has no room for is dropped and counted.

mod queue;

mod lines;

pub use lines::{Log, LogFormat, begin, dropped, say, settle, tell};
