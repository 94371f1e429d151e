//! Whether a history could have shown a fault at all.
//!
//! What is asked for: some purchases overlapped, something was sold, somebody was refused, and either
//! the count at the end or the counts in the answers are known. Searches are asked for nothing where
//! purchases bear witness themselves: in a race everybody may have searched before the first sale.

use super::{
    counting::last_read,
    overlap::purchase,
    request::{Requests, Role},
};
use crate::history::{Operation, OperationKind};

/// Why the history proves less than it should, as lower-case fragments.
pub(super) fn doubts(requests: &Requests<'_>) -> Vec<String> {
    let operations = requests.evidence.operations;
    if operations.is_empty() {
        return vec!["the history is empty".to_owned()];
    }
    let mut doubts = Vec::new();
    let tells_count = |one: &Operation| purchase(one).is_some() && one.remaining.is_some();
    if !operations.iter().any(tells_count) && last_read(requests).is_none() {
        doubts.push("what was left at the end is not known".to_owned());
    }
    if !some_overlap(operations) {
        doubts.push("no two purchases overlapped in time".to_owned());
    }
    let is_sale =
        |op| matches!(op, OperationKind::Buy | OperationKind::Hold | OperationKind::Confirm);
    let sold =
        |role| requests.list.iter().any(|one| one.role == role && is_sale(requests.told(one).op));
    if !sold(Role::Change) {
        doubts.push("nothing was sold".to_owned());
    }
    if !sold(Role::SoldOut) {
        doubts.push("nobody was told sold out".to_owned());
    }
    doubts.extend(blind_searches(requests));
    doubts
}

/// Where sales name nothing only searches can contradict them, and only those that met a sale.
fn blind_searches(requests: &Requests<'_>) -> Option<String> {
    let operations = requests.evidence.operations;
    let bears_witness = |one: &Operation| {
        !one.tickets.is_empty() || one.remaining.is_some() || one.revision.is_some()
    };
    if operations.iter().any(|one| purchase(one).is_some() && bears_witness(one)) {
        return None;
    }
    let measured = super::overlap::overlap(&requests.evidence);
    (measured.searches > 0 && measured.searches_between == 0)
        .then(|| "no search met a sale, and no sale says what it changed".to_owned())
}

/// Whether two purchases with an answer were under way at one time.
fn some_overlap(operations: &[Operation]) -> bool {
    let mut last = None;
    for span in operations.iter().filter_map(purchase) {
        if let Some((call, ret)) = last.replace(span)
            && span.0 < ret
            && call < span.1
        {
            return true;
        }
    }
    let mut spans: Vec<(u64, u64)> = operations.iter().filter_map(purchase).collect();
    spans.sort_unstable();
    // Where any two overlap, two neighbours in the order of their calls do.
    spans.windows(2).any(|pair| pair[1].0 < pair[0].1)
}
