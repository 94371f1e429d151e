//! The slow judge: every order of every subset of the unknown operations, on a counter of its own
//! that remembers keys as a server does. It shares no code with the judge but the history.

use crate::history::{
    Header, Numbering, Operation, OperationKind, Outcome, Ticket, Tickets, signed,
};

/// A counter that does as `CONTRACT.md` says.
#[derive(Clone)]
pub(super) struct Counter {
    remaining: u64,
    sold: u64,
    revision: u64,
    /// Put aside, and sold without coming back; `None` where the start does not say.
    held: Option<u64>,
    out: Option<u64>,
    keys: Vec<(String, Reply)>,
}

/// What the counter says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) outcome: Outcome,
    pub(super) tickets: Tickets,
    pub(super) remaining: u64,
    pub(super) revision: u64,
}

impl Counter {
    pub(super) fn new(header: &Header) -> Self {
        let (sold, revision) = (header.sold.unwrap(), header.revision.unwrap());
        let is_fresh = sold == 0 && revision == 0;
        Self {
            remaining: header.initial.unwrap().unsigned_abs(),
            sold,
            revision,
            held: is_fresh.then_some(0),
            out: is_fresh.then_some(0),
            keys: Vec::new(),
        }
    }

    pub(super) fn stock(&self) -> (u64, u64) {
        (self.remaining, self.revision)
    }

    /// Carries out `operation`; `None` where the counter would do no such thing. A refusal under a
    /// key may or may not be a change of its own.
    pub(super) fn perform(
        &mut self,
        operation: &Operation,
        counts_refusals: bool,
    ) -> Option<Reply> {
        if let Some(key) = &operation.key
            && let Some((_, reply)) = self.keys.iter().find(|(seen, _)| seen == key)
        {
            return Some(reply.clone());
        }
        let quantity = operation.quantity.unwrap_or(1);
        let reply = match operation.op {
            OperationKind::Search => self.reply(Outcome::Found, 0),
            OperationKind::Buy | OperationKind::Hold if self.remaining < quantity => {
                if counts_refusals && operation.key.is_some() {
                    self.revision += 1;
                }
                let reply = self.reply(Outcome::SoldOut, 0);
                if let Some(key) = &operation.key {
                    self.keys.push((key.clone(), reply.clone()));
                }
                return Some(reply);
            }
            OperationKind::Buy => {
                self.remaining -= quantity;
                self.sell(quantity)
            }
            OperationKind::Hold => {
                self.remaining -= quantity;
                self.held = self.held.map(|held| held + quantity);
                self.change(Outcome::Done)
            }
            OperationKind::Confirm => {
                self.held = take(self.held, quantity)?;
                self.sell(quantity)
            }
            OperationKind::Release => {
                self.held = take(self.held, quantity)?;
                self.remaining += quantity;
                self.change(Outcome::Done)
            }
            OperationKind::Refund => {
                self.out = take(self.out, quantity)?;
                self.remaining += quantity;
                self.change(Outcome::Done)
            }
            OperationKind::Restock => {
                self.remaining += quantity;
                self.change(Outcome::Done)
            }
        };
        if let Some(key) = &operation.key {
            self.keys.push((key.clone(), reply.clone()));
        }
        Some(reply)
    }

    fn sell(&mut self, quantity: u64) -> Reply {
        self.sold += quantity;
        self.out = self.out.map(|out| out + quantity);
        self.revision += 1;
        self.reply(Outcome::Sold, quantity)
    }

    fn change(&mut self, outcome: Outcome) -> Reply {
        self.revision += 1;
        self.reply(outcome, 0)
    }

    fn reply(&self, outcome: Outcome, tickets: u64) -> Reply {
        Reply {
            outcome,
            tickets: (self.sold + 1 - tickets..=self.sold).collect(),
            remaining: self.remaining,
            revision: self.revision,
        }
    }
}

/// `None` where there is less than `quantity`.
#[expect(clippy::option_option, reason = "the inner one is a number that nobody knows")]
fn take(there: Option<u64>, quantity: u64) -> Option<Option<u64>> {
    match there {
        None => Some(None),
        Some(there) => there.checked_sub(quantity).map(Some),
    }
}

/// Whether some order explains `operations`.
pub(super) fn explains(header: &Header, operations: &[Operation]) -> bool {
    if some_key_twice(operations)
        || (header.numbering == Numbering::Unique && some_number_twice(operations))
    {
        return false;
    }
    let (revisions, judged) = judged_members(operations);
    let slow = Slow { header, revisions, operations: &judged };
    slow.goes_on(&Counter::new(header), &mut vec![false; judged.len()], false)
}

/// What is judged of `operations`: not those that did not happen, and no revisions where changes are
/// answered without any. Also whether revisions are.
pub(super) fn judged_members(operations: &[Operation]) -> (bool, Vec<Operation>) {
    let changes = || {
        let changes = |one: &&Operation| matches!(one.outcome, Outcome::Sold | Outcome::Done);
        operations.iter().filter(changes)
    };
    let revisions = changes().next().is_none() || changes().any(|change| change.revision.is_some());
    let judged: Vec<Operation> = operations
        .iter()
        .filter(|one| one.outcome != Outcome::Refused)
        .cloned()
        .map(|one| Operation { revision: one.revision.filter(|_| revisions), ..one })
        .collect();
    (revisions, judged)
}

fn some_number_twice(operations: &[Operation]) -> bool {
    let mut seen: Vec<(Ticket, Option<&String>)> = Vec::new();
    for one in operations.iter().filter(|one| one.outcome == Outcome::Sold) {
        for number in one.tickets.iter() {
            let mut same = seen.iter().filter(|(other, _)| *other == number);
            if same.any(|(_, key)| key.is_none() || *key != one.key.as_ref()) {
                return true;
            }
            seen.push((number, one.key.as_ref()));
        }
    }
    false
}

/// Whether one key was answered with different numbers or different revisions.
fn some_key_twice(operations: &[Operation]) -> bool {
    let keyed =
        || operations.iter().filter(|one| one.key.is_some() && one.outcome != Outcome::Refused);
    let differ = |one: &Operation, other: &Operation| {
        let numbers = !one.tickets.is_empty() && !other.tickets.is_empty();
        let revisions = one.revision.is_some() && other.revision.is_some();
        (numbers && one.tickets != other.tickets) || (revisions && one.revision != other.revision)
    };
    keyed().any(|one| keyed().any(|other| one.key == other.key && differ(one, other)))
}

/// Whether its tickets are those that it sold: a refund names what somebody else did.
pub(super) fn names_its_own(operation: &Operation) -> bool {
    !operation.tickets.is_empty()
        && matches!(operation.op, OperationKind::Buy | OperationKind::Confirm)
}

struct Slow<'a> {
    header: &'a Header,
    revisions: bool,
    operations: &'a [Operation],
}

impl Slow<'_> {
    /// `looked`: the look at the end has been taken.
    fn goes_on(&self, counter: &Counter, done: &mut Vec<bool>, looked: bool) -> bool {
        let pending = |index: usize, done: &[bool]| {
            !done[index] && self.operations[index].outcome != Outcome::Unknown
        };
        let all_answered = (0..done.len()).all(|index| !pending(index, done));
        if all_answered && (looked || self.end_fits(counter)) {
            return true;
        }
        for index in 0..done.len() {
            let operation = &self.operations[index];
            let must_wait = (0..done.len()).any(|other| {
                pending(other, done)
                    && self.operations[other].return_ns.unwrap() < operation.call_ns
            });
            if done[index] || must_wait {
                continue;
            }
            for remembers in [false, true] {
                if remembers && operation.key.is_none() {
                    continue;
                }
                let mut next = counter.clone();
                let Some(reply) = next.perform(operation, remembers) else {
                    continue;
                };
                if operation.outcome != Outcome::Unknown && !self.fits(operation, &reply) {
                    continue;
                }
                done[index] = true;
                let ends_well = self.goes_on(&next, done, looked);
                done[index] = false;
                if ends_well {
                    return true;
                }
            }
        }
        false
    }

    fn end_fits(&self, counter: &Counter) -> bool {
        let (remaining, revision) = counter.stock();
        self.header.left.is_none_or(|left| left == signed(remaining))
            && (!self.revisions || self.header.left_revision.is_none_or(|end| end == revision))
    }

    fn fits(&self, operation: &Operation, reply: &Reply) -> bool {
        let tickets = match self.header.numbering {
            Numbering::Consecutive => operation.tickets == reply.tickets,
            Numbering::Unique => operation.tickets.len() == reply.tickets.len(),
        };
        operation.outcome == reply.outcome
            && (!names_its_own(operation) || tickets)
            && operation.remaining.is_none_or(|told| told == signed(reply.remaining))
            && operation.revision.is_none_or(|told| told == reply.revision)
    }
}
