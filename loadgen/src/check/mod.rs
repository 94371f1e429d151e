//! The judge on histories that were recorded before.

mod args;
mod lacking;
mod show;

pub(crate) use args::CheckArgs;
pub(crate) use show::show;
