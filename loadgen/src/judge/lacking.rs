//! What can still be said of a history that lacks operations. Pure.
//!
//! An operation that is missing may have sold, so nothing may rest on there being no more sales. That
//! one was missing which added tickets is taken to be possible only where the history has such.

use super::{
    evidence::Evidence,
    verdict::{Judgement, Violation, ViolationKind},
};
use crate::history::{Numbering, Operation, OperationKind};

/// Turns what the missing operations may explain into doubts.
pub(super) fn without_the_missing(judgement: Judgement, evidence: &Evidence<'_>) -> Judgement {
    let Evidence { header, operations, .. } = evidence;
    let sells_only = |one: &Operation| matches!(one.op, OperationKind::Buy | OperationKind::Search);
    let is_sales_only = operations.iter().all(sells_only);
    let refunds_any = operations.iter().any(|one| one.op == OperationKind::Refund);
    let is_sold_once = header.numbering != Numbering::Seats || !refunds_any;
    let Judgement { violations, mut doubts, untried, notes } = judgement;
    let (violations, explicable): (Vec<Violation>, Vec<Violation>) =
        violations.into_iter().partition(|violation| match violation.kind {
            // Who is missing may have had the rest aside.
            ViolationKind::FalseSoldOut if !header.counts_are_exact() => false,
            _ => stands(violation, is_sales_only, is_sold_once),
        });
    doubts.extend(
        explicable
            .into_iter()
            .map(|violation| format!("what was left out may explain that {}", violation.message)),
    );
    Judgement { violations, doubts, untried, notes }
}

/// Whether `violation` is one, whatever is missing.
fn stands(violation: &Violation, is_sales_only: bool, is_sold_once: bool) -> bool {
    !violation.needs_whole
        && match violation.kind {
            ViolationKind::Undersell | ViolationKind::ImpossibleCount => false,
            ViolationKind::Oversell | ViolationKind::LostUpdate | ViolationKind::FalseSoldOut => {
                is_sales_only
            }
            ViolationKind::DuplicateTicket => is_sold_once,
            ViolationKind::NotLinearizable
            | ViolationKind::LostSale
            | ViolationKind::AnsweredTwice => true,
        }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        history::{Answer, Header, Outcome, Tickets, signed},
        judge::{Evidence, judge},
    };

    /// Workers that buy one after the other, with searches in between: all that happened is right.
    fn sound(initial: u64, buyers: u32) -> Vec<Operation> {
        let operations = (0..buyers).flat_map(|buyer| {
            let at = u64::from(buyer);
            let left = initial.saturating_sub(at);
            let call_ns = 100 * at;
            let answer = |outcome, remaining, revision| Answer {
                remaining: Some(signed(remaining)),
                revision: Some(revision),
                ..Answer::new(outcome)
            };
            let buy = if left > 0 {
                Answer { tickets: Tickets::one(at + 1), ..answer(Outcome::Sold, left - 1, at + 1) }
            } else {
                answer(Outcome::SoldOut, 0, initial)
            };
            let found = answer(Outcome::Found, left, initial.min(at));
            [
                Operation::search(buyer, call_ns, call_ns + 10, found),
                // Long enough to overlap the next purchase.
                Operation::buy(buyer, call_ns + 20, call_ns + 150, buy),
            ]
        });
        operations.collect()
    }

    proptest! {
        #[test]
        fn what_is_missing_never_makes_a_violation(
            initial in 0_u64..8,
            buyers in 0_u32..12,
            with_revisions in any::<bool>(),
            missing in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
        ) {
            let mut operations = sound(initial, buyers);
            let left = initial.saturating_sub(u64::from(buyers));
            let header = Header {
                left: Some(signed(left)),
                left_revision: with_revisions.then_some(initial - left),
                ..Header::new(initial)
            };
            for operation in &mut operations {
                operation.revision = operation.revision.filter(|_| with_revisions);
            }
            for index in missing {
                if !operations.is_empty() {
                    operations.remove(index.index(operations.len()));
                }
            }
            let lacks = ["a line".to_owned()];
            let evidence = Evidence { header: &header, operations: &operations, lacks: &lacks };
            let judgement = judge(&evidence);
            prop_assert_eq!(judgement.violations, Vec::new());
        }
    }

    #[test]
    fn a_missing_sale_looks_like_an_undersell_and_becomes_a_doubt() {
        let mut operations = sound(5, 3);
        operations.remove(3);
        let header = Header { left: Some(2), ..Header::new(5) };
        let lacks = ["a line".to_owned()];
        let evidence = Evidence { header: &header, operations: &operations, lacks: &lacks };
        let whole = judge(&Evidence { lacks: &[], ..evidence });
        assert_eq!(whole.violations[0].kind, ViolationKind::Undersell, "the control");
        let judgement = judge(&evidence);
        assert_eq!(judgement.violations, Vec::new());
        assert!(judgement.doubts.iter().any(|doubt| doubt.contains("may explain that")));
    }

    #[test]
    fn two_sales_of_one_ticket_stay_a_violation() {
        let mut operations = sound(5, 3);
        operations[3].tickets = Tickets::one(1);
        operations.remove(5);
        let header = Header { left: Some(2), ..Header::new(5) };
        let lacks = ["a line".to_owned()];
        let evidence = Evidence { header: &header, operations: &operations, lacks: &lacks };
        let judgement = judge(&evidence);
        let kinds: Vec<_> = judgement.violations.iter().map(|violation| violation.kind).collect();
        assert!(kinds.contains(&ViolationKind::DuplicateTicket), "{judgement:?}");
    }
}
