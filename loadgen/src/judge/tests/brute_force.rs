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
    /// Holds and sales by their names.
    holds: Vec<Hold>,
    sales: Vec<String>,
    /// Holds that nobody is known to have made, and that have ended.
    ended: Vec<String>,
    /// The names of holds and sales that somebody was told.
    made: Vec<String>,
}

/// A hold with a name.
#[derive(Clone)]
struct Hold {
    name: String,
    quantity: u64,
    is_open: bool,
    /// From when on it can lapse, and by when it must have.
    lapses: (Option<u64>, Option<u64>),
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
            held: header.held.or(is_fresh.then_some(0)),
            out: is_fresh.then_some(0),
            keys: Vec::new(),
            holds: Vec::new(),
            sales: Vec::new(),
            ended: Vec::new(),
            made: Vec::new(),
        }
    }

    /// The same, which knows which holds and sales are told of in `operations`.
    fn knowing(self, operations: &[Operation]) -> Self {
        let makers = operations.iter().filter_map(|one| match one.op {
            OperationKind::Hold if one.outcome == Outcome::Done => one.hold(),
            OperationKind::Buy | OperationKind::Confirm if one.outcome == Outcome::Sold => {
                one.sale()
            }
            _ => None,
        });
        Self { made: makers.map(str::to_owned).collect(), ..self }
    }

    pub(super) fn held(&self) -> Option<u64> {
        self.held
    }

    /// The open holds that can lapse: the name, from when on, and by when they must have.
    pub(super) fn lapsing(&self) -> Vec<(String, u64, Option<u64>)> {
        let open = self.holds.iter().filter(|hold| hold.is_open);
        open.filter_map(|hold| {
            let (from, by) = hold.lapses;
            Some((hold.name.clone(), from?, by.map(|by| by.max(from.unwrap()))))
        })
        .collect()
    }

    /// The hold of this name lapses; `None` where none can.
    pub(super) fn lapse(&mut self, name: &str) -> Option<()> {
        let quantity = self.end_hold(name)?;
        self.held = take(self.held, quantity)?;
        self.remaining += quantity;
        self.revision += 1;
        Some(())
    }

    /// Ends the hold of this name, and says of how many tickets it was.
    fn end_hold(&mut self, name: &str) -> Option<u64> {
        let hold = self.holds.iter_mut().find(|hold| hold.name == name && hold.is_open)?;
        hold.is_open = false;
        Some(hold.quantity)
    }

    /// Whether what `operation` is about is there for it.
    fn link(&mut self, operation: &Operation) -> Option<()> {
        let (hold, sale) = (operation.hold(), operation.sale());
        match operation.op {
            OperationKind::Confirm | OperationKind::Release => {
                let Some(name) = hold else { return Some(()) };
                if let Some(hold) = self.holds.iter().find(|hold| hold.name == name) {
                    let (from, by) = hold.lapses;
                    let late =
                        from.zip(by).is_some_and(|(from, by)| operation.call_ns > by.max(from));
                    if operation.op == OperationKind::Confirm && late {
                        return None;
                    }
                    self.end_hold(name)?;
                } else {
                    let is_known = self.made.iter().any(|made| made == name);
                    if is_known || self.ended.iter().any(|ended| ended == name) {
                        return None;
                    }
                    self.ended.push(name.to_owned());
                }
            }
            OperationKind::Refund => {
                let Some(name) = sale else { return Some(()) };
                let is_known = self.made.iter().any(|made| made == name);
                if is_known && !self.sales.iter().any(|sold| sold == name) {
                    return None;
                }
            }
            OperationKind::Hold if self.holds.iter().any(|made| Some(&*made.name) == hold) => {
                return None;
            }
            _ => {}
        }
        if operation.op.numbers_tickets()
            && let Some(name) = sale
        {
            if self.sales.iter().any(|sold| sold == name) {
                return None;
            }
            self.sales.push(name.to_owned());
        }
        Some(())
    }

    /// Notes the hold that `operation` made.
    fn note(&mut self, operation: &Operation, quantity: u64) {
        if let Some(name) = operation.hold() {
            let links = operation.links.as_ref().unwrap();
            let lapses = (links.lapses_from_ns, links.lapses_by_ns);
            self.holds.push(Hold { name: name.to_owned(), quantity, is_open: true, lapses });
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
        let identity = identity(operation);
        if let Some(key) = &identity
            && let Some((_, reply)) = self.keys.iter().find(|(seen, _)| seen == key)
        {
            return Some(reply.clone());
        }
        let quantity = operation.quantity.unwrap_or(1);
        let is_refused = matches!(operation.op, OperationKind::Buy | OperationKind::Hold)
            && self.remaining < quantity;
        if !is_refused {
            self.link(operation)?;
        }
        let reply = match operation.op {
            OperationKind::Search => self.reply(Outcome::Found, 0),
            OperationKind::Buy | OperationKind::Hold if self.remaining < quantity => {
                if counts_refusals && operation.key.is_some() {
                    self.revision += 1;
                }
                let reply = self.reply(Outcome::SoldOut, 0);
                if let Some(key) = identity {
                    self.keys.push((key, reply.clone()));
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
                self.note(operation, quantity);
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
        if let Some(key) = identity {
            self.keys.push((key, reply.clone()));
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

/// By what operations are one request: the hold or sale that they are about, or their key.
pub(super) fn identity(operation: &Operation) -> Option<String> {
    let about = match operation.op {
        OperationKind::Search => return None,
        OperationKind::Confirm => operation.hold().map(|hold| format!("confirm of {hold}")),
        OperationKind::Release => operation.hold().map(|hold| format!("release of {hold}")),
        OperationKind::Refund => operation.sale().map(|sale| format!("refund of {sale}")),
        _ => None,
    };
    about.or_else(|| Some(format!("{:?} key {}", operation.op, operation.key.as_ref()?)))
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
    slow.goes_on(&Counter::new(header).knowing(&judged), &mut vec![false; judged.len()], false)
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
    let mut seen: Vec<(Ticket, Option<String>)> = Vec::new();
    for one in operations.iter().filter(|one| one.outcome == Outcome::Sold) {
        for number in one.tickets.iter() {
            let mut same = seen.iter().filter(|(other, _)| *other == number);
            if same.any(|(_, key)| key.is_none() || *key != identity(one)) {
                return true;
            }
            seen.push((number, identity(one)));
        }
    }
    false
}

/// Whether one key was answered with different numbers or different revisions.
fn some_key_twice(operations: &[Operation]) -> bool {
    let keyed = || operations.iter().filter(|one| one.outcome != Outcome::Refused);
    let differ = |one: &Operation, other: &Operation| {
        let numbers = !one.tickets.is_empty() && !other.tickets.is_empty();
        let revisions = one.revision.is_some() && other.revision.is_some();
        (numbers && one.tickets != other.tickets) || (revisions && one.revision != other.revision)
    };
    let same = |one: &Operation, other: &Operation| {
        identity(one).is_some_and(|key| Some(key) == identity(other))
    };
    keyed().any(|one| keyed().any(|other| same(one, other) && differ(one, other)))
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
        for (name, from, _) in counter.lapsing() {
            if from > self.looked() {
                continue;
            }
            let must_wait = (0..done.len()).any(|other| {
                pending(other, done) && self.operations[other].return_ns.unwrap() < from
            });
            let mut next = counter.clone();
            if !must_wait && next.lapse(&name).is_some() && self.goes_on(&next, done, looked) {
                return true;
            }
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
                if remembers && identity(operation).is_none() {
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

    /// When the end was looked at, at the latest.
    fn looked(&self) -> u64 {
        let has_end = self.header.left.is_some() || self.header.left_revision.is_some();
        let ends = self.operations.iter().map(|one| one.return_ns.unwrap_or(one.call_ns));
        let after = ends.max().unwrap_or(0) + 1;
        let ended = self.header.ended_ns.filter(|_| has_end);
        ended.map_or(u64::MAX, |ended| ended.max(after))
    }

    fn end_fits(&self, counter: &Counter) -> bool {
        let (remaining, revision) = counter.stock();
        let has_end = self.header.left.is_some() || self.header.left_revision.is_some();
        let ended = self.header.ended_ns.filter(|_| has_end);
        let told = |name: &str| {
            self.operations.iter().any(|one| {
                one.op == OperationKind::Hold
                    && one.outcome == Outcome::Done
                    && one.hold() == Some(name)
            })
        };
        let is_overdue = |(name, _, by): &(String, u64, Option<u64>)| {
            told(name) && by.zip(ended).is_some_and(|(by, ended)| by < ended)
        };
        let held = counter.held().zip(self.header.left_held.filter(|_| has_end));
        if counter.lapsing().iter().any(is_overdue) || held.is_some_and(|(one, other)| one != other)
        {
            return false;
        }
        self.header.left.is_none_or(|left| left == signed(remaining))
            && (!self.revisions || self.header.left_revision.is_none_or(|end| end == revision))
    }

    fn fits(&self, operation: &Operation, reply: &Reply) -> bool {
        let tickets = match self.header.numbering {
            Numbering::Consecutive => operation.tickets == reply.tickets,
            Numbering::Unique | Numbering::Seats => operation.tickets.len() == reply.tickets.len(),
        };
        operation.outcome == reply.outcome
            && (!names_its_own(operation) || tickets)
            && operation.remaining.is_none_or(|told| told == signed(reply.remaining))
            && operation.revision.is_none_or(|told| told == reply.revision)
    }
}
