//! The result of a show: plain data first (`judged`, `summary`, `measurement`), then a room or a file
//! for each way to tell it.

mod judged;
mod measurement;
mod part;
mod products;
mod rounds;
mod summary;

mod command_line;
mod github;
mod junit;
mod live;
mod output;
mod page;
mod terminal;

pub(crate) use command_line::command_line;
pub(crate) use github::{Annotation, annotations, step_summary};
pub(crate) use judged::{CheckSummary, JudgedHistory, OperationView, ViolationView, worst};
pub(crate) use junit::junit;
pub(crate) use live::{LiveLine, LiveView, ProgressLine, Screen};
pub(crate) use measurement::{Measurement, Rule, first_violations};
pub(crate) use output::{
    annotate, or_closed, print_data, print_json, print_words, say, tell_lost, write_json,
};
pub(crate) use page::{Page, PageRun, RunFigures, Shade, recorded_run, render as page};
pub(crate) use part::Part;
pub(crate) use products::{ProductSummary, products};
pub(crate) use rounds::{FaultSummary, RoundSummary, Rounds, percent};
pub(crate) use summary::{Held, JudgedRun, RaceSummary, RunSummary};
pub(crate) use terminal::{
    check_text, costs, empty_table, heading, measured_text, products_table, proof, race_table,
    rounds_table, sentences,
};
