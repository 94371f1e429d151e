//! The result of a race as plain data.

use serde::Serialize;

use super::{
    judged::{JudgedHistory, ViolationView},
    page::RunFigures,
};
use crate::{
    judge::{Counts, Untried, Verdict},
    setup::{Locking, Mode},
    waits::LockCost,
};

/// All runs of a race: the object that `--json` prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RaceSummary<'a> {
    /// In the order in which they were run.
    runs: Vec<RunView<'a>>,
    /// What the page says of each, where one was drawn.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    figures: &'a [RunFigures],
}

/// One run with what the judge found.
#[derive(Clone, Debug, Serialize)]
struct RunView<'a> {
    #[serde(flatten)]
    summary: &'a RunSummary,
    violations: Vec<ViolationView<'a>>,
    doubts: &'a [String],
    untried: &'a [Untried],
}

impl<'a> RaceSummary<'a> {
    /// Sums up `runs`.
    pub(crate) fn new(runs: &'a [JudgedRun], figures: &'a [RunFigures]) -> Self {
        let view = |run: &'a JudgedRun| RunView {
            summary: &run.summary,
            violations: run.judged.violations(),
            doubts: &run.judged.judgement.doubts,
            untried: &run.judged.judgement.untried,
        };
        Self { runs: runs.iter().map(view).collect(), figures }
    }
}

/// One run: one locking, from a fresh counter to its verdict.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RunSummary {
    /// What kept two purchases apart.
    pub(crate) locking: Locking,
    /// What a worker was.
    pub(crate) mode: Mode,
    /// Whether the workers opened `db.txt` themselves.
    pub(crate) direct: bool,
    /// How many servers shared the counter.
    pub(crate) servers: u32,
    /// How many workers there were; each bought once.
    pub(crate) workers: u32,
    /// Tickets at the start.
    pub(crate) tickets: u64,
    /// What came of the purchases, and what is wrong.
    #[serde(flatten)]
    pub(crate) counts: Counts,
    /// What became of the holds, where the race was for those.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) holds: Option<Held>,
    /// What `db.txt` says is left; `None` where it could not be read.
    pub(crate) left: Option<i64>,
    /// From the release of the workers to the last answer, in seconds.
    pub(crate) elapsed_s: f64,
    /// What the locking cost those who bought, and whom; `None` where fewer than two were answered.
    pub(crate) cost: Option<LockCost>,
    /// What the judge says.
    pub(crate) verdict: Verdict,
}

/// What became of the holds of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Held {
    /// Holds that were made.
    pub(crate) holds: u64,
    /// How many of these lapsed since nobody confirmed them.
    pub(crate) lapsed: u64,
    /// Workers that were told "sold out" at the last.
    #[serde(skip)]
    pub(crate) refused: u64,
    /// Tickets that are still held at the end; `None` where nobody knows.
    pub(crate) held: Option<u64>,
}

/// A run with what stands behind its verdict.
#[derive(Clone, Debug)]
pub(crate) struct JudgedRun {
    /// Whether its locking must keep purchases apart in this setup.
    pub(crate) is_safe: bool,
    /// The figures.
    pub(crate) summary: RunSummary,
    /// What the workers saw, and what the judge found.
    pub(crate) judged: JudgedHistory,
    /// What people should know beside that: lower-case fragments.
    pub(crate) notes: Vec<String>,
}

impl JudgedRun {
    /// An unsafe run that was caught.
    pub(crate) fn is_caught(&self) -> bool {
        !self.is_safe && self.summary.verdict == Verdict::Violation
    }
}
