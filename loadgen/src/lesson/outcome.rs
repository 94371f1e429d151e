//! A lesson that was run, as plain data, and the object that `--json` prints.

use serde_json::{Map, Value, json};

use super::{
    definition::Lesson,
    finding::{Finding, worst},
    timeline::Scene,
};
use crate::{exit_code, judge::Verdict};

/// A lesson that was run.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) lesson: &'static Lesson,
    /// What was seen of its claims.
    pub(super) findings: Vec<Finding>,
    /// What happened.
    pub(super) scenes: Vec<Scene>,
    /// What was measured.
    pub(super) figures: Vec<(String, f64)>,
    pub(super) elapsed_s: f64,
}

impl Outcome {
    /// Whether it saw what it teaches.
    pub(super) fn verdict(&self) -> Verdict {
        worst(&self.findings)
    }
}

/// The worst verdict; with no lesson, nothing was shown.
pub(super) fn total(outcomes: &[Outcome]) -> Verdict {
    outcomes.iter().map(Outcome::verdict).max().unwrap_or(Verdict::Unknown)
}

/// The exit code of lessons that were run: the worst of their verdicts.
pub(super) fn exit_code(outcomes: &[Outcome]) -> u8 {
    match total(outcomes) {
        Verdict::Valid => exit_code::VALID,
        Verdict::Violation => exit_code::VIOLATION,
        Verdict::Unknown => exit_code::UNKNOWN,
    }
}

/// What `--json` prints.
pub(super) fn to_json(outcomes: &[Outcome]) -> Value {
    let lesson = |outcome: &Outcome| {
        let figures = outcome.figures.iter().map(|(name, value)| (name.clone(), json!(value)));
        json!({
            "name": outcome.lesson.name,
            "teaches": outcome.lesson.teaches,
            "verdict": outcome.verdict(),
            "elapsed_s": outcome.elapsed_s,
            "findings": outcome.findings,
            "figures": figures.collect::<Map<_, _>>(),
            "scenes": outcome.scenes,
            "shows": outcome.lesson.shows,
            "product": outcome.lesson.product,
        })
    };
    let lessons: Vec<Value> = outcomes.iter().map(lesson).collect();
    json!({ "verdict": total(outcomes), "lessons": lessons })
}
