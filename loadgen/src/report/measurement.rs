//! The result of a run as plain data: the object that `--json` prints.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    judge::{Verdict, Violation},
    latency::Percentiles,
    setup::Mode,
    tally::Outcomes,
};

/// The result of a run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measurement {
    /// Operations that were begun and counted.
    pub(crate) requests: u64,
    /// From the end of the warm-up to the end of the run, in seconds.
    pub(crate) elapsed_s: f64,
    /// `requests` a second.
    pub(crate) rate_rps: f64,
    /// What was asked for, on average; `None` in a closed loop.
    pub(crate) asked_rate_rps: Option<f64>,
    /// Whether that was reached, to within one in a hundred; `None` in a closed loop.
    pub(crate) asked_rate_reached: Option<bool>,
    /// Operations that were due and never begun, since the time was over.
    pub(crate) unsent: u64,
    /// How the operations ended.
    pub(crate) outcomes: Outcomes,
    /// Why those that ended badly did.
    pub(crate) causes: BTreeMap<String, u64>,
    /// From the instant at which an operation was due.
    pub(crate) response_us: Percentiles,
    /// From the instant at which it was sent.
    pub(crate) service_us: Percentiles,
    /// Tickets at the start; `None` where nobody knows.
    pub(crate) initial: Option<u64>,
    /// Tickets left at the end; `None` where nobody knows.
    pub(crate) left: Option<u64>,
    /// Tickets sold, those of the warm-up among them.
    pub(crate) sold_ever: u64,
    /// What a worker was.
    pub(crate) mode: Mode,
    /// How many clients there were.
    pub(crate) clients: u32,
    /// How many workers they shared.
    pub(crate) workers: u32,
    /// What makes the plan repeatable.
    pub(crate) seed: u64,
    /// Whether it was ended from outside.
    pub(crate) interrupted: bool,
    /// Where the operations stand, where they were to be kept.
    pub(crate) history: Option<String>,
    /// What the judge says.
    pub(crate) verdict: Verdict,
    /// What is wrong.
    pub(crate) violations: Vec<Shown>,
    /// How many more things are wrong than `violations` has room for.
    pub(crate) violations_more: usize,
    /// Why the history proves less than it should.
    pub(crate) doubts: Vec<String>,
    /// What became of the rules.
    pub(crate) thresholds: Vec<Rule>,
    /// What people should know beside that.
    pub(crate) notes: Vec<String>,
}

/// A rule and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Rule {
    /// The rule as it was typed.
    pub(crate) rule: String,
    /// What was measured: milliseconds, a share, a rate or a count.
    pub(crate) actual: f64,
    /// Whether it was kept.
    pub(crate) passed: bool,
}

/// A violation as it is shown: with the first of its operations.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    violation: Violation,
    /// How many operations it has in all.
    operations_total: usize,
}

/// How many violations are shown, and how many operations of each.
const VIOLATIONS_MAX: usize = 20;
const OPERATIONS_MAX: usize = 20;

impl Shown {
    /// The first of `violations`, each cut to a length that can be read, and how many are left out.
    pub(crate) fn first_of(violations: &[Violation]) -> (Vec<Self>, usize) {
        let shown = violations.iter().take(VIOLATIONS_MAX).map(|violation| {
            let operations = violation.operations.iter().take(OPERATIONS_MAX).copied().collect();
            Self {
                violation: Violation {
                    kind: violation.kind,
                    message: violation.message.clone(),
                    operations,
                    story: violation.story.clone(),
                },
                operations_total: violation.operations.len(),
            }
        });
        (shown.collect(), violations.len().saturating_sub(VIOLATIONS_MAX))
    }

    /// What is wrong.
    pub(crate) fn violation(&self) -> &Violation {
        &self.violation
    }
}
