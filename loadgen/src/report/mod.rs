//! The result of a show: plain data first, then one file for each way to tell it.

mod command_line;
mod heading;
mod json;
mod judged;
mod live_line;
mod live_view;
mod measured;
mod measurement;
mod operations;
mod page;
mod progress;
mod proof;
mod screen;
mod sentences;
mod summary;
mod table;
mod verdicts;

pub(crate) use command_line::command_line;
pub(crate) use heading::heading;
pub(crate) use json::{or_closed, write_json};
pub(crate) use judged::{CheckSummary, JudgedHistory, worst};
pub(crate) use live_line::LiveLine;
pub(crate) use live_view::LiveView;
pub(crate) use measured::measured_text;
pub(crate) use measurement::{Measurement, Rule, first_violations};
pub(crate) use page::{Page, PageRun, RunFigures, recorded_run, render as page};
pub(crate) use progress::ProgressLine;
pub(crate) use proof::proof;
pub(crate) use screen::Screen;
pub(crate) use sentences::sentences;
pub(crate) use summary::{JudgedRun, RaceSummary, RunSummary};
pub(crate) use table::race_table;
pub(crate) use verdicts::check_text;
