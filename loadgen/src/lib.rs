//! A load generator with a judge.
//!
//! # Layout
//! - [`cli`]: typed by the user, validated once; [`exit_code`]: how it ended.
//! - `setup`, `duration`, `lifeline`: what a run is made of, times as people write them, and child
//!   processes that die with their parent.
//! - [`history`]: what the clients saw; [`judge`]: whether that can be right.
//! - `target`: where a worker buys; `worker`: one worker, and a fleet of them.
//! - `report`: the result as a table, as sentences and as JSON.
//! - `race`: the show that composes the parts above; `lesson`: small programs that teach what the
//!   race is made of.
//!
//! # Invariants
//! - The judge shares no code with the accused: only `target::spawned` uses the crate `server`.
//! - No worker and no server outlives the process that started it.

pub mod cli;
pub mod exit_code;
pub mod history;
pub mod judge;

mod duration;
mod lesson;
mod lifeline;
mod race;
mod report;
mod setup;
mod target;
mod worker;
