//! Histories as somebody writes them, line by line, each with the right answer.

use std::path::PathBuf;

use crate::{
    history::{ReadLimits, read_files},
    judge::{Judgement, Untried, Verdict, ViolationKind, judge_history},
};

/// Reads `parts` as files and judges the history that they make.
fn judged(parts: &[&str]) -> Judgement {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> =
        (0..parts.len()).map(|at| folder.path().join(at.to_string())).collect();
    for (file, text) in files.iter().zip(parts) {
        std::fs::write(file, text).unwrap();
    }
    let limits = ReadLimits { operations: 1000, bytes: 1 << 20, threads: 1 };
    let histories = read_files(&files, limits).unwrap();
    assert_eq!(histories.len(), 1);
    judge_history(&histories[0])
}

fn verdict(history: &str) -> Verdict {
    judged(&[history]).verdict()
}

fn first(history: &str) -> (ViolationKind, Vec<usize>) {
    let judgement = judged(&[history]);
    let violation = judgement.violations.first();
    let violation = violation.unwrap_or_else(|| panic!("{judgement:?}"));
    (violation.kind, violation.operations.clone())
}

#[test]
fn one_key_at_two_calls_is_two_requests() {
    let history = r#"{"history":1,"initial":5,"left":3,"sold":0,"revision":0}
{"process":1,"op":"buy","quantity":1,"key":"k","call_ns":1,"return_ns":10,"outcome":"sold","tickets":[1],"remaining":4,"revision":1}
{"process":2,"op":"hold","quantity":1,"key":"k","call_ns":5,"return_ns":12,"outcome":"done","remaining":3,"revision":2}"#;
    assert_eq!(verdict(history), Verdict::Valid);
    let lost = history.replace(
        r#""return_ns":12,"outcome":"done","remaining":3,"revision":2"#,
        r#""outcome":"unknown""#,
    );
    assert_eq!(judged(&[&lost]).violations, []);
    assert_eq!(judged(&[&lost.replace(r#""left":3"#, r#""left":4"#)]).violations, []);
    let twice = history.replace(r#""op":"hold""#, r#""op":"buy""#).replace("done", "sold");
    assert_eq!(first(&twice).0, ViolationKind::AnsweredTwice, "the control");
}

#[test]
fn a_key_is_no_token() {
    let history = r#"{"history":1,"initial":5,"left":3,"sold":0,"revision":0}
{"process":1,"op":"hold","quantity":1,"call_ns":1,"return_ns":10,"outcome":"done","remaining":4,"revision":1,"links":{"hold":"k"}}
{"process":2,"op":"hold","quantity":1,"call_ns":1,"return_ns":10,"outcome":"done","remaining":3,"revision":2}
{"process":1,"op":"confirm","quantity":1,"call_ns":15,"return_ns":20,"outcome":"sold","tickets":[1],"remaining":3,"revision":3,"links":{"hold":"k","sale":"1"}}
{"process":2,"op":"confirm","quantity":1,"key":"k","call_ns":15,"return_ns":20,"outcome":"sold","tickets":[2],"remaining":3,"revision":4}"#;
    assert_eq!(verdict(history), Verdict::Valid);
}

#[test]
fn a_repetition_that_names_no_number_is_the_same_request() {
    let history = r#"{"history":1,"initial":5,"left":5,"sold":0,"revision":0}
{"process":1,"op":"buy","quantity":1,"call_ns":1,"return_ns":10,"outcome":"sold","tickets":[1],"remaining":4,"revision":1,"links":{"sale":"s1"}}
{"process":2,"op":"buy","quantity":9,"call_ns":1,"return_ns":10,"outcome":"sold_out"}
{"process":1,"op":"refund","quantity":1,"call_ns":20,"return_ns":30,"outcome":"done","remaining":5,"revision":2,"links":{"sale":"s1"}}
{"process":1,"op":"refund","call_ns":40,"return_ns":50,"outcome":"done","remaining":5,"revision":2,"links":{"sale":"s1"}}"#;
    assert_eq!(verdict(history), Verdict::Valid);
    let both = r#""quantity":1,"call_ns":20,"return_ns":30"#;
    let silent_first = history
        .replace(both, r#""call_ns":20,"return_ns":30"#)
        .replace(r#""op":"refund","call_ns":40"#, r#""op":"refund","quantity":1,"call_ns":40"#);
    assert_eq!(verdict(&silent_first), Verdict::Valid, "one of both says how many");
    let lost = history.replace(
        &format!(r#"{both},"outcome":"done","remaining":5,"revision":2"#),
        r#""quantity":1,"call_ns":20,"outcome":"unknown""#,
    );
    assert_eq!(judged(&[&lost]).violations, [], "the first answer was lost");
    let two = history
        .replace(r#""op":"refund","call_ns":40"#, r#""op":"refund","quantity":2,"call_ns":40"#);
    assert_eq!(first(&two).0, ViolationKind::AnsweredTwice, "the control");
}

#[test]
fn repetitions_without_any_answer_are_one_request() {
    let history = r#"{"history":1,"initial":5,"left":5,"sold":0,"revision":0}
{"process":1,"op":"buy","quantity":1,"call_ns":1,"return_ns":10,"outcome":"sold","tickets":[1],"remaining":4,"revision":1,"links":{"sale":"s1"}}
{"process":2,"op":"buy","quantity":9,"call_ns":1,"return_ns":10,"outcome":"sold_out"}
{"process":1,"op":"refund","call_ns":20,"outcome":"unknown","links":{"sale":"s1"}}
{"process":1,"op":"refund","quantity":1,"call_ns":40,"outcome":"unknown","links":{"sale":"s1"}}"#;
    assert_eq!(verdict(history), Verdict::Valid);
}

#[test]
fn an_end_that_was_read_early_may_know_no_hold() {
    let history = r#"{"history":1,"initial":5,"left":5,"numbering":"unique"}
{"process":1,"op":"hold","quantity":1,"call_ns":1,"return_ns":10,"outcome":"done","links":{"hold":"h1"}}
{"process":2,"op":"hold","quantity":1,"call_ns":1,"return_ns":10,"outcome":"done","links":{"hold":"h2"}}
{"process":1,"op":"confirm","quantity":1,"call_ns":20,"return_ns":30,"outcome":"sold","tickets":["a"],"links":{"hold":"h1","sale":"s1"}}
{"process":2,"op":"confirm","quantity":1,"call_ns":20,"return_ns":30,"outcome":"sold","tickets":["b"],"links":{"hold":"h2","sale":"s2"}}"#;
    let judgement = judged(&[history]);
    assert_eq!(judgement.verdict(), Verdict::Unknown, "{judgement:?}");
    assert!(judgement.doubts[0].contains("may have been read too early"), "{judgement:?}");
    let exact = history.replace(r#""numbering":"unique""#, r#""counts":"exact""#);
    assert_eq!(verdict(&exact), Verdict::Violation, "the control");
    let released = history.replace(r#""op":"confirm""#, r#""op":"release""#);
    let released = released.replace(r#""outcome":"sold""#, r#""outcome":"done""#);
    let released = released.replace(r#""tickets":["a"],"#, "").replace(r#""tickets":["b"],"#, "");
    for left in 3..5 {
        let early = released.replace(r#""left":5"#, &format!(r#""left":{left}"#));
        assert_eq!(judged(&[&early]).violations, [], "read while {left} were left");
    }
    let lower = released.replace(r#""left":5"#, r#""left":2"#);
    assert_eq!(verdict(&lower), Verdict::Violation, "so few were never left");
}

#[test]
fn parts_that_promise_different_things_promise_the_less() {
    let part = |promise: &str, process: u64| {
        format!(
            r#"{{"history":1,"initial":5,"numbering":"unique","run":"r",{promise}}}
{{"process":{process},"op":"buy","quantity":1,"call_ns":1,"return_ns":10,"outcome":"sold","tickets":["{process}"],"remaining":{},"revision":{}}}"#,
            7 - 2 * process,
            2 * process
        )
    };
    for (strict, weak, name) in [
        (r#""counts":"exact""#, r#""counts":"late""#, "counts"),
        (r#""counts":"exact""#, r#""revisions":"increasing""#, "counts"),
        (
            r#""counts":"late","revisions":"consecutive""#,
            r#""counts":"late","revisions":"increasing""#,
            "revisions",
        ),
    ] {
        let (one, other) = (part(strict, 1), part(weak, 2));
        for parts in [[&*one, &*other], [&*other, &*one]] {
            let judgement = judged(&parts);
            assert_eq!(judgement.violations, [], "{name}");
            let named = |doubt: &String| doubt.contains(&format!("disagree on `{name}`"));
            assert!(judgement.doubts.iter().any(named), "{judgement:?}");
        }
    }
}

#[test]
fn a_header_that_cannot_be_read_promises_nothing() {
    let sales = r#"
{"process":1,"op":"buy","quantity":1,"call_ns":1,"return_ns":10,"outcome":"sold","tickets":[41],"remaining":9,"revision":8}
{"process":2,"op":"buy","quantity":1,"call_ns":5,"return_ns":12,"outcome":"sold","tickets":[7],"remaining":9,"revision":11}
{"process":2,"op":"buy","quantity":2,"call_ns":15,"return_ns":22,"outcome":"sold","tickets":[3,1],"remaining":9,"revision":20}"#;
    for header in [
        r#"{"history":1,"initial":15,"numbering":"unique","run":"x"#,
        r#"{"history":"one"}"#,
        r#"{"history":1,"initial":"many"}"#,
        r#"{"history":1,"sold":-5}"#,
        r#"{"history":1,"numbering":"odd"}"#,
        r#"{"process":3,"op":"bu{"history":1,"initial":15}"#,
    ] {
        let judgement = judged(&[&format!("{header}{sales}")]);
        assert_eq!(judgement.violations, [], "{header}");
        assert_eq!(judgement.verdict(), Verdict::Unknown);
        let sound = format!(r#"{{"history":1,"initial":15}}{}"#, sales.lines().next().unwrap());
        let judgement = judged(&[&sound, &format!("{header}{sales}")]);
        assert_eq!(judgement.violations, [], "{header} behind a part that says more");
    }
    let twice = sales.replace("[7]", "[41]");
    let judgement = judged(&[&format!("{}{twice}", r#"{"history":"one"}"#)]);
    assert_eq!(judgement.violations[0].kind, ViolationKind::DuplicateTicket, "the control");
}

#[test]
fn names_of_tickets_are_no_order_of_sale() {
    let history = r#"{"history":1,"initial":5,"left":3}
{"process":1,"op":"buy","quantity":1,"call_ns":1,"return_ns":10,"outcome":"sold","tickets":["Row A seat 8"],"remaining":3}
{"process":2,"op":"buy","quantity":1,"call_ns":5,"return_ns":12,"outcome":"sold","tickets":["Row A seat 7"],"remaining":3}
{"process":1,"op":"search","call_ns":20,"return_ns":22,"outcome":"found","remaining":4}"#;
    assert_eq!(verdict(history), Verdict::Valid);
    let said = history.replace(r#""left":3"#, r#""left":3,"counts":"exact""#);
    assert_eq!(verdict(&said), Verdict::Violation, "the control");
}

#[test]
fn an_outcome_that_its_call_cannot_have_is_left_out_and_named() {
    let history = r#"{"history":1,"initial":2,"left":0,"sold":0}
{"process":1,"op":"buy","quantity":1,"call_ns":1,"return_ns":10,"outcome":"sold","tickets":[1]}
{"process":2,"op":"buy","quantity":1,"call_ns":1,"return_ns":10,"outcome":"sold","tickets":[2]}
{"process":3,"op":"buy","quantity":1,"call_ns":1,"return_ns":10,"outcome":"found","tickets":[1]}
{"process":4,"op":"search","quantity":1,"call_ns":1,"return_ns":10,"outcome":"sold","tickets":[1]}
{"process":5,"op":"refund","quantity":1,"call_ns":1,"return_ns":10,"outcome":"sold_out","tickets":[1]}"#;
    let judgement = judged(&[history]);
    assert_eq!(judgement.verdict(), Verdict::Unknown, "{judgement:?}");
    for (line, said) in [
        (4, "`buy` cannot end as `found`"),
        (5, "`search` cannot end as `sold`"),
        (6, "`refund` cannot end as `sold_out`"),
    ] {
        let named = |doubt: &String| doubt.contains(&format!(":{line}: ")) && doubt.contains(said);
        assert!(judgement.doubts.iter().any(named), "{said}: {judgement:?}");
    }
}

#[test]
fn no_more_comes_back_than_was_sold_or_held() {
    let refund = r#"{"history":1,"initial":2,"sold":0,"revision":0,"held":0,"left":0}
{"process":1,"op":"buy","quantity":1,"call_ns":10,"return_ns":20,"outcome":"sold","tickets":[1],"remaining":1,"revision":1,"links":{"sale":"s1"}}
{"process":2,"op":"buy","quantity":1,"call_ns":10,"return_ns":20,"outcome":"sold","tickets":[2],"remaining":0,"revision":2,"links":{"sale":"s2"}}
{"process":1,"op":"refund","quantity":2,"call_ns":30,"return_ns":40,"outcome":"done","remaining":2,"revision":3,"links":{"sale":"s1"}}
{"process":3,"op":"buy","quantity":2,"call_ns":50,"return_ns":60,"outcome":"sold","tickets":[3,4],"remaining":0,"revision":4,"links":{"sale":"s3"}}
{"process":4,"op":"buy","quantity":1,"call_ns":70,"return_ns":80,"outcome":"sold_out","remaining":0,"revision":4}"#;
    let hold = r#"{"history":1,"initial":5,"sold":0,"revision":0,"held":0}
{"process":1,"op":"hold","quantity":1,"call_ns":10,"return_ns":20,"outcome":"done","remaining":4,"revision":1,"links":{"hold":"h1"}}
{"process":2,"op":"buy","quantity":2,"call_ns":10,"return_ns":20,"outcome":"sold","tickets":[1,2],"remaining":2,"revision":2}
{"process":1,"op":"confirm","quantity":2,"call_ns":30,"return_ns":40,"outcome":"sold","tickets":[3,4],"remaining":2,"revision":3,"links":{"hold":"h1"}}"#;
    let release = hold
        .replace("confirm", "release")
        .replace("sold\",\"tickets\":[3,4],\"remaining\":2", "done\",\"remaining\":4");
    for (history, places, said) in [
        (refund, vec![0, 2], "`2` tickets were refunded of a sale of `1`"),
        (hold, vec![0, 2], "`2` tickets were confirmed of a hold of `1`"),
        (&release, vec![0, 2], "`2` tickets were released of a hold of `1`"),
    ] {
        let judgement = judged(&[history]);
        let more = judgement.violations.iter().find(|one| one.message == said);
        assert_eq!(more.map(|one| one.operations.clone()), Some(places), "{judgement:?}");
    }
    let silent = refund
        .replace(r#""op":"buy","quantity":1"#, r#""op":"buy""#)
        .replace(r#""tickets":[1],"#, "");
    let message =
        |history: &str| judged(&[history]).violations.first().map(|one| one.message.clone());
    assert!(
        message(&silent).is_none_or(|said| !said.contains("refunded of")),
        "nobody says how many"
    );
}

#[test]
fn a_seat_is_excused_only_by_what_came_back_in_time() {
    let sold_twice = r#"{"history":1,"initial":5,"left":4,"numbering":"seats"}
{"process":1,"op":"buy","quantity":1,"call_ns":1,"return_ns":10,"outcome":"sold","tickets":["A1"],"links":{"sale":"s1"}}
{"process":2,"op":"buy","quantity":1,"call_ns":5,"return_ns":12,"outcome":"sold","tickets":["A1"],"links":{"sale":"s2"}}
{"process":1,"op":"refund","quantity":1,"call_ns":100,"return_ns":110,"outcome":"done","links":{"sale":"s1"}}"#;
    let twice = (ViolationKind::DuplicateTicket, vec![0, 1]);
    assert_eq!(first(sold_twice), twice);
    let refund = r#""call_ns":100,"return_ns":110,"outcome":"done","links":{"sale":"s1"}"#;
    assert_eq!(
        first(
            &sold_twice
                .replace(refund, r#""call_ns":100,"outcome":"unknown","links":{"sale":"s1"}"#)
        ),
        twice,
        "no answer"
    );
    assert_eq!(
        first(&sold_twice.replace(refund, r#""call_ns":100,"return_ns":110,"outcome":"done""#)),
        twice,
        "nobody says of what"
    );
    for refund_in_time in [
        r#""call_ns":11,"return_ns":20,"outcome":"done","links":{"sale":"s1"}"#,
        r#""call_ns":11,"return_ns":20,"outcome":"done""#,
        r#""call_ns":9,"return_ns":20,"outcome":"done","links":{"sale":"s2"}"#,
        r#""call_ns":11,"outcome":"unknown","links":{"sale":"s1"}"#,
    ] {
        let history = sold_twice.replace(refund, refund_in_time);
        assert_eq!(judged(&[&history]).violations, [], "{refund_in_time}");
    }
}

#[test]
fn a_refund_that_is_missing_may_explain_a_seat_sold_again() {
    let torn = r#"{"history":1,"initial":5,"left":4,"numbering":"seats"}
{"process":1,"op":"buy","quantity":1,"call_ns":1,"return_ns":10,"outcome":"sold","tickets":["A1"],"links":{"sale":"s1"}}
{"process":3,"op":"buy","quantity":1,"call_ns":1,"return_ns":10,"outcome":"sold","tickets":["A2"],"links":{"sale":"s3"}}
{"process":3,"op":"refund","quantity":1,"call_ns":11,"return_ns":15,"outcome":"done","links":{"sale":"s3"}}
{"process":1,"op":"refund","quantity":1,"call_ns":20,"return_ns":30,"outcome":"done","links":{"sal
{"process":2,"op":"buy","quantity":1,"call_ns":40,"return_ns":50,"outcome":"sold","tickets":["A1"],"links":{"sale":"s2"}}"#;
    let judgement = judged(&[torn]);
    assert_eq!(judgement.verdict(), Verdict::Unknown, "{judgement:?}");
    assert!(judgement.doubts.iter().any(|doubt| doubt.contains("may explain that ticket")));
    let unique = torn.replace("seats", "unique");
    assert_eq!(first(&unique).0, ViolationKind::DuplicateTicket, "numbers that never come back");
}

/// Which of two holds was confirmed is not the same where they are of different size.
#[test]
fn a_lost_confirm_of_a_part_is_of_the_hold_that_explains_the_rest() {
    let history = r#"{"history":1,"initial":10,"sold":0,"revision":0}
{"process":1,"op":"hold","quantity":1,"call_ns":10,"return_ns":20,"outcome":"done","remaining":9,"revision":1,"links":{"hold":"a","lapses_from_ns":101}}
{"process":2,"op":"hold","quantity":2,"call_ns":30,"return_ns":40,"outcome":"done","remaining":7,"revision":2,"links":{"hold":"b","lapses_from_ns":100}}
{"process":1,"op":"confirm","quantity":1,"call_ns":50,"outcome":"unknown","links":{"hold":"a"}}
{"process":2,"op":"confirm","quantity":1,"call_ns":50,"outcome":"unknown","links":{"hold":"b"}}
{"process":3,"op":"search","call_ns":60,"return_ns":70,"outcome":"found","revision":3}
{"process":3,"op":"search","call_ns":110,"return_ns":120,"outcome":"found","remaining":8,"revision":4}"#;
    let judgement = judged(&[history]);
    assert_eq!(judgement.violations, []);
    let of_others = |doubt: &String| doubt.contains("taken by nobody here");
    assert!(!judgement.doubts.iter().any(of_others), "{judgement:?}");
    let by_nobody = history.replace(r#""remaining":8"#, r#""remaining":6"#);
    assert_eq!(judged(&[&by_nobody]).verdict(), Verdict::Violation, "the control");
}

#[test]
fn an_admission_elsewhere_is_a_doubt_and_a_purchase_elsewhere_is_none() {
    let history = r#"{"history":1,"initial":2,"sold":0,"revision":0,"held":0,"left":0,"left_revision":3,"left_held":0}
{"process":1,"op":"buy","quantity":1,"call_ns":10,"return_ns":30,"outcome":"sold","tickets":[1],"remaining":1,"revision":1}
{"process":2,"op":"buy","quantity":1,"call_ns":20,"return_ns":60,"outcome":"sold","tickets":[2],"remaining":0,"revision":3}
{"process":3,"op":"buy","quantity":1,"call_ns":50,"return_ns":90,"outcome":"sold_out","remaining":0,"revision":3}"#;
    let judgement = judged(&[history]);
    assert_eq!(judgement.violations, []);
    let [doubt] = &judgement.doubts[..] else { panic!("{judgement:?}") };
    assert!(doubt.starts_with("a revision, such as `2`, was taken by nobody here"), "{doubt}");

    // Ahead of the first sale, behind the last one, and two at once.
    for revisions in [[2, 3, 3], [1, 2, 3], [1, 4, 4]] {
        let [first, second, end] = revisions.map(|revision| format!(r#""revision":{revision}}}"#));
        let moved = history.replace(r#""revision":1}"#, &first);
        let moved =
            moved.replacen(r#""revision":3}"#, &second, 1).replace(r#"0,"revision":3}"#, &end);
        let end = format!(r#""left_revision":{}"#, revisions[2]);
        let judgement = judged(&[&moved.replace(r#""left_revision":3"#, &end)]);
        assert_eq!(judgement.verdict(), Verdict::Unknown, "{moved} {judgement:?}");
    }
    let increasing = history.replace(r#""held":0"#, r#""held":0,"revisions":"increasing""#);
    assert_eq!(verdict(&increasing), Verdict::Valid);
    let promised = increasing.replace("increasing", "consecutive");
    assert_eq!(first(&promised).0, ViolationKind::Undersell, "nobody else was there");

    // A hold lapses beside it.
    let lapsed = r#"{"history":1,"initial":10,"sold":0,"revision":0,"held":0}
{"process":1,"op":"hold","quantity":1,"call_ns":10,"return_ns":20,"outcome":"done","remaining":9,"revision":1,"links":{"hold":"h","lapses_from_ns":100}}
{"process":2,"op":"buy","quantity":1,"call_ns":130,"return_ns":140,"outcome":"sold","tickets":[1],"remaining":9,"revision":4}"#;
    assert_eq!(judged(&[lapsed]).violations, []);
    let sold = lapsed.replace(r#""remaining":9,"revision":4"#, r#""remaining":8,"revision":5"#);
    assert_eq!(judged(&[&sold]).violations, []);
    let sold = lapsed.replace(r#""remaining":9,"revision":4"#, r#""remaining":7,"revision":4"#);
    assert_eq!(judged(&[&sold]).verdict(), Verdict::Violation, "the control");

    // Who took revision 2 took a ticket with it.
    let sold = history
        .replace(r#""initial":2"#, r#""initial":3"#)
        .replace(r#""remaining":1"#, r#""remaining":2"#);
    assert_eq!(first(&sold).0, ViolationKind::Undersell, "the control");
    // Where nobody says what was left around it, it may have.
    let untold = history.replace(r#""remaining":1,"#, "").replace(r#""remaining":0,"#, "");
    assert_eq!(first(&untold).0, ViolationKind::Undersell, "the control");
    let twice = history.replace("[2]", "[1]");
    assert_eq!(first(&twice).0, ViolationKind::DuplicateTicket, "the control");
}

#[test]
fn refunds_that_are_all_refused_were_not_tried() {
    let history = r#"{"history":1,"initial":2,"sold":0,"revision":0,"left":1}
{"process":1,"op":"buy","quantity":1,"call_ns":10,"return_ns":30,"outcome":"sold","tickets":[1],"remaining":1,"revision":1,"links":{"sale":"s"}}
{"process":2,"op":"buy","quantity":2,"call_ns":20,"return_ns":60,"outcome":"sold_out","remaining":1,"revision":1}
{"process":1,"op":"refund","quantity":1,"call_ns":70,"return_ns":80,"outcome":"refused","links":{"sale":"s"}}"#;
    let judgement = judged(&[history]);
    assert_eq!(
        (judgement.verdict(), &judgement.untried[..]),
        (Verdict::Valid, &[Untried::PutBacks][..])
    );
    let done = history.replace(r#""refused""#, r#""done","remaining":2,"revision":2"#);
    let done = judged(&[&done.replace(r#""left":1"#, r#""left":2"#)]);
    assert_eq!((done.verdict(), &done.untried[..]), (Verdict::Valid, &[][..]), "the control");
}

#[test]
fn a_refusal_that_needs_a_purchase_nobody_heard_of_leaves_one_ticket_less_to_sell() {
    let history = r#"{"history":1,"initial":1,"numbering":"unique","counts":"exact"}
{"process":1,"op":"buy","quantity":1,"call_ns":0,"outcome":"unknown"}
{"process":2,"op":"buy","quantity":1,"call_ns":10,"return_ns":20,"outcome":"sold_out"}
{"process":3,"op":"buy","quantity":1,"call_ns":30,"return_ns":50,"outcome":"sold","tickets":["A"]}
{"process":4,"op":"buy","quantity":1,"call_ns":35,"return_ns":60,"outcome":"sold_out"}"#;
    let judgement = judged(&[history]);
    let violation = &judgement.violations[0];
    assert_eq!((violation.kind, &violation.operations[..]), (ViolationKind::Oversell, &[1, 2][..]));
    assert_eq!(violation.message, "worker 3 was sold 1 ticket, but only 0 can have been left");
    let later = history.replace(r#""call_ns":35"#, r#""call_ns":55"#);
    assert_eq!(first(&later).0, ViolationKind::Oversell);
    // A shop that asks a bank ahead of the sale gives back what it had aside for whoever was not heard of.
    for history in [history, &later] {
        let aside = judged(&[&history.replace("exact", "late")]);
        assert_eq!(aside.violations, []);
        assert!(aside.notes.iter().any(|note| note.contains("put aside")), "{:?}", aside.notes);
    }
    // It had one aside, or bought one, or both; and no third.
    let three = later.replace(r#""initial":1"#, r#""initial":3"#).replace("exact", "late");
    assert_eq!(first(&three).0, ViolationKind::FalseSoldOut);
}

#[test]
fn a_refused_purchase_excuses_as_many_as_it_can_have_had_aside() {
    let history = r#"{"history":1,"initial":2,"left":1,"numbering":"unique","counts":"late"}
{"process":1,"op":"buy","quantity":1,"call_ns":0,"return_ns":20,"outcome":"refused"}
{"process":2,"op":"buy","quantity":1,"call_ns":15,"return_ns":35,"outcome":"sold","tickets":["A"]}
{"process":3,"op":"buy","quantity":1,"call_ns":30,"return_ns":40,"outcome":"sold_out"}"#;
    // It is given back behind the answer, who knows when.
    let aside = judged(&[history]);
    assert_eq!(aside.verdict(), Verdict::Valid, "{aside:?}");
    assert!(aside.notes.iter().any(|note| note.contains("put aside")), "{:?}", aside.notes);
    let three = history.replace(r#""initial":2,"left":1"#, r#""initial":3,"left":2"#);
    assert_eq!(first(&three).0, ViolationKind::FalseSoldOut, "one was aside, and two were left");
    let of_two = three.replacen(r#""quantity":1"#, r#""quantity":2"#, 1);
    assert_eq!(verdict(&of_two), Verdict::Valid, "two were aside");
    let nobody = history.replace(r#""refused""#, r#""refused","turned_away":true"#);
    assert_eq!(first(&nobody).0, ViolationKind::FalseSoldOut, "it had none aside");
    let later = history.replace(r#""call_ns":0,"return_ns":20"#, r#""call_ns":41,"return_ns":50"#);
    assert_eq!(first(&later).0, ViolationKind::FalseSoldOut, "it was not there yet");
    let exact = history.replace("late", "exact");
    assert_eq!(first(&exact).0, ViolationKind::FalseSoldOut, "each count is of its instant");
    // Whoever is missing may have had the other one aside.
    let torn = judged(&[&three.replace(r#""left":2"#, r#""left":2,"unrecorded":1"#)]);
    assert_eq!(torn.verdict(), Verdict::Unknown, "{torn:?}");
}

#[test]
fn a_purchase_that_is_sent_again_under_its_key_has_its_tickets_aside_once() {
    let history = r#"{"history":1,"initial":3,"left":3,"numbering":"unique","counts":"late"}
{"process":1,"op":"buy","quantity":1,"key":"1","call_ns":0,"return_ns":10,"outcome":"refused"}
{"process":1,"op":"buy","quantity":1,"key":"2","call_ns":11,"return_ns":20,"outcome":"refused"}
{"process":1,"op":"buy","quantity":1,"key":"3","call_ns":21,"return_ns":30,"outcome":"refused"}
{"process":2,"op":"buy","quantity":1,"call_ns":31,"return_ns":40,"outcome":"sold_out"}"#;
    assert_eq!(judged(&[history]).violations, []);
    let one =
        history.replace(r#""key":"2""#, r#""key":"1""#).replace(r#""key":"3""#, r#""key":"1""#);
    assert_eq!(first(&one).0, ViolationKind::FalseSoldOut);
}

#[test]
fn a_confirm_that_is_refused_has_what_was_held_aside_and_no_longer_than_to_its_answer() {
    let history = r#"{"history":1,"initial":2,"left":2,"numbering":"unique","counts":"late"}
{"process":1,"op":"hold","quantity":1,"call_ns":1,"return_ns":10,"outcome":"done","links":{"hold":"h"}}
{"process":1,"op":"confirm","call_ns":20,"return_ns":60,"outcome":"refused","links":{"hold":"h"}}
{"process":1,"op":"confirm","call_ns":61,"return_ns":70,"outcome":"refused","links":{"hold":"h"}}
{"process":1,"op":"release","quantity":1,"call_ns":71,"return_ns":80,"outcome":"done","links":{"hold":"h"}}
{"process":2,"op":"buy","quantity":2,"call_ns":65,"return_ns":90,"outcome":"sold_out"}"#;
    assert_eq!(judged(&[history]).violations, [], "one was held");
    let later = history.replace(r#""call_ns":65"#, r#""call_ns":81"#);
    assert_eq!(first(&later).0, ViolationKind::NotLinearizable, "all were back");
    let three = history.replace(r#""initial":2,"left":2"#, r#""initial":5,"left":5"#);
    assert_eq!(
        first(&three).0,
        ViolationKind::NotLinearizable,
        "three were neither held nor aside"
    );
}

#[test]
fn what_is_not_back_yet_at_the_end_is_a_doubt_where_somebody_was_refused() {
    let history = r#"{"history":1,"initial":4,"left":1,"numbering":"unique","counts":"late"}
{"process":1,"op":"buy","quantity":2,"call_ns":0,"return_ns":20,"outcome":"refused"}
{"process":2,"op":"buy","quantity":1,"call_ns":5,"return_ns":15,"outcome":"sold","tickets":["A"]}"#;
    let judgement = judged(&[history]);
    assert_eq!(judgement.verdict(), Verdict::Unknown, "{judgement:?}");
    let doubt = "fewer were left at the end than the sales leave";
    assert!(judgement.doubts.iter().any(|one| one.starts_with(doubt)), "{judgement:?}");
    for fewer in [
        history.replace(r#""left":1"#, r#""left":0"#),
        history.replace(r#""refused""#, r#""refused","turned_away":true"#),
        history.replace("late", "exact"),
    ] {
        assert_eq!(first(&fewer).0, ViolationKind::Undersell, "{fewer}");
    }
    let oversold =
        history.replace(r#""initial":4"#, r#""initial":0"#).replace(r#""left":1"#, r#""left":0"#);
    assert_eq!(first(&oversold).0, ViolationKind::Oversell);
}

#[test]
fn what_fell_ahead_of_the_first_count_is_somebodys() {
    let history = r#"{"history":1,"initial":40,"numbering":"unique","counts":"exact"}
{"process":1,"op":"buy","quantity":1,"call_ns":0,"return_ns":50,"outcome":"sold","tickets":["A"],"remaining":1}
{"process":2,"op":"buy","quantity":1,"call_ns":10,"return_ns":60,"outcome":"sold","tickets":["B"],"remaining":0}
{"process":3,"op":"buy","quantity":1,"call_ns":70,"return_ns":80,"outcome":"sold_out"}"#;
    assert_eq!(first(history).0, ViolationKind::Undersell);
    assert_eq!(verdict(&history.replace(r#""initial":40"#, r#""initial":2"#)), Verdict::Valid);
    let nobody = r#"{"history":1,"initial":1,"left":0,"numbering":"unique","counts":"exact"}
{"process":1,"op":"buy","quantity":2,"call_ns":3,"outcome":"unknown"}"#;
    assert_eq!(first(nobody).0, ViolationKind::Undersell, "nobody was sold one");
}
