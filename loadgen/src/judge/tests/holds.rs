//! Holds, confirms, releases, lapses and refunds: what is right, and what is planted and found.

use proptest::prelude::*;

use super::{
    agreement::{judged, lines},
    dice::Dice,
};
use crate::{
    history::{
        Answer, CountTiming, Header, Links, Numbering, Operation, OperationKind, Outcome, Tickets,
        decode, encode, signed,
    },
    judge::{Judgement, Verdict, ViolationKind},
};

/// A counter that holds, and what its clients are told.
struct Shop {
    left: u64,
    held: u64,
    sold: u64,
    revision: u64,
    now: u64,
    seen: Vec<Operation>,
}

/// How long a hold is for, and how much later it must have lapsed.
const TIME: u64 = 100;
const LATE: u64 = 50;

impl Shop {
    fn new(left: u64) -> Self {
        Self { left, held: 0, sold: 0, revision: 0, now: 1000, seen: Vec::new() }
    }

    /// What was carried out: it overlaps its neighbours, and names what it is about.
    fn tell(&mut self, op: OperationKind, outcome: Outcome, links: Links) -> usize {
        let process = u32::try_from(self.seen.len()).unwrap();
        let tickets =
            if outcome == Outcome::Sold { Tickets::one(self.sold) } else { Tickets::default() };
        let answer = Answer {
            tickets,
            remaining: Some(signed(self.left)),
            revision: Some(self.revision),
            ..Answer::new(outcome)
        };
        let (call, ret) = (self.now - 2, self.now + 2);
        let quantity = (op != OperationKind::Search).then_some(1);
        let operation = Operation::of_kind((op, quantity), process, call, ret, answer);
        let links = (links != Links::default()).then(|| Box::new(links));
        self.seen.push(Operation { links, ..operation });
        self.now += 3;
        self.seen.len() - 1
    }

    fn buy(&mut self) -> usize {
        if self.left == 0 {
            return self.tell(OperationKind::Buy, Outcome::SoldOut, Links::default());
        }
        (self.left, self.sold, self.revision) = (self.left - 1, self.sold + 1, self.revision + 1);
        let sale = Some(self.seen.len().to_string().into());
        self.tell(OperationKind::Buy, Outcome::Sold, Links { sale, ..Links::default() })
    }

    /// `None` where it is refused.
    fn hold(&mut self) -> Option<usize> {
        if self.left == 0 {
            self.tell(OperationKind::Hold, Outcome::SoldOut, Links::default());
            return None;
        }
        (self.left, self.held, self.revision) = (self.left - 1, self.held + 1, self.revision + 1);
        let from = self.now + TIME;
        let links = Links {
            hold: Some(self.seen.len().to_string().into()),
            sale: None,
            lapses_from_ns: Some(from),
            lapses_by_ns: Some(from + LATE),
        };
        Some(self.tell(OperationKind::Hold, Outcome::Done, links))
    }

    fn named(hold: usize) -> Option<Box<str>> {
        Some(hold.to_string().into())
    }

    fn confirm(&mut self, hold: usize) -> usize {
        (self.held, self.sold, self.revision) = (self.held - 1, self.sold + 1, self.revision + 1);
        let sale = Some(self.seen.len().to_string().into());
        let links = Links { hold: Self::named(hold), sale, ..Links::default() };
        self.tell(OperationKind::Confirm, Outcome::Sold, links)
    }

    fn release(&mut self, hold: usize) -> usize {
        (self.held, self.left, self.revision) = (self.held - 1, self.left + 1, self.revision + 1);
        let links = Links { hold: Self::named(hold), ..Links::default() };
        self.tell(OperationKind::Release, Outcome::Done, links)
    }

    fn refund(&mut self, sale: usize) -> usize {
        (self.left, self.revision) = (self.left + 1, self.revision + 1);
        let links = Links { sale: Some(sale.to_string().into()), ..Links::default() };
        self.tell(OperationKind::Refund, Outcome::Done, links)
    }

    fn search(&mut self) -> usize {
        self.tell(OperationKind::Search, Outcome::Found, Links::default())
    }

    /// One hold lapses: nobody sees it.
    fn lapse(&mut self) {
        (self.held, self.left, self.revision) = (self.held - 1, self.left + 1, self.revision + 1);
    }

    /// All that were held so far are over.
    fn wait(&mut self) {
        self.now += TIME + LATE;
    }

    /// What is known at the end, long after all holds.
    fn header(&self, initial: u64) -> Header {
        Header {
            left: Some(signed(self.left)),
            left_revision: Some(self.revision),
            left_held: Some(self.held),
            ended_ns: Some(self.now + 10 * (TIME + LATE)),
            ..Header::new(initial)
        }
    }
}

fn kinds(judgement: &Judgement) -> Vec<ViolationKind> {
    judgement.violations.iter().map(|violation| violation.kind).collect()
}

/// Two tickets: one hold is confirmed, one lapses, and its ticket is sold to another and refunded.
fn evening() -> (Shop, [usize; 5]) {
    let mut shop = Shop::new(2);
    let kept = shop.hold().unwrap();
    let lost = shop.hold().unwrap();
    shop.buy();
    let confirm = shop.confirm(kept);
    shop.wait();
    shop.lapse();
    shop.search();
    let sale = shop.buy();
    shop.buy();
    let refund = shop.refund(sale);
    (shop, [kept, lost, confirm, sale, refund])
}

#[test]
fn an_evening_with_holds_is_valid_with_and_without_its_end() {
    let (shop, _) = evening();
    assert_eq!(judged(&shop.header(2), &shop.seen), Judgement::default());
    let told = Header { left_revision: None, left_held: None, ..shop.header(2) };
    assert_eq!(judged(&told, &shop.seen), Judgement::default());
    let bare = Header { ended_ns: None, ..told };
    assert_eq!(judged(&bare, &shop.seen), Judgement::default());
}

/// So many holds whose confirms got no answer, of which every other took effect.
fn lost_confirms(holds: usize) -> Shop {
    let mut shop = Shop::new(2 * holds as u64);
    // None lapses before the last is confirmed.
    let long = 100 * holds as u64;
    let holds: Vec<usize> = (0..holds).map(|_| shop.hold().unwrap()).collect();
    for hold in &holds {
        let links = shop.seen[*hold].links.as_mut().unwrap();
        links.lapses_from_ns = links.lapses_from_ns.map(|from| from + long);
        links.lapses_by_ns = links.lapses_by_ns.map(|by| by + long);
    }
    for (number, hold) in holds.iter().enumerate() {
        let confirm = shop.confirm(*hold);
        if number % 2 == 1 {
            // It did not happen.
            (shop.held, shop.sold, shop.revision) =
                (shop.held + 1, shop.sold - 1, shop.revision - 1);
        }
        let links = shop.seen[confirm].links.take().map(|links| Links { sale: None, ..*links });
        shop.seen[confirm] = Operation {
            return_ns: None,
            links: links.map(Box::new),
            ..Operation::of_kind(
                (OperationKind::Confirm, Some(1)),
                shop.seen[confirm].process,
                shop.seen[confirm].call_ns,
                0,
                Answer::new(Outcome::Unknown),
            )
        };
        shop.buy();
    }
    shop.now += long;
    shop.wait();
    while shop.held > 0 {
        shop.lapse();
    }
    shop.buy();
    shop
}

#[test]
fn lost_confirms_are_decided_however_many_there_are() {
    for holds in [1, 2, 17, 40, 150] {
        let shop = lost_confirms(holds);
        let header = shop.header(2 * holds as u64);
        let judgement = judged(&header, &shop.seen);
        assert_eq!(judgement.violations, [], "{holds}");
        assert!(judgement.doubts.is_empty() || holds == 1, "{holds}: {:?}", judgement.doubts);
        let wrong = Header { left: header.left.map(|left| left - 1), ..header.clone() };
        // That no order is right takes longer to see than one that is.
        let expected = if holds < 20 { Verdict::Violation } else { Verdict::Unknown };
        assert_eq!(judged(&wrong, &shop.seen).verdict(), expected, "{holds}");
        let by_counts: Vec<Operation> =
            shop.seen.iter().map(|one| Operation { revision: None, ..one.clone() }).collect();
        let header = Header { left_revision: None, ..header };
        assert_eq!(judged(&header, &by_counts).violations, [], "{holds}");
    }
}

#[test]
fn links_survive_their_line() {
    let (shop, _) = evening();
    for operation in &shop.seen {
        assert_eq!(decode(&encode(operation)).unwrap(), *operation);
    }
}

#[test]
fn a_lapse_before_its_time_is_nobodys() {
    let mut shop = Shop::new(1);
    shop.hold().unwrap();
    shop.buy();
    shop.lapse();
    shop.buy();
    let judgement = judged(&shop.header(1), &shop.seen);
    assert_eq!(judgement.verdict(), Verdict::Violation, "{judgement:?}");
}

#[test]
fn a_hold_that_sells_what_others_bought_meanwhile_oversells() {
    let mut shop = Shop::new(1);
    let hold = shop.hold().unwrap();
    shop.buy();
    shop.wait();
    shop.lapse();
    shop.buy();
    // Confirmed all the same.
    shop.held = 1;
    let confirm = shop.confirm(hold);
    let judgement = judged(&shop.header(1), &shop.seen);
    assert!(kinds(&judgement).contains(&ViolationKind::Oversell), "{judgement:?}");
    assert!(judgement.violations.iter().any(|one| one.operations.contains(&confirm)));
}

#[test]
fn a_confirm_long_after_the_end_of_its_hold_is_too_late() {
    let mut shop = Shop::new(2);
    let hold = shop.hold().unwrap();
    shop.hold().unwrap();
    shop.wait();
    shop.now += 10;
    let confirm = shop.confirm(hold);
    shop.lapse();
    let judgement = judged(&shop.header(2), &shop.seen);
    assert_eq!(judgement.violations[0].operations, [hold, confirm], "{judgement:?}");
    assert!(judgement.violations[0].message.contains("after it must have lapsed"));
}

#[test]
fn a_hold_confirmed_twice_with_different_tickets_was_answered_twice() {
    let (mut shop, [_, _, confirm, ..]) = evening();
    let again = Operation { process: 99, ..shop.seen[confirm].clone() };
    shop.seen.push(again.clone());
    assert_eq!(judged(&shop.header(2), &shop.seen), Judgement::default(), "the same answer again");
    shop.seen.pop();
    shop.seen.push(Operation { tickets: Tickets::one(9), ..again });
    let judgement = judged(&shop.header(2), &shop.seen);
    assert_eq!(kinds(&judgement)[0], ViolationKind::AnsweredTwice, "{judgement:?}");
}

#[test]
fn a_hold_that_was_confirmed_cannot_be_released() {
    let (mut shop, [kept, ..]) = evening();
    shop.held += 1;
    shop.release(kept);
    let judgement = judged(&shop.header(2), &shop.seen);
    assert!(judgement.violations.iter().any(|one| one.message.contains("confirmed and released")));
}

#[test]
fn a_refund_that_frees_twice_was_answered_twice() {
    let (mut shop, [.., sale, _]) = evening();
    shop.refund(sale);
    let judgement = judged(&shop.header(2), &shop.seen);
    assert_eq!(kinds(&judgement)[0], ViolationKind::AnsweredTwice, "{judgement:?}");
}

#[test]
fn a_refund_before_its_sale_is_no_order() {
    let (mut shop, [.., sale, refund]) = evening();
    // The ledger has them the other way round.
    let revisions = [shop.seen[sale].revision, shop.seen[refund].revision];
    (shop.seen[sale].revision, shop.seen[refund].revision) = (revisions[1], revisions[0]);
    for place in [sale, refund] {
        (shop.seen[place].call_ns, shop.seen[place].return_ns) = (1, Some(9000));
    }
    let header = Header { ended_ns: Some(99_999), ..shop.header(2) };
    assert_eq!(judged(&header, &shop.seen).verdict(), Verdict::Violation);
}

#[test]
fn a_number_that_was_refunded_is_not_sold_again() {
    let (mut shop, [.., sale, _]) = evening();
    let again = shop.buy();
    shop.seen[again].tickets = shop.seen[sale].tickets.clone();
    let judgement = judged(&shop.header(2), &shop.seen);
    assert!(kinds(&judgement).contains(&ViolationKind::DuplicateTicket), "{judgement:?}");
}

/// Seats only have names: the next buyer sits where the refunded one would have.
#[test]
fn a_seat_that_was_refunded_is_sold_again_and_no_other() {
    let (mut shop, [.., confirm, sale, refund]) = evening();
    let again = shop.buy();
    let header =
        Header { numbering: Numbering::Seats, counts: Some(CountTiming::Exact), ..shop.header(2) };
    shop.seen[again].tickets = shop.seen[sale].tickets.clone();
    assert_eq!(kinds(&judged(&header, &shop.seen)), []);
    let links = shop.seen[refund].links.take();
    assert_eq!(kinds(&judged(&header, &shop.seen)), [], "nobody knows what was refunded");
    shop.seen[refund].links = links;

    shop.seen[again].tickets = shop.seen[confirm].tickets.clone();
    let judgement = judged(&header, &shop.seen);
    assert!(kinds(&judgement).contains(&ViolationKind::DuplicateTicket), "{judgement:?}");
}

#[test]
fn tickets_that_do_not_come_back_are_an_undersell() {
    let mut shop = Shop::new(3);
    let lost = shop.hold().unwrap();
    shop.buy();
    shop.buy();
    shop.buy();
    let header = shop.header(3);
    assert_eq!(kinds(&judged(&header, &shop.seen)), [ViolationKind::Undersell]);
    let told = Header { left_revision: None, left_held: None, ..header.clone() };
    let judgement = judged(&told, &shop.seen);
    assert_eq!(kinds(&judgement), [ViolationKind::Undersell]);
    assert_eq!(judgement.violations[0].operations, [lost]);
    // As long as it may still be held all is well.
    let early = Header { ended_ns: Some(shop.now), ..header };
    assert_eq!(judged(&early, &shop.seen).violations, []);
}

#[test]
fn holds_from_before_the_start_make_a_doubt_of_what_they_explain() {
    let mut shop = Shop::new(1);
    shop.buy();
    shop.buy();
    // Somebody else's hold lapsed.
    (shop.left, shop.revision) = (1, 2);
    shop.buy();
    let header = Header { held: Some(1), left_held: Some(0), ..shop.header(1) };
    let judgement = judged(&header, &shop.seen);
    assert_eq!(judgement.verdict(), Verdict::Unknown, "{judgement:?}");
    let told = Header { held: Some(0), ..header };
    assert_eq!(judged(&told, &shop.seen).verdict(), Verdict::Violation, "the control");
}

#[test]
fn a_release_that_names_no_hold_may_be_of_any_beside_those_with_names() {
    let mut shop = Shop::new(2);
    let nameless = shop.hold().unwrap();
    shop.seen[nameless].links = None;
    let named = shop.hold().unwrap();
    shop.buy();
    // Given back, and nobody was told.
    let release = shop.release(nameless);
    let one = &mut shop.seen[release];
    (one.outcome, one.return_ns, one.links) = (Outcome::Unknown, None, None);
    (one.remaining, one.revision) = (None, None);
    shop.buy();
    shop.buy();
    shop.wait();
    shop.lapse();
    shop.buy();
    for says_revisions in [true, false] {
        let mut seen = shop.seen.clone();
        let mut header = shop.header(2);
        if !says_revisions {
            seen.iter_mut().for_each(|one| one.revision = None);
            header.left_revision = None;
        }
        let judgement = judged(&header, &seen);
        assert_eq!(judgement.violations, [], "{named} {judgement:?}");
        seen.swap_remove(release);
        assert_eq!(judged(&header, &seen).verdict(), Verdict::Violation, "the control");
    }
}

/// A long evening by chance: what was held when, and how it ended.
fn by_chance(dice: &mut Dice, length: usize) -> Shop {
    let mut shop = Shop::new(1 + dice.below(8));
    let (mut open, mut sales): (Vec<(u64, usize)>, Vec<usize>) = (Vec::new(), Vec::new());
    for _ in 0..length {
        let now = shop.now;
        for _ in open.extract_if(.., |(from, _)| *from + 10 < now) {
            shop.lapse();
        }
        match dice.below(7) {
            0 => drop(shop.search()),
            1 => {
                let sold = shop.sold;
                let sale = shop.buy();
                sales.extend((shop.sold > sold).then_some(sale));
            }
            2 if !open.is_empty() => {
                let (_, hold) = open.swap_remove(dice.index(open.len()));
                sales.push(shop.confirm(hold));
            }
            3 if !open.is_empty() => {
                let (_, hold) = open.swap_remove(dice.index(open.len()));
                shop.release(hold);
            }
            4 if !sales.is_empty() => {
                let sale = sales.swap_remove(dice.index(sales.len()));
                shop.refund(sale);
            }
            5 => shop.now += dice.below(TIME),
            _ => {
                let from = shop.now + TIME;
                open.extend(shop.hold().map(|hold| (from, hold)));
            }
        }
    }
    for _ in open {
        shop.lapse();
    }
    shop
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn an_evening_by_chance_is_never_accused_and_always_decided(
        seed in any::<u64>(),
        length in 1_usize..300,
        forgets in any::<bool>(),
    ) {
        let mut dice = Dice::new(seed);
        let mut shop = by_chance(&mut dice, length);
        let initial = shop.left + shop.held + shop.sold
            - shop.seen.iter().filter(|one| one.op == OperationKind::Refund).count() as u64;
        let header = shop.header(initial);
        if forgets && !shop.seen.is_empty() {
            // Nobody heard how one of them ended.
            let place = dice.index(shop.seen.len());
            let one = &mut shop.seen[place];
            if one.op != OperationKind::Search && one.outcome != Outcome::SoldOut {
                (one.outcome, one.return_ns) = (Outcome::Unknown, None);
                (one.tickets, one.remaining, one.revision) = (Tickets::default(), None, None);
                if let Some(links) = &mut one.links {
                    links.lapses_by_ns = None;
                }
            }
        }
        let judgement = judged(&header, &shop.seen);
        prop_assert!(judgement.violations.is_empty(), "{judgement:?}\n{}", lines(&header, &shop.seen));
        let is_undecided = judgement.doubts.iter().any(|doubt| doubt.contains("steps of the search"));
        prop_assert!(!is_undecided, "{judgement:?}");
    }

    #[test]
    fn a_fault_in_an_evening_by_chance_is_found(
        seed in any::<u64>(),
        length in 10_usize..200,
        fault in 0..4,
    ) {
        let mut dice = Dice::new(seed);
        let mut shop = by_chance(&mut dice, length);
        let initial = shop.left + shop.held + shop.sold
            - shop.seen.iter().filter(|one| one.op == OperationKind::Refund).count() as u64;
        let mut header = shop.header(initial);
        let of = |op| {
            (0..shop.seen.len()).rfind(|place| {
                shop.seen[*place].op == op && shop.seen[*place].outcome != Outcome::SoldOut
            })
        };
        match fault {
            // A ticket is stuck.
            0 => header.left = Some(signed(shop.left) - 1),
            // A hold is still there.
            1 => header.left_held = Some(1),
            // A confirm that nobody can have been told.
            2 => {
                let Some(place) = of(OperationKind::Confirm) else { return Ok(()) };
                shop.seen.remove(place);
            }
            // A release that freed one more.
            _ => {
                let Some(place) = of(OperationKind::Release) else { return Ok(()) };
                shop.seen[place].remaining = shop.seen[place].remaining.map(|left| left + 1);
            }
        }
        let judgement = judged(&header, &shop.seen);
        prop_assert_eq!(
            judgement.verdict(), Verdict::Violation,
            "{:?}\n{}", judgement, lines(&header, &shop.seen)
        );
    }
}
