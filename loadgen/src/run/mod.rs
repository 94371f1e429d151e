//! The run: load on a shop, measured by both clocks, recorded, and judged.

mod args;
mod args_error;
mod ci;
mod config;
mod drawing;
mod ending;
mod error;
mod preparation;
mod rehearsal;
mod restock;
mod result;
mod round;
mod series;
mod show;
mod threshold;
mod trial;
mod typed;
mod watch;

pub(crate) use args::RunArgs;
pub(crate) use ci::{CiConfig, Pattern};
pub(crate) use config::{Restock, RunConfig};
pub(crate) use error::RunError;
pub(crate) use rehearsal::{TryArgs, rehearse};
pub(crate) use round::judged;
pub(crate) use show::show;
