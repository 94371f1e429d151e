//! The race: many workers buy few tickets at once, under each locking in turn.

mod args;
mod config;
mod drawing;
mod ending;
mod holds;
mod own_counter;
mod run;
mod show;

pub(crate) use args::RaceArgs;
pub(crate) use show::show;

#[cfg(test)]
mod run_tests;
