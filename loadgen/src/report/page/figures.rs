//! The numbers that the page's words and pictures rest on.

use serde::Serialize;

use super::{
    critical::{self, Section},
    run::{PageRun, RunView},
    stock::Stock,
};
use crate::{
    history::Outcome,
    judge::{self, Counts, Evidence, Overlap, Verdict},
};

/// The numbers of one run that the page tells beside the facts it was given; the page carries them
/// as JSON too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RunFigures {
    /// What people call the run.
    pub(crate) label: String,
    /// What the judge says.
    pub(crate) verdict: Verdict,
    /// Tickets at the start.
    pub(crate) initial: Option<i64>,
    /// Tickets left at the end, as the counter said.
    pub(crate) left: Option<i64>,
    /// Operations in the history.
    pub(crate) operations: usize,
    /// The same by outcome.
    pub(crate) outcomes: Outcomes,
    /// What can be counted.
    pub(crate) counts: Counts,
    /// How much of it was a race.
    pub(crate) overlap: Overlap,
    /// From the first call to the last thing that happened, in nanoseconds.
    pub(crate) span_ns: u64,
    /// The lowest count that the answers promised: below zero where more was sold than there was.
    pub(crate) promised_left_min: Option<i128>,
    /// The same at the end.
    pub(crate) promised_left: Option<i128>,
    /// Critical sections in the history.
    pub(crate) sections: usize,
    /// The most of them at one time.
    pub(crate) sections_at_once_max: usize,
    /// Those that wrote over what another had written since they read.
    pub(crate) sections_overwriting: usize,
}

/// How many operations ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Outcomes {
    /// Bought.
    pub(crate) sold: usize,
    /// Not enough was left.
    pub(crate) sold_out: usize,
    /// Looked at.
    pub(crate) found: usize,
    /// Carried out.
    pub(crate) done: usize,
    /// It did not happen.
    pub(crate) refused: usize,
    /// It may have happened.
    pub(crate) unknown: usize,
}

/// The numbers of the run that `view` shows.
pub(super) fn figures(view: &RunView<'_>, sections: &[Section], stock: &Stock) -> RunFigures {
    let mut outcomes = Outcomes::default();
    for operation in view.run.operations {
        let count = match operation.outcome {
            Outcome::Sold => &mut outcomes.sold,
            Outcome::SoldOut => &mut outcomes.sold_out,
            Outcome::Found => &mut outcomes.found,
            Outcome::Done => &mut outcomes.done,
            Outcome::Refused => &mut outcomes.refused,
            Outcome::Unknown => &mut outcomes.unknown,
        };
        *count += 1;
    }
    let PageRun { header, operations, .. } = view.run;
    let evidence = Evidence { header, operations, lacks: &[] };
    RunFigures {
        label: view.label.clone(),
        verdict: view.run.judgement.verdict(),
        initial: view.run.header.initial,
        left: view.run.header.left,
        operations: view.run.operations.len(),
        outcomes,
        counts: judge::count(&evidence),
        overlap: judge::overlap(&evidence),
        span_ns: view.own_span_ns,
        promised_left_min: stock.lowest(),
        promised_left: stock.last(),
        sections: sections.len(),
        sections_at_once_max: critical::at_once_max(sections),
        sections_overwriting: sections
            .iter()
            .filter(|section| section.overwritten.is_some())
            .count(),
    }
}
