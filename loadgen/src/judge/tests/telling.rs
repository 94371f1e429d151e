//! What a judgement says: stories, doubts, orders.

use crate::{
    history::{
        Answer, CountTiming, Header, Numbering, Operation, Outcome, Ticket, Tickets, signed,
    },
    judge::{
        Budget, Evidence, Judgement, Verdict, ViolationKind, judge, judge_within,
        model::Misfit,
        order, overlap,
        request::{Known, Requests, Trusted},
        story::Teller,
    },
};

/// Nanoseconds in a tenth of a millisecond, the unit of the times below.
const TENTH: u64 = 100_000;

fn buy(process: u32, call: u64, ret: u64, answer: Answer) -> Operation {
    Operation::buy(process, call * TENTH, ret * TENTH, answer)
}

fn sold(ticket: u64) -> Answer {
    Answer { tickets: Tickets::one(ticket), ..Answer::new(Outcome::Sold) }
}

fn sale(ticket: u64, remaining: u64) -> Answer {
    let (remaining, revision) = (Some(signed(remaining)), Some(ticket));
    Answer { remaining, revision, ..sold(ticket) }
}

fn judged(header: &Header, operations: &[Operation]) -> Judgement {
    judge(&Evidence { header, operations, lacks: &[] })
}

#[test]
fn two_sales_of_one_ticket_are_told_with_their_times() {
    let header = Header::new(10);
    let operations = [
        buy(17, 0, 119, sold(8)),
        buy(42, 123, 140, sold(8)),
        buy(3, 100, 130, Answer::new(Outcome::SoldOut)),
    ];
    let judgement = judged(&header, &operations);
    assert_eq!(judgement.violations[0].kind, ViolationKind::DuplicateTicket);
    assert_eq!(judgement.violations[0].operations, [0, 1]);
    assert_eq!(
        judgement.violations[0].story,
        [
            "Worker 17 and worker 42 both got ticket 8.",
            "Worker 42 called at 12.3 ms, after worker 17 had its answer at 11.9 ms, so it \
             had already been given out.",
        ]
    );
}

#[test]
fn twenty_thousand_operations_still_give_a_counterexample_of_two() {
    let mut operations: Vec<Operation> = (1..=20_000)
        .map(|ticket| {
            buy(ticket, 10 * u64::from(ticket), 10 * u64::from(ticket) + 15, {
                sale(u64::from(ticket), 20_000 - u64::from(ticket))
            })
        })
        .collect();
    operations[9_000].call_ns = operations[9_002].return_ns.unwrap() + 1;
    operations[9_000].return_ns = Some(operations[9_000].call_ns + 1);
    let judgement = judged(&Header::new(20_000), &operations);
    assert_eq!(judgement.violations.len(), 1);
    assert_eq!(judgement.violations[0].kind, ViolationKind::NotLinearizable);
    assert_eq!(judgement.violations[0].operations.len(), 2);
    assert!(judgement.violations[0].operations.contains(&9_000));
}

#[test]
fn a_sale_that_nobody_here_made_is_named_with_its_neighbours() {
    let operations = [
        buy(1, 0, 20, sale(1, 4)),
        buy(2, 10, 40, sale(3, 2)),
        buy(3, 45, 50, Answer::unknown("gone")),
    ];
    let judgement = judged(&Header::new(5), &operations);
    assert_eq!(judgement.violations[0].kind, ViolationKind::Undersell);
    assert_eq!(judgement.violations[0].operations, [0, 1]);
    let mut in_time = operations.clone();
    in_time[2].call_ns = 40 * TENTH;
    assert_eq!(judged(&Header::new(5), &in_time).violations, []);
}

#[test]
fn order_gives_each_its_earliest_instant_and_ends_at_the_contradiction() {
    let header = Header::new(3);
    let mut operations = vec![
        buy(1, 30, 50, sale(1, 2)),
        buy(2, 10, 60, sale(2, 1)),
        Operation::search(
            3,
            20 * TENTH,
            40 * TENTH,
            Answer { remaining: Some(3), revision: Some(0), ..Answer::new(Outcome::Found) },
        ),
        buy(4, 0, 70, sale(3, 0)),
        Operation::search(
            5,
            0,
            80 * TENTH,
            Answer { remaining: Some(2), revision: Some(1), ..Answer::new(Outcome::Found) },
        ),
    ];
    let instants =
        |operations: &[Operation]| order(&Evidence { header: &header, operations, lacks: &[] });
    let tenths = [30, 30, 20, 30, 30].map(|tenths| Some(tenths * TENTH));
    assert_eq!(instants(&operations), tenths);
    operations[1].return_ns = Some(29 * TENTH);
    assert_eq!(instants(&operations), [tenths[0], None, tenths[2], None, tenths[4]]);
}

#[test]
fn whatever_an_assumption_lacks_is_a_doubt_and_a_violation_stays_one() {
    let header = Header { initial: None, ..Header::new(0) };
    let lacks = ["the file ends in the middle of a line".to_owned()];
    let mut operations = vec![
        buy(1, 0, 20, sale(1, 1)),
        buy(1, 10, 40, sale(2, 0)),
        buy(2, 0, 50, Answer::new(Outcome::SoldOut)),
    ];
    let judged =
        |operations: &[Operation]| judge(&Evidence { header: &header, operations, lacks: &lacks });
    assert_eq!(
        judged(&operations).doubts,
        [
            lacks[0].as_str(),
            "how many tickets there were at the start is not known",
            "process `1` had two operations open at once",
        ]
    );
    assert_eq!(judged(&operations).verdict(), Verdict::Unknown);
    operations[1].tickets = Tickets::one(1);
    assert_eq!(judged(&operations).violations[0].kind, ViolationKind::DuplicateTicket);
}

#[test]
fn a_search_without_steps_decides_nothing() {
    let header = Header { left: Some(0), ..Header::new(1) };
    let mut operations = vec![
        // Of no tickets: then neither a place nor a window decides.
        Operation { quantity: Some(0), ..buy(3, 0, 20, Answer::new(Outcome::Sold)) },
        buy(1, 0, 20, Answer::new(Outcome::Sold)),
        buy(2, 10, 40, Answer::new(Outcome::SoldOut)),
    ];
    let within = |operations: &[Operation], steps| {
        let evidence = Evidence { header: &header, operations, lacks: &[] };
        judge_within(&evidence, Budget { steps })
    };
    assert_eq!(within(&operations, 1_000).verdict(), Verdict::Valid);
    assert_eq!(within(&operations, 0).verdict(), Verdict::Unknown);
    operations[2].return_ns = Some(11 * TENTH);
    operations[1].call_ns = 12 * TENTH;
    assert_eq!(within(&operations, 1_000).verdict(), Verdict::Violation);
}

#[test]
fn overlap_counts_who_met_whom() {
    let header = Header { left: Some(1), ..Header::new(3) };
    let search = |remaining| {
        let answer = Answer { remaining: Some(remaining), ..Answer::new(Outcome::Found) };
        Operation::search(9, 0, 1, answer)
    };
    let operations = [
        buy(1, 0, 20, sold(1)),
        buy(2, 10, 40, sold(2)),
        buy(3, 30, 35, Answer::new(Outcome::SoldOut)),
        buy(4, 40, 50, Answer::new(Outcome::SoldOut)),
        search(3),
        search(2),
        search(1),
    ];
    let measured = overlap(&Evidence { header: &header, operations: &operations, lacks: &[] });
    assert_eq!((measured.purchases, measured.overlapping, measured.peak), (4, 3, 2));
    assert_eq!((measured.sold_out, measured.searches, measured.searches_between), (2, 3, 1));
}

/// A bank that says no: its ticket was put aside until then, or until the basket runs out.
#[test]
fn who_was_told_sold_out_once_somebody_was_refused_accuses_nobody() {
    let sold_out = || Answer { remaining: Some(0), ..Answer::new(Outcome::SoldOut) };
    let mut operations = [
        buy(1, 0, 100, Answer::new(Outcome::Refused)),
        buy(2, 10, 20, sold_out()),
        buy(3, 200, 250, sold(1)),
        buy(4, 240, 300, sold_out()),
    ];
    let exact = Header { left: Some(0), ..Header::new(1) };
    let late = Header { counts: Some(CountTiming::Late), ..exact.clone() };
    let judgement = judged(&late, &operations);
    assert_eq!(judgement.violations, []);
    assert!(judgement.notes.iter().any(|note| note.contains("put aside")), "{judgement:?}");
    assert_ne!(judged(&exact, &operations).violations, [], "each count is held to its word");
    operations[0].return_ns = Some(9 * TENTH);
    assert_eq!(judged(&late, &operations).violations, [], "it comes back behind its answer");
    let two = Header { initial: Some(2), left: Some(1), ..late };
    assert_ne!(judged(&two, &operations).violations, [], "one ticket is one ticket");
}

#[test]
fn what_is_gone_without_a_number_is_told_as_so_many() {
    let seat = |name: &str, remaining| {
        let tickets = [Ticket::named(name)].into_iter().collect();
        Answer { tickets, remaining: Some(remaining), ..Answer::new(Outcome::Sold) }
    };
    let header = Header { numbering: Numbering::Unique, ..Header::new(5) };
    let told = |remaining| {
        let operations = [buy(1, 0, 20, seat("A-7", 4)), buy(2, 10, 40, seat("A-9", remaining))];
        let violation = judged(&header, &operations).violations.remove(0);
        assert_eq!(violation.kind, ViolationKind::Undersell);
        (violation.message, violation.story.join(" "))
    };
    let (message, story) = told(2);
    assert!(message.starts_with("nobody took 1 ticket that is gone"), "{message}");
    assert!(story.contains("1 ticket was taken in between, and nobody"), "{story}");
    let (message, story) = told(0);
    assert!(message.starts_with("nobody took 3 tickets"), "{message}");
    assert!(story.contains("3 tickets were taken in between, and nobody"), "{story}");
}

/// What others may have had aside is no part of what was asked for.
#[test]
fn who_was_told_sold_out_asked_for_as_many_as_he_did() {
    let header = Header::new(9);
    let operations =
        [buy(1, 0, 20, Answer::unknown("gone")), buy(2, 10, 20, Answer::new(Outcome::SoldOut))];
    let evidence = Evidence { header: &header, operations: &operations, lacks: &[] };
    let requests = Requests::collect(&evidence, Known::of(&header), Trusted::ALL);
    let told =
        |quantity| Teller::new(&requests).of_misfit(1, Misfit::Enough { remaining: 8, quantity });
    assert_eq!(told(1), "Worker 2 was told sold out, but 8 were left for 1.");
    assert_eq!(
        told(4),
        "Worker 2 was told sold out, but 8 were left for 1, of which others can have had 3 at most."
    );
}
