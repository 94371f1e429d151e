//! The judge's record on one shop, from its rounds. Pure.

use serde::Serialize;

use super::round::Round;
use crate::{
    exit_code,
    judge::{Verdict, ViolationKind},
    shops::exhibit::Exhibit,
};

/// What came of a bug and of its twin.
pub(super) struct Record {
    /// The shop.
    pub(super) exhibit: &'static Exhibit,
    /// The rounds of the bug, up to the one that showed it.
    pub(super) bug: Vec<Round>,
    /// The rounds of the twin.
    pub(super) twin: Vec<Round>,
}

impl Record {
    /// The round that showed the bug, and which it was, from 1.
    pub(super) fn shown(&self) -> Option<(usize, &Round)> {
        let is_shown = |round: &Round| round.verdict == Verdict::Violation;
        let place = self.bug.iter().position(is_shown)?;
        Some((place + 1, &self.bug[place]))
    }

    /// How many rounds of the twin ended so.
    pub(super) fn twin_rounds(&self, verdict: Verdict) -> usize {
        self.twin.iter().filter(|round| round.verdict == verdict).count()
    }

    /// Whether the bug was convicted, or is one that nobody can see from outside.
    pub(super) fn is_settled(&self) -> bool {
        self.shown().is_some() || self.exhibit.unseen.is_some()
    }

    /// What is to be told of it as JSON.
    pub(super) fn view(&self) -> RecordView<'_> {
        let shown = self.shown();
        let accusation = shown.and_then(|(_, round)| round.accusation.as_ref());
        let of = |verdict| self.twin_rounds(verdict);
        RecordView {
            name: self.exhibit.name,
            bug: self.exhibit.bug,
            mended: self.exhibit.mended,
            source: self.exhibit.source,
            unseen: self.exhibit.unseen,
            rounds_until_shown: shown.map(|(rounds, _)| rounds),
            seed: shown.map(|(_, round)| round.seed),
            kind: accusation.map(|accusation| accusation.kind),
            message: accusation.map(|accusation| accusation.message.as_str()),
            story: accusation.map_or(&[], |accusation| &accusation.story),
            operations: accusation.map(|accusation| accusation.operations),
            twin: TwinView {
                valid: of(Verdict::Valid),
                unknown: of(Verdict::Unknown),
                violation: of(Verdict::Violation),
            },
        }
    }
}

/// The record of one shop as JSON has it.
#[derive(Debug, Serialize)]
pub(super) struct RecordView<'a> {
    name: &'a str,
    bug: &'a str,
    mended: &'a str,
    source: &'a str,
    unseen: Option<&'a str>,
    rounds_until_shown: Option<usize>,
    seed: Option<u64>,
    kind: Option<ViolationKind>,
    message: Option<&'a str>,
    story: &'a [String],
    operations: Option<usize>,
    twin: TwinView,
}

/// How many rounds of a twin ended how.
#[derive(Debug, Serialize)]
struct TwinView {
    valid: usize,
    unknown: usize,
    violation: usize,
}

/// How a proof ends: an accused twin and a bug that got away weigh most, then a round that proves nothing.
pub(super) fn exit_code(records: &[Record]) -> u8 {
    let is_wrong = |one: &Record| !one.is_settled() || one.twin_rounds(Verdict::Violation) > 0;
    if records.iter().any(is_wrong) {
        exit_code::VIOLATION
    } else if records.iter().any(|one| one.twin_rounds(Verdict::Unknown) > 0) {
        exit_code::UNKNOWN
    } else {
        exit_code::VALID
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::shops::{gallery::EXHIBITS, proof::round::Accusation};

    /// A round that ended so.
    pub(in crate::shops::proof) fn ended(verdict: Verdict) -> Round {
        let accusation = (verdict == Verdict::Violation).then(|| Accusation {
            kind: ViolationKind::Oversell,
            message: "9 sold of 8".to_owned(),
            story: vec!["Nine were sold.".to_owned()],
            operations: 2,
        });
        let doubts = Vec::from_iter((verdict == Verdict::Unknown).then(|| "busy".to_owned()));
        Round { seed: 7, verdict, accusation, doubts }
    }

    /// What came of the first shop's bug and twin.
    pub(in crate::shops::proof) fn record(bug: &[Verdict], twin: &[Verdict]) -> Record {
        let rounds = |verdicts: &[Verdict]| verdicts.iter().copied().map(ended).collect();
        Record { exhibit: &EXHIBITS[0], bug: rounds(bug), twin: rounds(twin) }
    }

    #[test]
    fn only_convicted_bugs_and_valid_twins_end_well() {
        use Verdict::{Unknown, Valid, Violation};
        for (bug, twin, code) in [
            (&[Valid, Unknown, Violation][..], &[Valid, Valid][..], 0),
            (&[Violation], &[Valid, Unknown], 3),
            (&[Violation], &[Valid, Violation], 1),
            (&[Valid, Unknown], &[Valid], 1),
            (&[Valid], &[Unknown, Violation], 1),
        ] {
            assert_eq!(exit_code(&[record(bug, twin)]), code, "{bug:?} {twin:?}");
        }
    }

    #[test]
    fn a_record_tells_when_a_bug_showed_and_how() {
        let record = record(&[Verdict::Valid, Verdict::Violation], &[Verdict::Valid; 3]);
        let json = serde_json::to_value(record.view()).unwrap();
        assert_eq!(
            (json["rounds_until_shown"].as_u64(), json["seed"].as_u64()),
            (Some(2), Some(7))
        );
        assert_eq!(
            (json["kind"].as_str(), json["operations"].as_u64()),
            (Some("oversell"), Some(2))
        );
        assert_eq!(json["twin"], serde_json::json!({"valid": 3, "unknown": 0, "violation": 0}));
    }
}
