//! Who was told "sold out" while a purchase was under way that was refused in the end: a shop puts a ticket aside,
//! asks the bank, and gives it back where that says no. Pure.

use crate::history::{Operation, OperationKind, Outcome};

/// When refused purchases were under way: their calls in order, each with the latest end of all up to it.
#[derive(Default)]
pub(super) struct PutAside {
    spans: Vec<(u64, u64)>,
}

impl PutAside {
    /// By those of `operations` that were refused.
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
        Self { spans }
    }

    /// Whether one of them was under way at some instant from `call` to `ret`.
    pub(super) fn meets(&self, call: u64, ret: u64) -> bool {
        let begun = self.spans.partition_point(|(begun, _)| *begun <= ret);
        begun > 0 && self.spans[begun - 1].1 >= call
    }
}

/// Whether tickets may have been put aside for `operation`, which got none.
pub(super) fn may_put_aside(operation: &Operation) -> bool {
    operation.outcome == Outcome::Refused
        && matches!(operation.op, OperationKind::Buy | OperationKind::Hold | OperationKind::Confirm)
}

/// Whether `operation` was told "sold out" while others may have had tickets aside.
pub(super) fn is_explained(operation: &Operation, aside: &PutAside) -> bool {
    operation.outcome == Outcome::SoldOut
        && aside.meets(operation.call_ns, operation.return_ns.unwrap_or(u64::MAX))
}
