//! The result of a show: plain data first, then one file for each way to tell it.

mod json;
mod progress;
mod sentences;
mod summary;
mod table;

pub(crate) use json::write_json;
pub(crate) use progress::ProgressLine;
pub(crate) use sentences::{heading, sentences};
pub(crate) use summary::{JudgedRun, RaceSummary, RunSummary};
pub(crate) use table::race_table;
