//! A server from its start to its end: the parts put together.

mod counter;
mod error;
mod serve;
mod signals;
mod upkeep;

pub use error::RunError;
pub use serve::{bind, noop, serve};
pub use upkeep::{repair, verify};
