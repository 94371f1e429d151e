//! Histories for other judges: Jepsen's operation maps as JSON.

mod args;
mod events;
mod model;
mod show;

pub(crate) use args::ExportArgs;
pub(crate) use show::show;
