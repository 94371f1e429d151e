//! The rehearsal of a map: each of its calls once, with what came of it, before a run buys in earnest.

mod args;
mod told;
mod show;

pub(crate) use args::TryArgs;
pub(crate) use show::rehearse;
