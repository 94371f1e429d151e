//! A first map of a shop, drawn from what describes it or from one recorded purchase.
//!
//! # Invariants
//! - What could not be known is marked with `# ?`, and no value of a recording is written down that may be a
//!   secret.

mod args;
mod har;
mod openapi;
mod show;
mod sketch;

pub(crate) use args::MapArgs;
pub(crate) use show::show;
