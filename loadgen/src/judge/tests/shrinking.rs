//! Counterexamples: sound, and as small as they can be.

use super::{
    agreement::{history, judged, lines},
    brute_force,
    dice::Dice,
};
use crate::{
    history::{Header, Operation},
    judge::{
        Evidence, ViolationKind,
        budget::Budget,
        open_world::OpenWorld,
        request::{FINAL, Known, Request, Requests, Role, Trusted},
    },
};

const HISTORIES: u64 = 60_000;

/// Whether those at `places` cannot be right whatever all others did.
fn contradicts(header: &Header, operations: &[Operation], places: &[usize]) -> bool {
    let evidence = Evidence { header, operations, lacks: &[] };
    let requests = Requests::collect(&evidence, Known::of(header), Trusted::ALL);
    // Whoever has no answer does no more than a stranger can.
    let is_asked = |one: &&Request| {
        one.place == FINAL || (one.role != Role::Unknown && places.contains(&(one.place as usize)))
    };
    let few: Vec<Request> = requests.list.iter().filter(is_asked).copied().collect();
    OpenWorld::new(&requests).contradicts(&few, &mut Budget::default()) == Ok(true)
}

#[test]
fn whoever_can_be_right_with_all_others_is_right_among_strangers() {
    for seed in 0..HISTORIES {
        let (header, operations) = history(seed);
        if !brute_force::explains(&header, &operations) {
            continue;
        }
        let mut dice = Dice::new(seed);
        let some: Vec<usize> = (0..operations.len()).filter(|_| dice.chance(60)).collect();
        assert!(
            !contradicts(&header, &operations, &some),
            "seed {seed}: {some:?}\n{}",
            lines(&header, &operations)
        );
    }
}

#[test]
fn nobody_can_be_left_out_of_the_first_counterexample() {
    let mut minimal = 0;
    for seed in 0..HISTORIES {
        let (header, operations) = history(seed);
        // The others are told for their kind; the first is the smallest of all.
        if let Some(violation) = judged(&header, &operations).violations.first() {
            let shown = &violation.operations;
            assert!(!violation.story.is_empty(), "seed {seed}: {violation:?}");
            assert!(shown.iter().all(|place| *place < operations.len()), "seed {seed}");
            if violation.kind == ViolationKind::AnsweredTwice {
                continue;
            }
            let is_header_wrong = contradicts(&header, &operations, &[]);
            if is_header_wrong || !contradicts(&header, &operations, shown) {
                continue;
            }
            minimal += 1;
            for left_out in shown {
                let rest: Vec<usize> =
                    shown.iter().copied().filter(|place| place != left_out).collect();
                assert!(
                    !contradicts(&header, &operations, &rest),
                    "seed {seed}: {violation:?} without {left_out}\n{}",
                    lines(&header, &operations)
                );
            }
        }
    }
    assert!(minimal > HISTORIES / 10, "{minimal} counterexamples");
}
