//! How much of a history was a race at all.

use super::{evidence::Evidence, told::quantity};
use crate::history::{Operation, OperationKind, Outcome};

/// How much of a history was a race at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Overlap {
    /// Purchases and holds with an answer.
    pub purchases: u64,
    /// How many of these were under way together with another.
    pub overlapping: u64,
    /// The most that were under way at one time.
    pub peak: u64,
    /// How many were told "sold out".
    pub sold_out: u64,
    /// Searches that told a count.
    pub searches: u64,
    /// How many of these saw neither the first nor the last count.
    pub searches_between: u64,
}

/// Measures how much overlapped in `evidence`.
#[must_use]
pub fn overlap(evidence: &Evidence<'_>) -> Overlap {
    let mut overlap = Overlap::default();
    let mut spans: Vec<(u64, u64)> = evidence.operations.iter().filter_map(purchase).collect();
    spans.sort_unstable();
    overlap.purchases = spans.len() as u64;
    overlap.overlapping = overlapping(&spans);
    overlap.peak = peak(&spans);
    let sold_out = |one: &&Operation| purchase(one).is_some() && one.outcome == Outcome::SoldOut;
    overlap.sold_out = evidence.operations.iter().filter(sold_out).count() as u64;
    (overlap.searches, overlap.searches_between) = searches(evidence);
    overlap
}

/// When an answered purchase or hold was under way.
pub(super) fn purchase(operation: &Operation) -> Option<(u64, u64)> {
    let is_purchase = matches!(operation.op, OperationKind::Buy | OperationKind::Hold)
        && matches!(operation.outcome, Outcome::Sold | Outcome::Done | Outcome::SoldOut)
        && quantity(operation) != Some(0);
    is_purchase.then_some((operation.call_ns, operation.return_ns?))
}

/// How many of `spans`, in the order of their calls, overlap another.
fn overlapping(spans: &[(u64, u64)]) -> u64 {
    let mut busy_until = 0;
    let mut overlapping = 0;
    for (index, (call, ret)) in spans.iter().enumerate() {
        let meets_earlier = index > 0 && *call < busy_until;
        let meets_later = spans.get(index + 1).is_some_and(|next| next.0 < *ret);
        overlapping += u64::from(meets_earlier || meets_later);
        busy_until = busy_until.max(*ret);
    }
    overlapping
}

fn peak(spans: &[(u64, u64)]) -> u64 {
    let mut returns: Vec<u64> = spans.iter().map(|span| span.1).collect();
    returns.sort_unstable();
    let (mut ended, mut peak) = (0, 0);
    for (begun, (call, _)) in spans.iter().enumerate() {
        while returns.get(ended).is_some_and(|ret| ret <= call && ended < begun) {
            ended += 1;
        }
        peak = peak.max(begun + 1 - ended);
    }
    peak as u64
}

fn searches(evidence: &Evidence<'_>) -> (u64, u64) {
    let seen = evidence.operations.iter().filter(|one| one.op == OperationKind::Search);
    let seen = seen.filter_map(|one| one.remaining);
    let last = evidence.header.left.or_else(|| {
        let told = evidence.operations.iter().filter(|one| one.remaining.is_some());
        told.max_by_key(|one| one.return_ns)?.remaining
    });
    let is_between = |count: &i64| Some(*count) != evidence.header.initial && Some(*count) != last;
    (seen.clone().count() as u64, seen.filter(is_between).count() as u64)
}
