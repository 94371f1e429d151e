//! Operations as requests: operations of one kind under one idempotency key are one request.
//!
//! # Collapsing a key
//! At most one of the operations under a key takes effect, and all that are answered get its answer
//! (`AnswerOnce`). So the effect lies after the first of their calls and before the first of their
//! answers, and any instant in between will do: the operation that was called first can have caused
//! it. That makes one request of the group, and loses nothing. What was refused did not happen and
//! drops out. A confirm, a release and a refund can be repeated too, by their token: those that name
//! one hold or one sale are one request, as are those to which whoever records gave the token as their
//! key.
//!
//! # What an answer leaves open
//! A member that is null constrains nothing; where several answers under one key tell different
//! members, they tell them together. An operation without an answer may have taken effect at
//! any time after its call, or never; a search without an answer drops out. A hold that can lapse tells
//! from when on, and its lapse is a release of unknown outcome, called then; who does not tell that can
//! record such a release.

use std::hash::{BuildHasher, RandomState};

use super::{
    answers::Merged,
    evidence::Evidence,
    put_aside::PutAside,
    ties::Ties,
    told::{Name, Told, identity, may_be_alike, quantity, told},
    verdict::{Violation, ViolationKind},
};
use crate::history::{Header, Numbering, Operation, OperationKind, Outcome, Tickets};

/// The place of the read at the end, which is no operation.
pub(super) const FINAL: u32 = u32::MAX;

/// The place of a lapse in an order, and of what was changed elsewhere, which are no operations either.
pub(super) const NOBODY: u32 = u32::MAX - 1;

/// The return of a request that was never answered.
pub(super) const NEVER: u64 = u64::MAX;

/// What a request is to the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It took effect once.
    Change,
    /// It saw a state.
    Read,
    /// It saw a state with fewer tickets than it asked for.
    SoldOut,
    /// It took effect once or never.
    Unknown,
}

/// One request. 32 bytes, since a history can have ten million.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// When it was called first.
    pub(super) call: u64,
    /// When it was answered first, or [`NEVER`].
    pub(super) ret: u64,
    /// Where a witness puts it; 0 until then.
    pub(super) at: u64,
    /// The operation that stands for it, or [`FINAL`].
    pub(super) place: u32,
    /// What it is to the order.
    pub(super) role: Role,
    /// Whether it has an idempotency key, or a token for one.
    pub(super) is_keyed: bool,
    /// Whether it is the lapse of the hold at `place`, which nobody called.
    pub(super) is_lapse: bool,
}

/// What is known of the start and the end; what is below zero is not, and is a violation of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Tickets at the start.
    pub(super) initial: Option<u64>,
    /// Tickets left at the end.
    pub(super) left: Option<u64>,
    /// The last ticket number before the start.
    pub(super) sold: Option<u64>,
    /// The revision at the start.
    pub(super) revision: Option<u64>,
    /// Tickets put aside at the start.
    pub(super) held: Option<u64>,
}

impl Known {
    /// What `header` says.
    pub(super) fn of(header: &Header) -> Self {
        let Header { initial, left, sold, revision, held, .. } = *header;
        let counted = |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok());
        Self { initial: counted(initial), left: counted(left), sold, revision, held }
    }
}

/// What of the answers is taken at its word, beside outcomes and tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trusted {
    /// Counts: each is that of the instant of the effect.
    pub(super) counts: bool,
    /// Revisions: each change takes the next one.
    pub(super) revisions: bool,
    /// The end: what was left then was read when all had ended.
    pub(super) end: bool,
    /// Up to so many changes that nobody here knows of took a revision, and changed nothing else.
    pub(super) elsewhere: u32,
}

impl Trusted {
    /// Everything.
    pub(super) const ALL: Self = Self { counts: true, revisions: true, end: true, elsewhere: 0 };

    /// Ever less, as far as `header` leaves it open.
    pub(super) fn less(header: &Header) -> impl Iterator<Item = Self> + use<> {
        let (counts, revisions) = (header.counts_are_exact(), header.revisions_are_consecutive());
        let less = [
            (false, true, true),
            (true, false, true),
            (false, false, true),
            (false, true, false),
            (false, false, false),
        ];
        less.into_iter()
            .map(|(counts, revisions, end)| Self { counts, revisions, end, ..Self::ALL })
            .filter(move |less| (less.counts || !counts) && (less.revisions || !revisions))
    }
}

/// All requests of a history, and what is known beside them.
pub(super) struct Requests<'a> {
    pub(super) evidence: Evidence<'a>,
    /// In no order.
    pub(super) list: Vec<Request>,
    /// Whether revisions are judged: not where changes are answered without any, since then nobody
    /// counts them and what a read says of them was left there by somebody else.
    pub(super) has_revisions: bool,
    /// Whether nothing but purchases changed the count.
    pub(super) is_sales_only: bool,
    /// How they hang together by holds and sales.
    pub(super) ties: Ties,
    pub(super) answered_twice: Vec<Violation>,
    pub(super) doubts: Vec<String>,
    /// What is known of the start and the end.
    pub(super) known: Known,
    /// What is looked at in the answers.
    trusted: Trusted,
    /// What several answers under one key tell together, by the place that stands for them.
    merged: Vec<(u32, Told<'a>)>,
    /// Where counts may be late, a refusal may be of an instant at which others had tickets aside.
    aside: PutAside,
    no_tickets: Tickets,
}

impl<'a> Requests<'a> {
    /// The requests of `evidence`, with the read at the end where there is one.
    pub(super) fn collect(evidence: &Evidence<'a>, known: Known, trusted: Trusted) -> Self {
        let known = Known { left: known.left.filter(|_| trusted.end), ..known };
        let mut requests = Self {
            evidence: *evidence,
            list: Vec::with_capacity(evidence.operations.len() + 1),
            has_revisions: true,
            is_sales_only: false,
            ties: Ties::default(),
            answered_twice: Vec::new(),
            doubts: Vec::new(),
            known,
            trusted,
            merged: Vec::new(),
            aside: match trusted.counts {
                true => PutAside::default(),
                false => PutAside::of(evidence.operations),
            },
            no_tickets: Tickets::default(),
        };
        let mut keyed: Vec<u32> = Vec::new();
        for (place, operation) in (0..NOBODY).zip(evidence.operations) {
            if is_nothing(operation) {
                continue;
            }
            if identity(operation).is_some() {
                keyed.push(place);
            } else {
                requests.list.push(request(place, operation));
            }
        }
        requests.collapse_keys(&keyed);
        requests.tie();
        requests.has_revisions = trusted.revisions && requests.some_change_has_a_revision();
        requests.list.extend((0..trusted.elsewhere).map(|_| Request {
            call: 0,
            ret: NEVER,
            at: 0,
            place: NOBODY,
            role: Role::Unknown,
            is_keyed: false,
            is_lapse: false,
        }));
        requests.is_sales_only = requests.list.iter().all(|request| {
            matches!(requests.told(request).op, OperationKind::Buy | OperationKind::Search)
        });
        requests.add_final_read();
        requests
    }

    /// Ties together what names one hold or one sale, and adds the lapses that may have happened.
    fn tie(&mut self) {
        let header = self.evidence.header;
        let has_end = self.known.left.is_some() || self.left_revision().is_some();
        let ended_ns = header.ended_ns.filter(|_| self.trusted.end && has_end);
        let requests = self.list.iter().map(|one| (one.place, one.call));
        self.ties = Ties::of(self.evidence.operations, requests, ended_ns);
        let impossible = &self.ties.impossible;
        if !impossible.is_empty() {
            self.list.retain(|one| impossible.binary_search(&one.place).is_err());
        }
        self.list.extend(self.ties.lapses.iter().map(|(place, call)| Request {
            call: *call,
            ret: NEVER,
            at: 0,
            place: *place,
            role: Role::Unknown,
            is_keyed: false,
            is_lapse: true,
        }));
    }

    /// Tickets that are put aside at the end, where the end is trusted.
    pub(super) fn left_held(&self) -> Option<u64> {
        self.evidence.header.left_held.filter(|_| self.trusted.end && self.trusted.counts)
    }

    /// The revision at the end, where revisions are looked at and the end is trusted.
    pub(super) fn left_revision(&self) -> Option<u64> {
        let is_trusted = self.has_revisions && self.trusted.end;
        self.evidence.header.left_revision.filter(|_| is_trusted)
    }

    /// What `request` asked for and was told.
    pub(super) fn told(&self, request: &Request) -> Told<'_> {
        if request.place == FINAL {
            return Told {
                op: OperationKind::Search,
                quantity: None,
                tickets: &self.no_tickets,
                remaining: self.known.left,
                held: self.left_held(),
                revision: self.left_revision(),
            };
        }
        if request.place == NOBODY {
            // Of no tickets, a confirm takes a revision and nothing else.
            let (op, quantity, tickets) = (OperationKind::Confirm, Some(0), &self.no_tickets);
            return Told { op, quantity, tickets, remaining: None, held: None, revision: None };
        }
        let mut told = told(&self.evidence.operations[request.place as usize]);
        if request.is_lapse {
            let nothing =
                Told { remaining: None, revision: None, tickets: &self.no_tickets, ..told };
            return Told { op: OperationKind::Release, ..nothing };
        }
        if request.is_keyed && !self.merged.is_empty() {
            let merged = self.merged.binary_search_by_key(&request.place, |(place, _)| *place);
            told = merged.map_or(told, |index| self.merged[index].1);
        }
        told.revision = told.revision.filter(|_| self.has_revisions);
        told.remaining = told.remaining.filter(|_| self.trusted.counts);
        if request.role == Role::SoldOut {
            // What others had aside was not there for it either.
            let aside = self.aside.during(request.call, request.ret);
            told.quantity = told.quantity.map(|asked| asked.saturating_add(aside));
        }
        told
    }

    /// Whether ticket numbers follow the order of sale.
    pub(super) fn is_consecutive(&self) -> bool {
        self.evidence.header.numbering == Numbering::Consecutive
    }

    /// Whether something may have changed the count by nobody knows how much.
    pub(super) fn has_open_changes(&self) -> bool {
        let is_change = |one: &&Request| matches!(one.role, Role::Change | Role::Unknown);
        self.list.iter().filter(is_change).any(|one| self.told(one).quantity.is_none())
    }

    fn some_change_has_a_revision(&self) -> bool {
        let mut changes =
            self.list.iter().filter(|request| request.role == Role::Change).peekable();
        changes.peek().is_none() || changes.any(|request| self.told(request).revision.is_some())
    }

    fn add_final_read(&mut self) {
        let header = self.evidence.header;
        if self.known.left.is_none() && header.left_revision.is_none() {
            return;
        }
        let operations = self.evidence.operations.iter();
        let end = operations.map(|one| one.return_ns.unwrap_or(one.call_ns)).max().unwrap_or(0);
        let after = end.saturating_add(1);
        // Where nobody says when the end was looked at, a hold can have lapsed however late.
        let looked = match header.ended_ns {
            Some(ended) => ended.max(after),
            None if self.ties.lapses.is_empty() => after,
            None => NEVER - 1,
        };
        self.list.push(Request {
            call: after,
            ret: looked,
            at: 0,
            place: FINAL,
            role: Role::Read,
            is_keyed: false,
            is_lapse: false,
        });
    }

    fn collapse_keys(&mut self, keyed: &[u32]) {
        let operations = self.evidence.operations;
        // Numbers sort many times faster than texts, and most keys are there once.
        let hasher = RandomState::new();
        let hashed =
            |place: &u32| (hasher.hash_one(identity(&operations[*place as usize])), *place);
        let mut hashed: Vec<(u64, u32)> = keyed.iter().map(hashed).collect();
        hashed.sort_unstable();
        let shared = hashed.chunk_by(|a, b| a.0 == b.0).filter(|alike| alike.len() > 1);
        let mut repeats: Vec<u32> = shared.flatten().map(|one| one.1).collect();
        drop(hashed);
        repeats.sort_unstable();
        for &place in keyed.iter().filter(|place| repeats.binary_search(place).is_err()) {
            self.list.push(request(place, &operations[place as usize]));
        }
        // Different keys can have one hash.
        let key = |place: &u32| identity(&operations[*place as usize]);
        let call = |place: &u32| operations[*place as usize].call_ns;
        repeats.sort_unstable_by(|a, b| (key(a), call(a)).cmp(&(key(b), call(b))));
        for group in repeats.chunk_by(|a, b| key(a) == key(b)) {
            self.collapse(group);
        }
        self.merged.sort_unstable_by_key(|(place, _)| *place);
    }

    /// Makes one request of the operations at `group`, all under one key, in the order of their calls.
    fn collapse(&mut self, group: &[u32]) {
        let operations = self.evidence.operations;
        let operation = |place: &u32| &operations[*place as usize];
        let answered = group.iter().filter(|place| operation(place).return_ns.is_some());
        let Some(&first) = answered.clone().min_by_key(|place| operation(place).return_ns) else {
            return self.collapse_unanswered(group);
        };
        let mut merged = Merged::of(first, operation(&first));
        for &other in answered.filter(|place| **place != first) {
            if let Err(teller) = merged.add(operations, other) {
                self.answered_twice.push(answered_twice(operations, teller, other));
            }
        }
        // With another request under its key an operation did not happen.
        let asked = merged.told(operations).quantity;
        let is_same = |place: &&u32| may_be_alike(quantity(operation(place)), asked);
        let call = group.iter().filter(is_same).map(|place| operation(place).call_ns).min();
        let mut collapsed = request(first, operation(&first));
        collapsed.call = call.unwrap_or(collapsed.call);
        self.list.push(collapsed);
        if merged.is_from_several() {
            self.merged.push((first, merged.told(operations)));
        }
    }

    fn collapse_unanswered(&mut self, group: &[u32]) {
        let operations = self.evidence.operations;
        let asked = |place: &u32| quantity(&operations[*place as usize]);
        let mut seen: Vec<Option<u64>> = Vec::new();
        for quantity in group.iter().map(asked) {
            if quantity.is_some() && !seen.contains(&quantity) {
                seen.push(quantity);
            }
        }
        if seen.is_empty() {
            seen.push(None);
        }
        for quantity in &seen {
            let teller = group.iter().find(|place| asked(place) == *quantity);
            let called = group.iter().find(|place| may_be_alike(asked(place), *quantity));
            if let Some((teller, called)) = teller.zip(called) {
                let call = operations[*called as usize].call_ns;
                self.list.push(Request { call, ..request(*teller, &operations[*teller as usize]) });
            }
        }
        if seen.len() > 1 {
            let key = named(&operations[group[0] as usize]);
            self.doubts.push(format!("{key} is told in different ways, and none is answered"));
        }
    }
}

/// Whether `operation` says nothing of the counter.
fn is_nothing(operation: &Operation) -> bool {
    operation.outcome == Outcome::Refused
        || (operation.op == OperationKind::Search && operation.outcome == Outcome::Unknown)
}

fn request(place: u32, operation: &Operation) -> Request {
    let is_search = operation.op == OperationKind::Search;
    let role = match operation.outcome {
        Outcome::Unknown => Role::Unknown,
        Outcome::Sold | Outcome::Done if !is_search => Role::Change,
        Outcome::SoldOut if matches!(operation.op, OperationKind::Buy | OperationKind::Hold) => {
            Role::SoldOut
        }
        _ => Role::Read,
    };
    Request {
        call: operation.call_ns,
        ret: operation.return_ns.unwrap_or(NEVER),
        at: 0,
        place,
        role,
        is_keyed: identity(operation).is_some(),
        is_lapse: false,
    }
}

/// What makes one request of operations, for people.
fn named(operation: &Operation) -> String {
    match identity(operation) {
        Some((OperationKind::Refund, Name::Token(sale))) => format!("the refund of sale `{sale}`"),
        Some((OperationKind::Release, Name::Token(hold))) => {
            format!("the release of hold `{hold}`")
        }
        Some((_, Name::Token(hold))) => format!("the confirm of hold `{hold}`"),
        Some((_, Name::Key(key))) => format!("the request with key `{key}`"),
        None => "the request".to_owned(),
    }
}

fn answered_twice(operations: &[Operation], first: u32, other: u32) -> Violation {
    let key = named(&operations[first as usize]);
    Violation {
        kind: ViolationKind::AnsweredTwice,
        message: format!("{key} got two different answers"),
        operations: vec![first as usize, other as usize],
        story: Vec::new(),
        needs_whole: false,
    }
}
