//! Which tickets were given out twice.
//!
//! A seat that was refunded may be sold again: what came back by then, or may have, accuses nobody. A buyer has a
//! seat for certain from the answer to the call of its refund, so two whose times so counted meet had it at once.

use std::collections::HashMap;

use super::request::{NEVER, Requests, Role};
use crate::history::{Numbering, Operation, OperationKind, Ticket};

/// The tickets that were given out while others had them.
pub(super) struct Given {
    /// How many, each as often as it was given out again.
    pub(super) again: u64,
    /// The first of them, and two of its sales that lie far apart in time.
    pub(super) clearest_pair: Option<(Ticket, [u32; 2])>,
}

/// A run of ticket numbers of one sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    first: u64,
    last: u64,
    place: u32,
}

/// A ticket that somebody had for certain from an instant to another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Had<T> {
    ticket: T,
    from: u64,
    until: u64,
    place: u32,
}

/// A ticket that two sales had at once, the later one's answered at an instant.
struct Twice {
    at: u64,
    ticket: Ticket,
    places: [u32; 2],
}

/// What came back, or may have, and can be sold again.
#[derive(Default)]
struct Returned {
    /// By the places of the sales, when their refunds were called.
    sales: HashMap<u32, u64>,
    /// When others were called, and how many tickets of nobody knows which came back.
    nameless: Vec<(u64, u64)>,
}

impl Returned {
    fn of(requests: &Requests<'_>) -> Self {
        let mut returned = Self::default();
        let is_change = |role| matches!(role, Role::Change | Role::Unknown);
        for request in requests.list.iter().filter(|one| is_change(one.role)) {
            let told = requests.told(request);
            if told.op != OperationKind::Refund {
                continue;
            }
            let bound = || requests.ties.tie(request.place, request.is_lapse).after;
            match requests.ties.need(request.place).or_else(bound) {
                Some(sale) => drop(returned.sales.insert(sale, request.call)),
                None => returned.nameless.push((request.call, told.quantity.unwrap_or(u64::MAX))),
            }
        }
        returned
    }

    /// Whether so many came back by then, of nobody knows which, that none of `twice` accuses anybody.
    fn explains(&mut self, twice: &mut [Twice]) -> bool {
        twice.sort_by_key(|one| one.at);
        self.nameless.sort_unstable();
        let mut called = self.nameless.iter().peekable();
        let mut came_back: u64 = 0;
        twice.iter().zip(1..).all(|(one, wanted)| {
            while let Some((_, tickets)) = called.next_if(|(call, _)| *call <= one.at) {
                came_back = came_back.saturating_add(*tickets);
            }
            came_back >= wanted
        })
    }
}

impl Given {
    /// Those that the answers name.
    pub(super) fn of(requests: &Requests<'_>) -> Self {
        match requests.evidence.header.numbering {
            Numbering::Seats => Self::of_seats(requests),
            Numbering::Consecutive | Numbering::Unique => Self::for_ever(requests),
        }
    }

    /// Where a ticket that came back may be sold again.
    fn of_seats(requests: &Requests<'_>) -> Self {
        let mut returned = Returned::of(requests);
        let (mut numbers, mut names) = (Vec::new(), Vec::new());
        for request in requests.list.iter().filter(|one| one.role == Role::Change) {
            let told = requests.told(request);
            if !told.op.numbers_tickets() {
                continue;
            }
            let (from, place) = (request.ret, request.place);
            let until = returned.sales.get(&place).copied().unwrap_or(NEVER);
            for ticket in told.tickets.iter() {
                if let Ticket::Number(ticket) = ticket {
                    numbers.push(Had { ticket, from, until, place });
                }
            }
            names.extend(told.tickets.names().map(|ticket| Had { ticket, from, until, place }));
        }
        let mut twice = had_at_once(numbers, Ticket::Number);
        twice.extend(had_at_once(names, |name: &str| Ticket::Name(name.into())));
        if returned.explains(&mut twice) {
            twice.clear();
        }
        let call = |place: u32| requests.evidence.operations[place as usize].call_ns;
        let again = twice.len() as u64;
        let clearest = twice.into_iter().max_by_key(|one| call(one.places[1]));
        Self { again, clearest_pair: clearest.map(|one| (one.ticket, one.places)) }
    }

    /// Where a ticket is never sold again.
    fn for_ever(requests: &Requests<'_>) -> Self {
        let (mut runs, mut names) = (Vec::new(), Vec::new());
        for request in requests.list.iter().filter(|one| one.role == Role::Change) {
            let place = request.place;
            let told = requests.told(request);
            // A refund may name the tickets that come back.
            if !told.op.numbers_tickets() {
                continue;
            }
            let tickets = told.tickets;
            if let Some((first, last)) = tickets.run() {
                runs.push(Run { first, last, place });
                continue;
            }
            for ticket in tickets.iter() {
                if let Ticket::Number(number) = ticket {
                    runs.push(Run { first: number, last: number, place });
                }
            }
            names.extend(tickets.names().map(|name| (name, place)));
        }
        runs.sort_unstable();
        names.sort_unstable();
        let clearest_pair = clearest_pair(&runs, &names, requests.evidence.operations);
        Self { again: again(&runs, &names), clearest_pair }
    }
}

/// Those of `had` that two had at once, the fewest that had to come back so that nobody did.
fn had_at_once<T: Ord + Copy>(mut had: Vec<Had<T>>, named: impl Fn(T) -> Ticket) -> Vec<Twice> {
    had.sort_unstable();
    let mut twice = Vec::new();
    for same in had.chunk_by(|one, other| one.ticket == other.ticket) {
        let mut holder = same[0];
        for next in &same[1..] {
            if next.from < holder.until && holder.from < next.until {
                let places = [holder.place, next.place];
                twice.push(Twice { at: next.from, ticket: named(next.ticket), places });
                if next.until < holder.until {
                    holder = *next;
                }
            } else if next.until > holder.until {
                holder = *next;
            }
        }
    }
    twice
}

/// How many of `runs` and `names`, which are in order, were given out before.
fn again(runs: &[Run], names: &[(&str, u32)]) -> u64 {
    let mut again: u64 = 0;
    let mut next = 0;
    for run in runs {
        let seen = next.min(run.last.saturating_add(1)).saturating_sub(run.first);
        again = again.saturating_add(seen);
        next = next.max(run.last.saturating_add(1));
    }
    let same = |pair: &&[(&str, u32)]| pair[0].0 == pair[1].0;
    again.saturating_add(names.windows(2).filter(same).count() as u64)
}

/// The first ticket that two sales have, and those of its sales that lie furthest apart in time.
fn clearest_pair(
    runs: &[Run],
    names: &[(&str, u32)],
    operations: &[Operation],
) -> Option<(Ticket, [u32; 2])> {
    // Where any two runs overlap, two neighbours do.
    let overlap = runs.windows(2).find(|pair| pair[1].first <= pair[0].last);
    let (ticket, holders) = if let Some(pair) = overlap {
        let number = pair[1].first;
        let has_it = |run: &&Run| (run.first..=run.last).contains(&number);
        let holders = runs.iter().filter(has_it).map(|run| run.place);
        (Ticket::Number(number), holders.collect::<Vec<_>>())
    } else {
        let (name, _) = names.windows(2).find(|pair| pair[0].0 == pair[1].0)?[0];
        let holders = names.iter().filter(|(other, _)| *other == name);
        (Ticket::Name(name.into()), holders.map(|(_, place)| *place).collect())
    };
    let operation = |place: &u32| &operations[*place as usize];
    let early = *holders.iter().min_by_key(|place| operation(place).return_ns)?;
    let others = holders.iter().filter(|place| **place != early);
    let late = others.max_by_key(|place| operation(place).call_ns).copied().unwrap_or(early);
    Some((ticket, [early, late]))
}
