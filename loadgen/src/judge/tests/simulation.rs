//! Histories of a correct counter under a random schedule, and faults planted in them.

use super::{
    brute_force::{Counter, identity},
    dice::Dice,
};
use crate::history::{
    Header, Links, Numbering, Operation, OperationKind, Outcome, Revisions, Ticket, Tickets, signed,
};

/// What the histories of one kind look like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    pub(super) operations: usize,
    /// How far calls and answers lie from the effect, at most.
    pub(super) spread: u64,
    /// Holds, refunds and restocks too.
    pub(super) all_kinds: bool,
    /// Whether they name the hold or the sale that they are about, and holds lapse.
    pub(super) has_links: bool,
    pub(super) quantity_max: u64,
    pub(super) unknown_percent: u64,
    pub(super) keyed_percent: u64,
    /// What answers tell.
    pub(super) tickets: bool,
    pub(super) remaining: bool,
    pub(super) revision: bool,
    /// How often an answer leaves a member out all the same.
    pub(super) silent_percent: u64,
    pub(super) numbering: Numbering,
    pub(super) end_is_known: bool,
}

impl Scene {
    pub(super) fn random(dice: &mut Dice, operations: usize) -> Self {
        let all_kinds = dice.chance(50);
        Self {
            operations,
            spread: 1 + dice.below(5),
            all_kinds,
            has_links: all_kinds && dice.chance(70),
            quantity_max: 1 + dice.below(3),
            unknown_percent: dice.below(3) * 15,
            keyed_percent: dice.below(2) * 30,
            tickets: dice.chance(60),
            remaining: dice.chance(60),
            revision: dice.chance(50),
            silent_percent: dice.below(2) * 15,
            numbering: if dice.chance(80) { Numbering::Consecutive } else { Numbering::Unique },
            end_is_known: dice.chance(50),
        }
    }
}

/// A history that some order explains, by construction.
pub(super) fn simulate(dice: &mut Dice, scene: &Scene) -> (Header, Vec<Operation>) {
    let mut header = Header::new(dice.below(2 + scene.operations as u64));
    header.numbering = scene.numbering;
    header.revisions = Some(Revisions::Consecutive);
    if dice.chance(20) {
        let sold = dice.below(3);
        header.sold = Some(sold);
        header.revision = Some(sold + dice.below(2));
    }
    let mut counter = Counter::new(&header);
    let mut operations: Vec<Operation> = Vec::new();
    let mut now = scene.spread;
    while operations.len() < scene.operations {
        now += dice.below(3);
        for (name, from, by) in counter.lapsing() {
            let is_last_call = by.is_some_and(|by| by <= now + 2);
            if from <= now && (is_last_call || dice.chance(30)) {
                counter.lapse(&name).unwrap();
            }
        }
        let Some(operation) = one(dice, scene, &mut counter, &operations, now) else {
            continue;
        };
        operations.push(operation);
    }
    if scene.end_is_known {
        if scene.has_links && dice.chance(70) {
            let ended = now + dice.below(10);
            for (name, _, by) in counter.lapsing() {
                if by.is_some_and(|by| by < ended) {
                    counter.lapse(&name).unwrap();
                }
            }
            header.ended_ns = Some(ended);
        }
        header.left_held = counter.held().filter(|_| scene.has_links && dice.chance(50));
        let (left, revision) = counter.stock();
        header.left = Some(signed(left));
        header.left_revision = dice.chance(50).then_some(revision);
    }
    for place in (1..operations.len()).rev() {
        operations.swap(place, dice.index(place + 1));
    }
    (header, operations)
}

/// One operation that takes effect at `now`; `None` where it cannot.
fn one(
    dice: &mut Dice,
    scene: &Scene,
    counter: &mut Counter,
    before: &[Operation],
    now: u64,
) -> Option<Operation> {
    let mut operation = asked(dice, scene, before, now)?;
    operation.process = u32::try_from(before.len()).unwrap();
    operation.call_ns = now - dice.below(scene.spread + 1);
    let is_unknown = dice.chance(scene.unknown_percent);
    if is_unknown && dice.chance(50) {
        operation.outcome = Outcome::Unknown;
        return Some(operation);
    }
    let reply = counter.perform(&operation, dice.chance(50))?;
    if is_unknown {
        operation.outcome = Outcome::Unknown;
        return Some(operation);
    }
    operation.return_ns = Some(now + dice.below(scene.spread + 1));
    operation.outcome = reply.outcome;
    let tells = |dice: &mut Dice, whether: bool| whether && !dice.chance(scene.silent_percent);
    if tells(dice, scene.tickets) {
        operation.tickets = reply.tickets;
    }
    // A retry under one key would have to name the same.
    let may_name = operation.op == OperationKind::Refund && identity(&operation).is_none();
    if may_name && tells(dice, scene.tickets) {
        operation.tickets = taken_back(dice, before, operation.quantity.unwrap_or(0));
    }
    operation.remaining = tells(dice, scene.remaining).then_some(signed(reply.remaining));
    operation.revision = tells(dice, scene.revision).then_some(reply.revision);
    Some(operation)
}

/// Tickets that were sold before, as a refund can name them; none where there are not so many.
fn taken_back(dice: &mut Dice, before: &[Operation], quantity: u64) -> Tickets {
    let sold = before.iter().filter(|one| one.op.numbers_tickets());
    let mut numbers: Vec<Ticket> = sold.flat_map(|one| one.tickets.iter()).collect();
    while numbers.len() as u64 > quantity {
        numbers.swap_remove(dice.index(numbers.len()));
    }
    if (numbers.len() as u64) < quantity {
        Tickets::default()
    } else {
        numbers.into_iter().collect()
    }
}

fn asked(dice: &mut Dice, scene: &Scene, before: &[Operation], now: u64) -> Option<Operation> {
    if dice.chance(scene.keyed_percent)
        && let Some(first) = before.iter().find(|one| one.key.is_some())
        && dice.chance(50)
    {
        let again = blank(first.op, first.quantity, first.key.clone());
        return Some(Operation { links: first.links.clone(), ..again });
    }
    let op = match (scene.all_kinds, dice.below(10)) {
        (_, 0..2) => OperationKind::Search,
        (false, _) | (true, 2..5) => OperationKind::Buy,
        (true, 5) => OperationKind::Hold,
        (true, 6) => OperationKind::Confirm,
        (true, 7) => OperationKind::Release,
        (true, 8) => OperationKind::Refund,
        (true, _) => OperationKind::Restock,
    };
    let is_search = op == OperationKind::Search;
    let quantity = (!is_search).then(|| 1 + dice.below(scene.quantity_max));
    let key = (!is_search && dice.chance(scene.keyed_percent)).then(|| before.len().to_string());
    let mut operation = blank(op, quantity, key);
    if scene.has_links {
        link(dice, &mut operation, before, now)?;
    }
    Some(operation)
}

/// Names what `operation` makes, or what it is about; `None` where there is no such thing.
fn link(dice: &mut Dice, operation: &mut Operation, before: &[Operation], now: u64) -> Option<()> {
    let number = before.len();
    let about = |dice: &mut Dice, is: &dyn Fn(&&Operation) -> bool| {
        let those: Vec<&Operation> = before.iter().filter(is).collect();
        (!those.is_empty()).then(|| those[dice.index(those.len())].clone())
    };
    let mut links = Links::default();
    match operation.op {
        OperationKind::Search | OperationKind::Restock => return Some(()),
        OperationKind::Buy => links.sale = Some(format!("sale {number}").into()),
        OperationKind::Hold => {
            links.hold = Some(format!("hold {number}").into());
            links.lapses_from_ns = dice.chance(80).then(|| now + dice.below(6));
            let by = links.lapses_from_ns.map(|from| from + dice.below(6));
            links.lapses_by_ns = by.filter(|_| dice.chance(70));
        }
        OperationKind::Confirm | OperationKind::Release => {
            let is_hold = |one: &&Operation| {
                one.op == OperationKind::Hold
                    && one.outcome == Outcome::Done
                    && one.hold().is_some()
            };
            let hold = about(dice, &is_hold)?;
            links.hold = hold.hold().map(Into::into);
            operation.quantity = hold.quantity;
            operation.key = None;
            if operation.op == OperationKind::Confirm {
                // A retry makes the same sale.
                links.sale = Some(format!("sale of {}", hold.hold().unwrap()).into());
            }
        }
        OperationKind::Refund => {
            let is_sale = |one: &&Operation| one.outcome == Outcome::Sold && one.sale().is_some();
            let sale = about(dice, &is_sale)?;
            links.sale = sale.sale().map(Into::into);
            operation.quantity = sale.quantity;
            operation.key = None;
        }
    }
    operation.links = Some(Box::new(links));
    Some(())
}

fn blank(op: OperationKind, quantity: Option<u64>, key: Option<String>) -> Operation {
    Operation {
        process: 0,
        op,
        quantity,
        key,
        call_ns: 0,
        return_ns: None,
        outcome: Outcome::Unknown,
        tickets: Tickets::default(),
        remaining: None,
        revision: None,
        section: None,
        links: None,
        turned_away: false,
        answer: None,
    }
}

/// Changes one thing at random, which may or may not make the history impossible.
pub(super) fn disturb(dice: &mut Dice, header: &mut Header, operations: &mut [Operation]) {
    let place = dice.index(operations.len());
    let other = dice.index(operations.len());
    let nudged = |dice: &mut Dice, number: u64| match dice.chance(50) {
        true => number + 1,
        false => number.saturating_sub(1),
    };
    let nudged_count = |dice: &mut Dice, count: i64| signed(nudged(dice, count.unsigned_abs()));
    let fault = dice.below(11);
    if fault == 0 {
        header.left = header.left.map(|left| nudged_count(dice, left));
        return;
    }
    let told = operations[other].clone();
    let Some(one) = operations.get_mut(place).filter(|one| one.return_ns.is_some()) else {
        return;
    };
    match fault {
        1 => one.remaining = one.remaining.map(|told| nudged_count(dice, told)),
        2 => one.revision = one.revision.map(|told| nudged(dice, told)),
        3 => {
            let run = one.tickets.run();
            one.tickets =
                run.map_or_else(Tickets::default, |(first, last)| (first + 1..=last + 1).collect());
        }
        4 if one.outcome == Outcome::Sold && one.op == OperationKind::Buy => {
            one.outcome = Outcome::SoldOut;
            one.tickets = Tickets::default();
        }
        4 if one.outcome == Outcome::SoldOut => one.outcome = Outcome::Refused,
        5 if told.op == one.op && told.outcome == one.outcome => {
            one.tickets = told.tickets;
            one.remaining = told.remaining;
            one.revision = told.revision;
        }
        8 => header.left_held = header.left_held.map(|held| nudged(dice, held)),
        9 => {
            // Another hold or sale of the same kind, or a lapse at another time.
            let is_alike = told.op == one.op && told.outcome == one.outcome;
            let is_alike = is_alike && told.key.is_none() && one.key.is_none();
            if let (Some(links), Some(others)) = (&mut one.links, told.links.filter(|_| is_alike)) {
                **links = *others;
            }
        }
        10 => {
            // What is told under one key is told alike.
            if let Some(links) = one.links.as_mut().filter(|_| one.key.is_none()) {
                links.lapses_from_ns = links.lapses_from_ns.map(|from| from + dice.below(12));
                links.lapses_by_ns = links.lapses_by_ns.map(|by| by.saturating_sub(dice.below(8)));
            }
        }
        _ => {
            let shift = dice.below(6);
            let length = one.return_ns.unwrap() - one.call_ns;
            one.call_ns = (one.call_ns + shift).saturating_sub(3);
            one.return_ns = Some(one.call_ns + length.min(dice.below(6)));
        }
    }
}
