//! The report as a picture: one self-contained HTML page, for people who open it years later.
//!
//! Each block of the page is a file: `verdict`, `counterexample`, `sections` (the cause), `left`
//! (the symptom), `waiting` (what the lock cost), `latency` and `outcomes` (of a run), `timeline`, `faults` and
//! `facts`. What they draw with,
//! beside the kit of all pages: `block` (a heading and a column for each run), `lanes` (who stands
//! where) and `mark` (an operation as a bar). What they tell is worked out in `run`, `critical`,
//! `stock`, `sample` and `figures`, pure.
//!
//! # Invariants
//! - Everything that comes out of a history is cut where it is too long to be read.
//! - A page is at most 5 MB whatever the history; what is left out is said.
//! - Its script adds pointing, the keyboard and zoom, and no word or number of its own.

mod block;
mod counterexample;
mod critical;
mod document;
mod facts;
mod faults;
mod figures;
mod lanes;
mod latency;
mod left;
mod mark;
mod outcomes;
mod recorded;
mod run;
mod sample;
mod sections;
mod stock;
mod timeline;
mod verdict;
mod waiting;

#[cfg(test)]
mod page_tests;
#[cfg(test)]
mod specimens;

pub(crate) use document::{Page, render};
pub(crate) use figures::RunFigures;
pub(crate) use recorded::recorded_run;
pub(crate) use run::{PageRun, Shade};
