//! What others can have had aside as somebody was told "sold out": a shop puts tickets aside for a purchase, asks the
//! bank, and gives them back where that says no, or nothing at all. Pure.
//!
//! When it gives them back is its own affair: with the answer, or as a basket runs out a while later. So a purchase that
//! came to nothing counts from its call on, and it is the number of tickets that bounds what it explains. Whom the shop
//! turned away had none.

use super::told::quantity;
use crate::history::{Operation, OperationKind, Outcome};

/// What others can have had aside for a while.
#[derive(Default)]
pub(super) struct PutAside {
    /// The calls in order of purchases that were refused, or whose outcome is unknown, each with the tickets of all up
    /// to it.
    sums: Vec<(u64, u64)>,
}

impl PutAside {
    /// By those of `operations` that came to nothing, as far as anybody here knows.
    pub(super) fn of(operations: &[Operation]) -> Self {
        let is_unknown = |one: &Operation| takes(one) && one.outcome == Outcome::Unknown;
        let all = operations.iter().filter(|one| is_unknown(one) || was_put_aside(one));
        let mut sums: Vec<(u64, u64)> = all.map(|one| (one.call_ns, most(one))).collect();
        sums.sort_unstable();
        let mut sum: u64 = 0;
        for (_, tickets) in &mut sums {
            sum = sum.saturating_add(*tickets);
            *tickets = sum;
        }
        Self { sums }
    }

    /// How many tickets they can have had aside at some instant up to `ret`.
    ///
    /// Whether those of unknown outcome bought them then is left open: whoever did counts for both, which explains more
    /// than there was.
    pub(super) fn by(&self, ret: u64) -> u64 {
        let begun = self.sums.partition_point(|(call, _)| *call <= ret);
        begun.checked_sub(1).map_or(0, |last| self.sums[last].1)
    }

    /// Whether `operation` was told "sold out" while anybody may have had tickets aside.
    pub(super) fn may_explain(&self, operation: &Operation) -> bool {
        operation.outcome == Outcome::SoldOut
            && self.by(operation.return_ns.unwrap_or(u64::MAX)) > 0
    }
}

/// The tickets that may have been put aside for each of `operations` that was refused, with its call.
pub(super) fn refused(operations: &[Operation]) -> impl Iterator<Item = (u64, u64)> {
    operations.iter().filter(|one| was_put_aside(one)).map(|one| (one.call_ns, most(one)))
}

/// Whether tickets may have been put aside for `operation`, which was refused.
fn was_put_aside(operation: &Operation) -> bool {
    operation.outcome == Outcome::Refused && takes(operation) && !operation.turned_away
}

fn takes(operation: &Operation) -> bool {
    matches!(operation.op, OperationKind::Buy | OperationKind::Hold | OperationKind::Confirm)
}

/// How many tickets `operation` may be about: any number, where nobody says.
fn most(operation: &Operation) -> u64 {
    quantity(operation).unwrap_or(u64::MAX)
}
