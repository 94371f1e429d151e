//! The result of a show: plain data first, then one file for each way to tell it.

mod heading;
mod json;
mod live_line;
mod measured;
mod measurement;
mod progress;
mod sentences;
mod summary;
mod table;
mod wording;

pub(crate) use heading::heading;
pub(crate) use json::write_json;
pub(crate) use live_line::LiveLine;
pub(crate) use measured::measured_text;
pub(crate) use measurement::{Measurement, Rule, Shown};
pub(crate) use progress::ProgressLine;
pub(crate) use sentences::sentences;
pub(crate) use summary::{JudgedRun, RaceSummary, RunSummary};
pub(crate) use table::race_table;
pub(crate) use wording::{crowd, paragraph};
