//! What a history proves: whether it could have shown a fault at all, and what it did not try.
//!
//! Unknown is a history in which no purchases overlapped, nothing was sold, most operations failed, or
//! nobody knows what has to be known. What was not tried beside that costs nothing and is said.

use super::{
    counting::last_read,
    evidence::Evidence,
    overlap::{overlap, purchase},
    request::{Request, Requests, Role},
    verdict::Untried,
};
use crate::history::{Operation, OperationKind, Outcome};

/// What the history did not put to the test.
pub(super) fn untried(evidence: &Evidence<'_>) -> Vec<Untried> {
    let is_refused = |one: &Operation| {
        one.outcome == Outcome::SoldOut
            && matches!(one.op, OperationKind::Buy | OperationKind::Hold)
    };
    let mut untried = Vec::new();
    if !evidence.operations.iter().any(is_refused) {
        untried.push(Untried::SoldOut);
    }
    if is_blind(evidence) {
        untried.push(Untried::Searches);
    }
    if [OperationKind::Refund, OperationKind::Restock].iter().any(|op| is_never_done(evidence, *op))
    {
        untried.push(Untried::PutBacks);
    }
    untried
}

/// Whether `op` was asked for, and refused each time.
fn is_never_done(evidence: &Evidence<'_>, op: OperationKind) -> bool {
    let mut asked = evidence.operations.iter().filter(|one| one.op == op).peekable();
    asked.peek().is_some() && asked.all(|one| one.outcome == Outcome::Refused)
}

/// Why the history proves nothing, as lower-case fragments.
pub(super) fn doubts(requests: &Requests<'_>) -> Vec<String> {
    let operations = requests.evidence.operations;
    if operations.is_empty() {
        return vec!["the history is empty".to_owned()];
    }
    let mut doubts = Vec::new();
    let tells_count = |one: &Operation| purchase(one).is_some() && one.remaining.is_some();
    if !operations.iter().any(tells_count)
        && last_read(requests).is_none()
        // Told, and not believed: that is a doubt of its own.
        && requests.evidence.header.left.is_none()
        && !is_sold_out_to_the_last(requests)
    {
        doubts.push("what was left at the end is not known".to_owned());
    }
    if !some_overlap(operations) {
        doubts.push("no two purchases overlapped in time".to_owned());
    }
    if !requests.list.iter().any(|one| one.role == Role::Change && is_sale(requests, one)) {
        doubts.push("nothing was sold".to_owned());
    }
    let failed = |one: &&Operation| matches!(one.outcome, Outcome::Refused | Outcome::Unknown);
    let failed = operations.iter().filter(failed).count();
    if failed * 2 > operations.len() {
        doubts.push(format!("most operations failed: {failed} of {}", operations.len()));
    }
    doubts
}

fn is_sale(requests: &Requests<'_>, request: &Request) -> bool {
    let op = requests.told(request).op;
    matches!(op, OperationKind::Buy | OperationKind::Hold | OperationKind::Confirm)
}

/// Whether just as many were sold as there were, and somebody was refused: then nothing is left.
pub(super) fn is_sold_out_to_the_last(requests: &Requests<'_>) -> bool {
    let sold = requests.list.iter().filter(|one| one.role == Role::Change);
    let sold = sold.map(|one| requests.told(one).quantity.unwrap_or(0));
    requests.is_sales_only
        && requests.known.initial == Some(sold.fold(0, u64::saturating_add))
        && requests.list.iter().any(|one| one.role == Role::SoldOut)
}

/// Where sales name nothing only searches can contradict them, and only those that met a sale.
fn is_blind(evidence: &Evidence<'_>) -> bool {
    let operations = evidence.operations;
    let bears_witness = |one: &Operation| {
        !one.tickets.is_empty() || one.remaining.is_some() || one.revision.is_some()
    };
    if operations.iter().any(|one| purchase(one).is_some() && bears_witness(one)) {
        return false;
    }
    overlap(evidence).searches_between == 0
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
