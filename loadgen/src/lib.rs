//! A load generator with a judge.
//!
//! # Layout
//! - [`cli`]: typed by the user, validated once; [`exit_code`]: how it ended.
//! - `setup`, `duration`, `lifeline`, `kept_file`: what a run is made of, times as people write them,
//!   child processes that die with their parent, files that are whole or not there.
//! - [`history`]: what the clients saw; [`judge`]: whether that can be right.
//! - `target`: where a worker buys; `worker`: one worker, and a fleet of them.
//! - `report`: the result as a table, as sentences, as JSON and as a page.
//! - `race`, `check`, `export`: the shows that compose the parts above; `lesson`: small programs that
//!   teach what the race is made of.
//!
//! # Invariants
//! - The judge shares no code with the accused: only `target::spawned` uses the crate `server`.
//! - No worker and no server outlives the process that started it.

pub mod cli;
pub mod exit_code;
pub mod history;
pub mod judge;

mod check;
mod duration;
mod export;
mod kept_file;
mod lesson;
mod lifeline;
mod race;
mod report;
mod setup;
mod target;
mod worker;
