//! A server from its start to its end: the parts put together.

mod counter;
mod error;
mod serve;
mod signals;

pub use error::RunError;
pub use serve::{bind, host_of, noop, serve};
