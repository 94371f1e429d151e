//! The run: load on a shop, measured by both clocks, recorded, and judged.

mod args;
mod args_error;
mod config;
mod drawing;
mod ending;
mod preparation;
mod rehearsal;
mod restock;
mod result;
mod show;
mod threshold;
mod trial;
mod typed;
mod watch;

pub(crate) use args::RunArgs;
pub(crate) use config::{Restock, RunConfig};
pub(crate) use rehearsal::{TryArgs, rehearse};
pub(crate) use show::{RunError, judged, show};
