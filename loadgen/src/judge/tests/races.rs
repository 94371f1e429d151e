//! Races as `loadgen race` runs them: sound ones, broken ones, and ones that prove nothing.

use proptest::prelude::*;

use crate::{
    history::{Answer, Header, Operation, OperationKind, Outcome, Tickets, signed},
    judge::{Evidence, Judgement, Untried, Verdict, ViolationKind, count, judge},
};

/// `workers` purchases that all overlap: the first `sold` get tickets 1, 2, 3, …
fn sound_race(initial: u64, workers: u32) -> (u64, Vec<Operation>) {
    let sold = initial.min(u64::from(workers));
    let operations = (0..workers)
        .map(|worker| {
            let number = u64::from(worker) + 1;
            let answer =
                if number <= sold { sold_ticket(number) } else { Answer::new(Outcome::SoldOut) };
            Operation::buy(worker, 10 + number, 1_000_000 + number, answer)
        })
        .collect();
    (initial - sold, operations)
}

fn sold_ticket(number: u64) -> Answer {
    Answer { tickets: Tickets::one(number), ..Answer::new(Outcome::Sold) }
}

fn judged(initial: u64, left: u64, operations: &[Operation]) -> Judgement {
    judged_with(&Header { left: Some(signed(left)), ..Header::new(initial) }, operations)
}

fn judged_with(header: &Header, operations: &[Operation]) -> Judgement {
    judge(&Evidence { header, operations, lacks: &[] })
}

fn kinds(judgement: &Judgement) -> Vec<ViolationKind> {
    judgement.violations.iter().map(|violation| violation.kind).collect()
}

fn set_outcome(operation: &mut Operation, outcome: Outcome) {
    operation.outcome = outcome;
    operation.tickets = Tickets::default();
    if outcome == Outcome::Unknown {
        operation.return_ns = None;
    }
}

#[test]
fn a_sound_race_is_valid() {
    let (left, operations) = sound_race(10, 100);
    assert_eq!(judged(10, left, &operations), Judgement::default());
}

#[test]
fn the_race_of_the_lesson_is_caught() {
    let operations: Vec<Operation> =
        (0..100).map(|worker| Operation::buy(worker, 1, 1000, sold_ticket(1))).collect();
    let header = Header { left: Some(9), ..Header::new(10) };
    let evidence = Evidence { header: &header, operations: &operations, lacks: &[] };
    let counts = count(&evidence);
    assert_eq!((counts.sold, counts.oversold), (100, 90));
    assert_eq!((counts.lost_updates, counts.duplicate_tickets), (99, 99));
    let judgement = judge(&evidence);
    assert_eq!(judgement.verdict(), Verdict::Violation);
    assert_eq!(
        kinds(&judgement),
        [ViolationKind::DuplicateTicket, ViolationKind::LostUpdate, ViolationKind::Oversell]
    );
}

#[test]
fn one_number_twice_is_named_with_its_sales() {
    let (left, mut operations) = sound_race(10, 100);
    operations[4].tickets = Tickets::one(3);
    let judgement = judged(10, left, &operations);
    assert_eq!(kinds(&judgement), [ViolationKind::DuplicateTicket]);
    assert_eq!(judgement.violations[0].operations, [2, 4]);
}

#[test]
fn a_count_that_fell_too_little_is_a_lost_update() {
    let (_, operations) = sound_race(10, 100);
    let judgement = judged(10, 1, &operations);
    assert!(kinds(&judgement).contains(&ViolationKind::LostUpdate));
    assert!(kinds(&judgement).contains(&ViolationKind::FalseSoldOut));
}

#[test]
fn a_count_that_grew_is_a_lost_update() {
    let (_, operations) = sound_race(0, 5);
    assert!(kinds(&judged(0, 2, &operations)).contains(&ViolationKind::LostUpdate));
}

#[test]
fn a_count_that_fell_too_far_is_an_undersell() {
    let (left, mut operations) = sound_race(10, 100);
    set_outcome(&mut operations[0], Outcome::Refused);
    assert_eq!(kinds(&judged(10, left, &operations)), [ViolationKind::Undersell]);
}

#[test]
fn an_unknown_purchase_may_have_sold_or_not() {
    let (left, mut operations) = sound_race(10, 100);
    set_outcome(&mut operations[0], Outcome::Unknown);
    set_outcome(&mut operations[99], Outcome::Unknown);
    assert_eq!(judged(10, left, &operations).verdict(), Verdict::Valid);
    set_outcome(&mut operations[1], Outcome::Refused);
    set_outcome(&mut operations[99], Outcome::SoldOut);
    assert_eq!(kinds(&judged(10, left, &operations)), [ViolationKind::Undersell]);
}

#[test]
fn a_counter_that_sells_nothing_is_not_valid() {
    let operations: Vec<Operation> = (0..10)
        .map(|worker| Operation::buy(worker, 1, 1000, Answer::new(Outcome::SoldOut)))
        .collect();
    assert_eq!(kinds(&judged(10, 10, &operations)), [ViolationKind::FalseSoldOut]);
}

#[test]
fn a_race_without_overlap_proves_nothing() {
    let (left, mut operations) = sound_race(10, 100);
    for (place, operation) in (0_u64..).zip(&mut operations) {
        operation.call_ns = place * 10;
        operation.return_ns = Some(place * 10 + 10);
    }
    let judgement = judged(10, left, &operations);
    assert_eq!(judgement.verdict(), Verdict::Unknown);
    assert_eq!(judgement.doubts, ["no two purchases overlapped in time"]);
    operations[1].call_ns -= 1;
    assert_eq!(judged(10, left, &operations).verdict(), Verdict::Valid);
}

#[test]
fn a_race_for_nothing_proves_nothing() {
    let (left, operations) = sound_race(0, 100);
    assert_eq!(judged(0, left, &operations).doubts, ["nothing was sold"]);
}

#[test]
fn a_race_without_a_refusal_did_not_try_the_last_ticket() {
    let (left, operations) = sound_race(100, 100);
    let judgement = judged(100, left, &operations);
    assert_eq!(judgement.verdict(), Verdict::Valid);
    assert_eq!(judgement.untried, [Untried::SoldOut]);
    assert_eq!(judged(10, 10, &[]).verdict(), Verdict::Unknown);
}

#[test]
fn without_a_count_at_the_end_only_a_sale_to_the_last_is_known_to_be_right() {
    let (_, mut operations) = sound_race(10, 100);
    assert_eq!(judged_with(&Header::new(10), &operations).verdict(), Verdict::Valid);
    operations.retain(|one| one.tickets.run().is_some_and(|(_, last)| last < 10));
    let judgement = judged_with(&Header::new(10), &operations);
    assert_eq!(judgement.verdict(), Verdict::Unknown);
}

#[test]
fn a_restock_explains_what_is_left() {
    let (left, mut operations) = sound_race(10, 100);
    operations[99].op = OperationKind::Restock;
    operations[99].outcome = Outcome::Done;
    assert_eq!(kinds(&judged(10, left, &operations)), [ViolationKind::Undersell]);
    assert_eq!(judged(10, left + 1, &operations), Judgement::default());
    assert_eq!(kinds(&judged(10, left + 2, &operations)), [ViolationKind::LostUpdate]);
}

proptest! {
    #[test]
    fn every_sound_race_is_valid(initial in 1_u64..50, more in 2_u32..50) {
        let (left, operations) = sound_race(initial, u32::try_from(initial).unwrap() + more);
        prop_assert_eq!(judged(initial, left, &operations), Judgement::default());
    }

    #[test]
    fn every_planted_fault_is_caught(
        initial in 2_u64..50,
        more in 2_u32..50,
        victim in any::<prop::sample::Index>(),
        fault in 0..4,
    ) {
        let (left, mut operations) =
            sound_race(initial, u32::try_from(initial).unwrap() + more);
        let sold = usize::try_from(initial).unwrap();
        let (mut left, victim) = (left, victim.index(sold));
        match fault {
            0 => operations[sold].outcome = Outcome::Sold,
            1 => operations[victim].tickets = operations[(victim + 1) % sold].tickets.clone(),
            2 => left += 1,
            _ => set_outcome(&mut operations[victim], Outcome::SoldOut),
        }
        prop_assert_eq!(judged(initial, left, &operations).verdict(), Verdict::Violation);
    }

    #[test]
    fn forgetting_an_answer_never_makes_a_violation(
        initial in 0_u64..20,
        more in 2_u32..20,
        forgotten in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let (left, mut operations) =
            sound_race(initial, u32::try_from(initial).unwrap() + more);
        for index in forgotten {
            let place = index.index(operations.len());
            set_outcome(&mut operations[place], Outcome::Unknown);
        }
        prop_assert_ne!(judged(initial, left, &operations).verdict(), Verdict::Violation);
    }
}
