//! A load generator with a judge.
//!
//! # Layout
//! - [`cli`]: typed by the user, validated once; [`exit_code`]: how it ended.
//! - `manual`: what the program tells of its command line.
//! - `setup`, `duration`, `flags`, `lifeline`, `kept_file`, `own_folder`: what a run is made of, times as people write
//!   them, numbers and addresses as flags take them, child processes that die with their parent, files that are
//!   whole or not there, folders that go away; `runner`: that of a CI, which reads what is printed.
//! - [`history`]: what the clients saw; [`judge`]: whether that can be right.
//! - [`engines`]: etcd and PostgreSQL on this machine, and a network between them that can be cut.
//! - `plan`: who sends what, and when; `latency`, `tally`: how long it took, and what came of it.
//! - `waits`: what a lock costs, and whom.
//! - `shop`: how a shop is spoken to; `worker`: clients, and a fleet of workers that carry them; `lead`:
//!   one leader for every show.
//! - `words`: numbers, times, operations and verdicts as people read them.
//! - `page`: what pages are made of: markup, palette, scales, figures.
//! - `report`: the result as a table, as sentences, as JSON and as a page.
//! - `draft`: a first map of a shop, from a description or a recording.
//! - `race`, `run`, `chaos`, `shops`, `check`, `export`: the shows that compose the parts above; `lesson`: small
//!   programs that teach what the race is made of; `lab`: a page on which to be the scheduler of one.
//!
//! # Invariants
//! - The judge shares no code with the accused: only `shop::servers` uses the crate `server`.
//! - No worker and no server outlives the process that started it.

pub mod cli;
pub mod engines;
pub mod exit_code;
pub mod history;
pub mod judge;

mod chaos;
mod check;
mod draft;
mod duration;
mod export;
mod flags;
mod kept_file;
mod lab;
mod latency;
mod lead;
mod lesson;
mod lifeline;
mod manual;
mod own_folder;
mod page;
mod plan;
mod race;
mod report;
mod run;
mod runner;
mod setup;
mod shop;
mod shops;
mod tally;
mod waits;
mod words;
mod worker;
