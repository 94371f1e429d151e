//! The report as a picture: one self-contained HTML page, for people who open it years later.
//!
//! Each block of the page is a file: `verdict`, `counterexample`, `sections` (the cause), `left`
//! (the symptom), `latency` and `outcomes` (of a run), `timeline` and `facts`. What they draw with: `markup` (HTML and SVG that cannot
//! hold unescaped text), `scale`, `figure` (a picture with its axes), `mark` (an operation as a
//! bar) and `frame` (a heading and a column for each run). What they tell is worked out in `run`,
//! `critical`, `stock`, `sample` and `figures`, pure.
//!
//! # Invariants
//! - Everything that comes out of a history is escaped, and cut where it is too long to be read.
//! - A page is at most 5 MB whatever the history; what is left out is said.
//! - It can be read without its script, which adds pointing, the keyboard and zoom.
//! - Nothing is told by colour alone.

mod counterexample;
mod critical;
mod document;
mod facts;
mod figure;
mod figures;
mod frame;
mod latency;
mod left;
mod mark;
mod markup;
mod outcomes;
mod recorded;
mod run;
mod sample;
mod scale;
mod sections;
mod stock;
mod timeline;
mod verdict;

#[cfg(test)]
mod page_tests;
#[cfg(test)]
mod specimens;

pub(crate) use document::{Page, render};
pub(crate) use figures::RunFigures;
pub(crate) use recorded::recorded_run;
pub(crate) use run::PageRun;
