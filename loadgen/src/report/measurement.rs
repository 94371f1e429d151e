//! The result of a run as plain data: the object that `--json` prints.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    judged::{JudgedHistory, ViolationView},
    part::Part,
    products::ProductSummary,
    rounds::Rounds,
};
use crate::{
    judge::{Untried, Verdict},
    latency::Percentiles,
    setup::Mode,
    tally::Outcomes,
};

/// The result of a run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measurement<'a> {
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
    pub(crate) initial: Option<i64>,
    /// Tickets left at the end; `None` where nobody knows.
    pub(crate) left: Option<i64>,
    /// Tickets put aside at the end; `None` where nobody knows.
    pub(crate) held: Option<u64>,
    /// Tickets sold, those of the warm-up among them.
    pub(crate) sold_ever: u64,
    /// Tickets that came back of these.
    pub(crate) refunded_ever: u64,
    /// Tickets that the operator put on sale meanwhile.
    pub(crate) restocked: u64,
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
    /// Whether anything was recorded that could be judged.
    #[serde(skip)]
    pub(crate) is_judged: bool,
    /// What the judge says.
    pub(crate) verdict: Verdict,
    /// The round that it says it of, and what is wrong there, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) judged_round: Option<u32>,
    /// The product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) judged_product: Option<String>,
    /// What is wrong: the first things, each with the first of its operations.
    pub(crate) violations: Vec<ViolationView<'a>>,
    /// How many things are wrong in all.
    pub(crate) violations_total: usize,
    /// Why the history proves less than it should.
    pub(crate) doubts: &'a [String],
    /// What the run did not put to the test.
    pub(crate) untried: &'a [Untried],
    /// What to change, where it proves less than it could: whole sentences.
    pub(crate) advice: Vec<String>,
    /// Whether every client was told "sold out"; `None` where that was not to be waited for.
    pub(crate) sold_out_reached: Option<bool>,
    /// How the clients came together.
    pub(crate) pattern: &'static str,
    /// Each round, where there were several or fresh stock was put on sale: all figures are those of all rounds
    /// then, and what was judged is the first round of the worst verdict.
    #[serde(flatten)]
    pub(crate) rounds: Option<Rounds>,
    /// Each product, where there are several: all figures are those of all products then, and what was judged is
    /// the first of the worst verdict.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) products: Vec<ProductSummary>,
    /// What became of the rules.
    pub(crate) thresholds: Vec<Rule>,
    /// What people should know beside that.
    pub(crate) notes: Vec<String>,
}

impl Measurement<'_> {
    /// What the verdict is of, where there is more than one.
    pub(crate) fn judged_part(&self) -> Option<Part> {
        let (round, product) = (self.judged_round, self.judged_product.clone());
        let (is_of_rounds, round) = (round.is_some(), round.unwrap_or(1));
        Part { round, product, pattern: self.pattern, is_of_rounds }.of_many()
    }

    /// Tells of these `products`, which so many clients and workers bought in all.
    pub(crate) fn show_products(
        &mut self,
        products: Vec<ProductSummary>,
        clients: u32,
        workers: u32,
    ) {
        (self.clients, self.workers) = (clients, workers);
        let sum =
            |of: fn(&ProductSummary) -> Option<i64>| products.iter().map(of).sum::<Option<i64>>();
        (self.initial, self.left) = (sum(|product| product.initial), sum(|product| product.left));
        self.products = products;
    }
}

/// A rule and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Rule {
    /// The rule as it was typed.
    pub(crate) rule: String,
    /// What was measured: milliseconds, a share, a rate or a count; `None` where there was nothing to measure.
    pub(crate) actual: Option<f64>,
    /// Whether it was kept.
    pub(crate) passed: bool,
}

/// How many violations are shown, and how many operations of each.
const VIOLATIONS_MAX: usize = 20;
const OPERATIONS_MAX: usize = 20;

/// What is wrong in `judged`, cut to a length that can be read, and how much it is in all.
pub(crate) fn first_violations(judged: &JudgedHistory) -> (Vec<ViolationView<'_>>, usize) {
    let mut violations = judged.violations();
    let total = violations.len();
    violations.truncate(VIOLATIONS_MAX);
    for violation in &mut violations {
        violation.operations.truncate(OPERATIONS_MAX);
    }
    (violations, total)
}
