//! What a judge found, as plain data: the object that `check --json` prints, and its violations.

use serde::Serialize;

use super::page::RunFigures;
use crate::{
    history::{History, Operation, Places},
    judge::{Judgement, Untried, Verdict, Violation, ViolationKind},
};

/// A history with what the judge found in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct JudgedHistory {
    /// What was judged.
    pub(crate) history: History,
    /// What was found.
    pub(crate) judgement: Judgement,
    /// What people should know beside that: lower-case fragments.
    pub(crate) notes: Vec<String>,
}

impl JudgedHistory {
    /// What was judged and found; what is worth knowing beside the verdict becomes a note.
    pub(crate) fn new(history: History, mut judgement: Judgement) -> Self {
        let notes = std::mem::take(&mut judgement.notes);
        Self { history, judgement, notes }
    }

    /// What the judge says.
    pub(crate) fn verdict(&self) -> Verdict {
        self.judgement.verdict()
    }

    /// What is wrong, the one that fewest operations show first.
    pub(crate) fn violations(&self) -> Vec<ViolationView<'_>> {
        let mut violations: Vec<_> = self
            .judgement
            .violations
            .iter()
            .map(|violation| ViolationView::new(violation, &self.history))
            .collect();
        // One without operations shows nothing, and comes last.
        violations.sort_by_key(|violation| violation.operations.len().wrapping_sub(1));
        violations
    }
}

/// A violation with the operations themselves.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ViolationView<'a> {
    /// What kind of wrong.
    pub(crate) kind: ViolationKind,
    /// The same for people: a lower-case fragment.
    pub(crate) message: &'a str,
    /// How the operations contradict each other, in whole sentences.
    pub(crate) story: &'a [String],
    /// The operations that show it.
    pub(crate) operations: Vec<OperationView<'a>>,
}

impl<'a> ViolationView<'a> {
    fn new(violation: &'a Violation, history: &'a History) -> Self {
        let operations = violation
            .operations
            .iter()
            .filter_map(|place| OperationView::new(*place, history))
            .collect();
        let Violation { kind, message, story, .. } = violation;
        Self { kind: *kind, message, story, operations }
    }
}

/// An operation and where it was read.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OperationView<'a> {
    /// As in the history.
    #[serde(flatten)]
    pub(crate) operation: &'a Operation,
    /// The file; left out where it comes from none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<&'a str>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
}

impl<'a> OperationView<'a> {
    fn new(place: usize, history: &'a History) -> Option<Self> {
        let operation = history.operations.get(place)?;
        let (file, line) = Places::of(&history.places, place).unzip();
        Some(Self { operation, file, line })
    }
}

/// All histories of a check: the object that `--json` prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CheckSummary<'a> {
    operations: usize,
    verdict: Verdict,
    violations: Vec<ViolationView<'a>>,
    doubts: Vec<&'a str>,
    untried: Vec<Untried>,
    notes: Vec<&'a str>,
    /// One by one, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    histories: Vec<HistorySummary<'a>>,
    /// What the page says of each, where one was drawn.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    figures: &'a [RunFigures],
}

/// One history of several.
#[derive(Clone, Debug, Serialize)]
struct HistorySummary<'a> {
    label: Option<&'a str>,
    run: Option<&'a str>,
    operations: usize,
    verdict: Verdict,
    violations: Vec<ViolationView<'a>>,
    doubts: &'a [String],
    untried: &'a [Untried],
    notes: &'a [String],
}

impl<'a> CheckSummary<'a> {
    /// Sums up `judged`; nothing at all is unknown.
    pub(crate) fn new(judged: &'a [JudgedHistory], figures: &'a [RunFigures]) -> Self {
        let mut violations: Vec<_> = judged.iter().flat_map(JudgedHistory::violations).collect();
        violations.sort_by_key(|violation| violation.operations.len().wrapping_sub(1));
        let strings = |of: fn(&JudgedHistory) -> &[String]| {
            judged.iter().flat_map(of).map(String::as_str).collect()
        };
        let histories = if judged.len() > 1 { judged } else { &[] };
        Self {
            operations: judged.iter().map(|judged| judged.history.operations.len()).sum(),
            verdict: judged.iter().map(JudgedHistory::verdict).max().unwrap_or(Verdict::Unknown),
            violations,
            doubts: strings(|judged| &judged.judgement.doubts),
            untried: all_untried(judged),
            notes: strings(|judged| &judged.notes),
            histories: histories.iter().map(HistorySummary::new).collect(),
            figures,
        }
    }
}

/// What some history of `judged` did not try.
fn all_untried(judged: &[JudgedHistory]) -> Vec<Untried> {
    let mut all = Vec::new();
    for untried in judged.iter().flat_map(|judged| &judged.judgement.untried) {
        if !all.contains(untried) {
            all.push(*untried);
        }
    }
    all
}

impl<'a> HistorySummary<'a> {
    fn new(judged: &'a JudgedHistory) -> Self {
        let header = &judged.history.header;
        Self {
            label: header.label.as_deref(),
            run: header.run.as_deref(),
            operations: judged.history.operations.len(),
            verdict: judged.verdict(),
            violations: judged.violations(),
            doubts: &judged.judgement.doubts,
            untried: &judged.judgement.untried,
            notes: &judged.notes,
        }
    }
}
