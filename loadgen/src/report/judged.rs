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

    /// The instant from which times are told.
    pub(crate) fn first_call_ns(&self) -> u64 {
        self.history.operations.iter().map(|operation| operation.call_ns).min().unwrap_or(0)
    }

    /// What is wrong, the one that fewest operations show first.
    pub(crate) fn violations(&self) -> Vec<ViolationView<'_>> {
        let mut violations: Vec<_> = self
            .judgement
            .violations
            .iter()
            .map(|violation| ViolationView::new(violation, &self.history))
            .collect();
        violations.sort_by_key(ViolationView::size);
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

    /// How many operations show it; one without any shows nothing, and comes last.
    fn size(&self) -> usize {
        self.operations.len().wrapping_sub(1)
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
    /// All of them together.
    #[serde(flatten)]
    findings: Findings<'a>,
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
    #[serde(flatten)]
    findings: Findings<'a>,
}

/// What was found in one history or in several.
#[derive(Clone, Debug, Serialize)]
struct Findings<'a> {
    operations: usize,
    verdict: Verdict,
    violations: Vec<ViolationView<'a>>,
    doubts: Vec<&'a str>,
    /// What some history did not try.
    untried: Vec<Untried>,
    notes: Vec<&'a str>,
}

impl<'a> CheckSummary<'a> {
    /// Sums up `judged`.
    pub(crate) fn new(judged: &'a [JudgedHistory], figures: &'a [RunFigures]) -> Self {
        let one = |one: &'a JudgedHistory| HistorySummary {
            label: one.history.header.label.as_deref(),
            run: one.history.header.run.as_deref(),
            findings: Findings::of(std::slice::from_ref(one)),
        };
        let histories = if judged.len() > 1 { judged } else { &[] };
        let histories = histories.iter().map(one).collect();
        Self { findings: Findings::of(judged), histories, figures }
    }
}

impl<'a> Findings<'a> {
    fn of(judged: &'a [JudgedHistory]) -> Self {
        let mut violations: Vec<_> = judged.iter().flat_map(JudgedHistory::violations).collect();
        violations.sort_by_key(ViolationView::size);
        let mut untried = Vec::new();
        for one in judged.iter().flat_map(|judged| &judged.judgement.untried) {
            if !untried.contains(one) {
                untried.push(*one);
            }
        }
        let strings = |of: fn(&JudgedHistory) -> &[String]| {
            judged.iter().flat_map(of).map(String::as_str).collect()
        };
        Self {
            operations: judged.iter().map(|judged| judged.history.operations.len()).sum(),
            verdict: worst(judged),
            violations,
            doubts: strings(|judged| &judged.judgement.doubts),
            untried,
            notes: strings(|judged| &judged.notes),
        }
    }
}

/// The worst of all verdicts; nothing at all is unknown.
pub(crate) fn worst(judged: &[JudgedHistory]) -> Verdict {
    judged.iter().map(JudgedHistory::verdict).max().unwrap_or(Verdict::Unknown)
}
