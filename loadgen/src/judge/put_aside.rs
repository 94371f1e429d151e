//! Who was told "sold out" while a purchase was under way that sold nothing in the end: a shop puts a ticket aside,
//! asks the bank, and gives it back where that says no, or nothing at all. Pure.

use super::told::quantity;
use crate::history::{Operation, OperationKind, Outcome};

/// What others can have had aside for a while.
#[derive(Default)]
pub(super) struct PutAside {
    /// When refused purchases were under way: their calls in order, each with the latest end of all up to it.
    spans: Vec<(u64, u64)>,
    /// The calls of purchases of unknown outcome in order, each with the tickets of all up to it: nobody knows when
    /// they gave them back.
    unheard: Vec<(u64, u64)>,
}

impl PutAside {
    /// By those of `operations` that were refused, or whose outcome is unknown.
    pub(super) fn of(operations: &[Operation]) -> Self {
        let refused = operations.iter().filter(|one| may_put_aside(one));
        let mut spans: Vec<(u64, u64)> =
            refused.map(|one| (one.call_ns, one.return_ns.unwrap_or(u64::MAX))).collect();
        spans.sort_unstable();
        let mut latest = 0;
        for (_, end) in &mut spans {
            latest = latest.max(*end);
            *end = latest;
        }
        let unheard = operations.iter().filter(|one| takes(one) && one.outcome == Outcome::Unknown);
        let mut unheard: Vec<(u64, u64)> =
            unheard.map(|one| (one.call_ns, quantity(one).unwrap_or(0))).collect();
        unheard.sort_unstable();
        let mut sum: u64 = 0;
        for (_, quantity) in &mut unheard {
            sum = sum.saturating_add(*quantity);
            *quantity = sum;
        }
        Self { spans, unheard }
    }

    /// How many tickets purchases of unknown outcome can have had aside at some instant up to `ret`.
    ///
    /// Whether they bought them then is left open: whoever did counts for both, which explains more than there was.
    pub(super) fn unheard_by(&self, ret: u64) -> u64 {
        let begun = self.unheard.partition_point(|(call, _)| *call <= ret);
        begun.checked_sub(1).map_or(0, |last| self.unheard[last].1)
    }

    /// Whether one that was refused was under way at some instant from `call` to `ret`.
    fn meets(&self, call: u64, ret: u64) -> bool {
        let begun = self.spans.partition_point(|(begun, _)| *begun <= ret);
        begun > 0 && self.spans[begun - 1].1 >= call
    }
}

/// Whether tickets may have been put aside for `operation`, which was refused.
pub(super) fn may_put_aside(operation: &Operation) -> bool {
    operation.outcome == Outcome::Refused && takes(operation)
}

fn takes(operation: &Operation) -> bool {
    matches!(operation.op, OperationKind::Buy | OperationKind::Hold | OperationKind::Confirm)
}

/// Whether `operation` was told "sold out" while others were being refused, who may have had as many tickets as there
/// were aside.
pub(super) fn is_explained(operation: &Operation, aside: &PutAside) -> bool {
    operation.outcome == Outcome::SoldOut
        && aside.meets(operation.call_ns, operation.return_ns.unwrap_or(u64::MAX))
}

/// Whether `operation` was told "sold out" while anybody may have had tickets aside.
pub(super) fn may_be_explained(operation: &Operation, aside: &PutAside) -> bool {
    let by_unheard = || aside.unheard_by(operation.return_ns.unwrap_or(u64::MAX)) > 0;
    is_explained(operation, aside) || (operation.outcome == Outcome::SoldOut && by_unheard())
}
