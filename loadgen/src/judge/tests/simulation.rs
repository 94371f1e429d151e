//! Histories of a correct counter under a random schedule, and faults planted in them.

use super::{brute_force::Counter, dice::Dice};
use crate::history::{
    Header, Numbering, Operation, OperationKind, Outcome, Revisions, Ticket, Tickets, signed,
};

/// What the histories of one kind look like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    pub(super) operations: usize,
    /// How far calls and answers lie from the effect, at most.
    pub(super) spread: u64,
    /// Holds, refunds and restocks too.
    pub(super) all_kinds: bool,
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
        let Some(operation) = one(dice, scene, &mut counter, &operations, now) else {
            continue;
        };
        operations.push(operation);
    }
    if scene.end_is_known {
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
    let mut operation = asked(dice, scene, before);
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
    let may_name = operation.op == OperationKind::Refund && operation.key.is_none();
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

fn asked(dice: &mut Dice, scene: &Scene, before: &[Operation]) -> Operation {
    if dice.chance(scene.keyed_percent)
        && let Some(first) = before.iter().find(|one| one.key.is_some())
        && dice.chance(50)
    {
        return Operation { return_ns: None, ..blank(first.op, first.quantity, first.key.clone()) };
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
    blank(op, quantity, key)
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
    let fault = dice.below(8);
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
        _ => {
            let shift = dice.below(6);
            let length = one.return_ns.unwrap() - one.call_ns;
            one.call_ns = (one.call_ns + shift).saturating_sub(3);
            one.return_ns = Some(one.call_ns + length.min(dice.below(6)));
        }
    }
}
