//! Histories of other people's shops, under every kind of map: whatever such a shop leaves out of its
//! answers or tells late, a correct one is never accused, and what is certainly wrong is never valid.

use std::cmp::Reverse;

use super::{agreement::lines, dice::Dice};
use crate::{
    history::{
        Answer, CountTiming, Header, Numbering, Operation, Outcome, Revisions, Ticket, Tickets,
        signed,
    },
    judge::{Evidence, Judgement, Verdict, judge},
};

const HISTORIES: u64 = 100_000;

/// When a shop reads the count that it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counts {
    Silent,
    /// In one with the sale.
    Exact,
    /// Some time between the sale and the answer.
    Late,
    /// At any time before.
    Kept,
}

/// What an answer says, as a map reads it.
#[derive(Clone, Copy, Debug)]
struct Map {
    counts: Counts,
    searches: bool,
    /// The number before the first; `None` where tickets have names.
    numbers_from: Option<u64>,
    names: bool,
    revisions_from: Option<u64>,
    /// Whether other things than sales take revisions too.
    revisions_jump: bool,
    unknown_percent: u64,
    /// Whether a purchase that comes to nothing has a ticket aside for a while.
    asks_a_bank: bool,
    /// How many of the purchases are refused: then they come to nothing, too.
    refused_percent: u64,
    /// How many are not taken on at all.
    turned_away_percent: u64,
    end_is_known: bool,
    /// Whether what is left in the end is looked at before all has come back.
    end_is_early: bool,
    /// Whether what is left in the end is told from a cache.
    end_is_kept: bool,
}

fn any_map(dice: &mut Dice) -> Map {
    let counts = [Counts::Silent, Counts::Exact, Counts::Late, Counts::Kept];
    let counts = counts[dice.index(4)];
    Map {
        counts,
        searches: dice.chance(50),
        numbers_from: dice.chance(50).then(|| [0, 5, 1000][dice.index(3)]),
        names: dice.chance(50),
        revisions_from: dice.chance(20).then(|| [0, 17][dice.index(2)]),
        revisions_jump: dice.chance(50),
        unknown_percent: dice.below(3) * 10,
        asks_a_bank: counts != Counts::Exact && dice.chance(50),
        refused_percent: dice.below(3) * 10,
        turned_away_percent: dice.below(3) * 15,
        end_is_known: dice.chance(70),
        end_is_early: dice.chance(20),
        end_is_kept: dice.chance(20),
    }
}

/// A shop with `initial` tickets, and what `length` of its clients saw through `map`.
fn history(
    dice: &mut Dice,
    map: Map,
    initial: u64,
    length: usize,
    oversells: u64,
) -> (Header, Vec<Operation>) {
    let spread = 1 + dice.below(6);
    // The counts so far, each with its time.
    let mut counts = vec![(0, signed(initial))];
    let (mut sold, mut now, mut jumped) = (0, spread, 0);
    let mut seen: Vec<Operation> = Vec::new();
    // Until when each ticket is aside that nobody will have bought, the latest first.
    let mut aside: Vec<u64> = Vec::new();
    for process in 0..u32::try_from(length).unwrap() {
        now += dice.below(3);
        let (call, ret) = (now - dice.below(spread + 1), now + dice.below(spread + 1));
        let is_unknown = dice.chance(map.unknown_percent);
        let is_search = map.searches && dice.chance(30);
        let is_turned_away = !is_search && !is_unknown && dice.chance(map.turned_away_percent);
        let is_refused =
            is_turned_away || (!is_search && !is_unknown && dice.chance(map.refused_percent));
        let takes_effect = !(is_refused || (is_unknown && dice.chance(50)));
        while let Some(until) = aside.pop_if(|until| *until <= now) {
            counts.push((until, signed(initial) - signed(sold + aside.len() as u64)));
        }
        let is_left = sold + (aside.len() as u64) < initial + oversells;
        if map.asks_a_bank && !is_search && !takes_effect && !is_turned_away && is_left {
            // Until its answer, or until long after it.
            aside.push(now + 1 + dice.below(30));
            aside.sort_unstable_by_key(|until| Reverse(*until));
            counts.push((now, signed(initial) - signed(sold + aside.len() as u64)));
        }
        let mut answer = Answer::new(Outcome::Found);
        if !is_search && takes_effect {
            if is_left {
                sold += 1;
                counts.push((now, signed(initial) - signed(sold + aside.len() as u64)));
                answer = Answer { tickets: ticket(map, sold), ..Answer::new(Outcome::Sold) };
            } else {
                answer = Answer::new(Outcome::SoldOut);
            }
        }
        jumped += if map.revisions_jump { dice.below(3) } else { 0 };
        answer.revision = map.revisions_from.map(|from| from + sold + jumped);
        if map.counts != Counts::Silent {
            // The count right after the sale; it is told once all that can be seen has happened.
            answer.remaining = Some(signed(initial) - signed(sold));
        }
        if is_unknown {
            answer = Answer::unknown("no answer");
        }
        if is_refused {
            answer = Answer { is_turned_away, ..Answer::refused("status 402") };
        }
        seen.push(match is_search {
            true => Operation::search(process, call, ret, answer),
            false => Operation::buy(process, call, ret, answer),
        });
    }
    for operation in &mut seen {
        let Some(ret) = operation.return_ns.filter(|_| operation.remaining.is_some()) else {
            continue;
        };
        let (from, to) = match map.counts {
            Counts::Silent | Counts::Exact => continue,
            // Own sale included, whichever it was.
            Counts::Late => (operation.call_ns, ret),
            Counts::Kept => (0, ret),
        };
        let at = from + dice.below(to - from + 1);
        operation.remaining =
            counts.iter().rev().find(|(since, _)| *since <= at).map(|count| count.1);
    }
    let is_late = map.counts != Counts::Exact;
    let kept = if map.end_is_kept && is_late { dice.below(sold + 1) } else { 0 };
    let lacking = if map.end_is_early { signed(aside.len() as u64) } else { 0 };
    let is_numbered = map.numbers_from.is_some() && !map.names;
    let header = Header {
        sold: None,
        revision: None,
        left: map.end_is_known.then_some(signed(initial) - signed(sold) + signed(kept) - lacking),
        left_revision: map
            .revisions_from
            .filter(|_| map.end_is_kept && is_late)
            .map(|from| from + sold - kept),
        numbering: if is_numbered { Numbering::Consecutive } else { Numbering::Unique },
        counts: match map.counts {
            Counts::Exact => Some(CountTiming::Exact),
            _ => Some(CountTiming::Late),
        },
        revisions: Some(Revisions::Increasing),
        ..Header::new(initial)
    };
    seen.retain(|one| {
        one.op == crate::history::OperationKind::Buy || one.outcome != Outcome::Unknown
    });
    for place in (1..seen.len()).rev() {
        seen.swap(place, dice.index(place + 1));
    }
    (header, seen)
}

fn ticket(map: Map, sold: u64) -> Tickets {
    match (map.numbers_from, map.names) {
        // Names that a number could be read from, in no order.
        (_, true) => {
            [Ticket::named(&format!("{:03}", sold * 7919 % 100_003))].into_iter().collect()
        }
        (Some(from), false) => Tickets::one(from + sold),
        (None, false) => Tickets::default(),
    }
}

fn judged(header: &Header, operations: &[Operation]) -> Judgement {
    judge(&Evidence { header, operations, lacks: &[] })
}

#[test]
fn a_correct_shop_is_never_accused_whatever_its_map_says() {
    let mut valid = 0;
    for seed in 0..HISTORIES {
        let mut dice = Dice::new(seed);
        let map = any_map(&mut dice);
        let (initial, length) = (dice.below(20), 1 + dice.index(40));
        let (header, operations) = history(&mut dice, map, initial, length, 0);
        let judgement = judged(&header, &operations);
        assert!(
            judgement.violations.is_empty(),
            "seed {seed}: {map:?} {judgement:?}\n{}",
            lines(&header, &operations)
        );
        valid += u64::from(judgement.verdict() == Verdict::Valid);
    }
    assert!(valid > HISTORIES / 3, "{valid} valid");
}

#[test]
fn what_is_certainly_wrong_is_never_valid() {
    let mut planted = [0_u64; 4];
    for seed in 0..HISTORIES {
        let mut dice = Dice::new(seed);
        let map = any_map(&mut dice);
        let fault = dice.index(4);
        let (initial, length) = (1 + dice.below(12), 20 + dice.index(30));
        let oversells = if fault == 0 { 1 + dice.below(3) } else { 0 };
        let (mut header, mut operations) = history(&mut dice, map, initial, length, oversells);
        let is_sale = |one: &Operation| one.outcome == Outcome::Sold;
        let sales: Vec<usize> =
            (0..operations.len()).filter(|place| is_sale(&operations[*place])).collect();
        let is_planted = match fault {
            // More answered sales than there were tickets.
            0 => sales.len() as u64 > initial,
            // One ticket twice.
            1 if sales.len() > 1 && !operations[sales[0]].tickets.is_empty() => {
                operations[sales[1]].tickets = operations[sales[0]].tickets.clone();
                true
            }
            // A sale that is not missing at the end.
            2 if !sales.is_empty()
                && map.unknown_percent == 0
                && !map.end_is_kept
                && !map.end_is_early =>
            {
                header.left = Some(signed(initial) - signed(sales.len() as u64) + 1);
                true
            }
            // Two sales with one revision.
            3 if sales.len() > 1 && map.revisions_from.is_some() => {
                operations[sales[1]].revision = operations[sales[0]].revision;
                true
            }
            _ => false,
        };
        if !is_planted {
            continue;
        }
        planted[fault] += 1;
        let judgement = judged(&header, &operations);
        assert_ne!(
            judgement.verdict(),
            Verdict::Valid,
            "seed {seed}: {map:?} fault {fault} {judgement:?}\n{}",
            lines(&header, &operations)
        );
    }
    assert!(planted.iter().all(|planted| *planted > HISTORIES / 50), "{planted:?}");
}

#[test]
fn sold_out_is_a_fault_where_more_was_left_than_others_can_have_had() {
    let (mut planted, mut excused) = (0, 0);
    for seed in 0..HISTORIES {
        let mut dice = Dice::new(seed);
        let map = any_map(&mut dice);
        let (initial, length) = (dice.below(60), 1 + dice.index(40));
        let (header, mut operations) = history(&mut dice, map, initial, length, 0);
        let until = operations.iter().map(|one| one.call_ns).max().unwrap_or(0);
        let call = dice.below(until + 1);
        let refusal =
            Operation::buy(1000, call, call + dice.below(9), Answer::new(Outcome::SoldOut));
        // All that can have been sold, and all that can have been aside beside that.
        let is = |one: &&Operation, outcome| one.outcome == outcome;
        let number = |outcome| operations.iter().filter(|one| is(one, outcome)).count() as u64;
        let turned_away = operations.iter().filter(|one| one.turned_away).count() as u64;
        let unknown = number(Outcome::Unknown);
        let taken = number(Outcome::Sold) + unknown;
        let aside = number(Outcome::Refused) - turned_away + unknown;
        if taken + aside >= initial {
            continue;
        }
        excused += u64::from(turned_away > 0);
        planted += 1;
        operations.push(refusal);
        let judgement = judged(&header, &operations);
        // Where the first sales may all have been unheard, nobody knows the start.
        let is_doubted =
            |doubt: &String| doubt.starts_with("what was sold before the start may explain that");
        assert!(
            judgement.verdict() == Verdict::Violation || judgement.doubts.iter().any(is_doubted),
            "seed {seed}: {map:?} {judgement:?}\n{}",
            lines(&header, &operations)
        );
    }
    assert!(planted > HISTORIES / 4 && excused > HISTORIES / 10, "{planted}, {excused}");
}
