//! The rehearsal of a map: each of its calls once, with what came of it, before a run buys in earnest.

mod args;
mod show;
mod told;

pub(crate) use args::TryArgs;
pub(crate) use show::rehearse;
