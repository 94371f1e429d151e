//! Which tickets were given out twice.
//!
//! A seat that was refunded may be sold again: what came back, or may have, accuses nobody.

use std::collections::HashSet;

use super::request::{Requests, Role};
use crate::history::{Numbering, Operation, OperationKind, Ticket};

/// All tickets that were given out, in order.
pub(super) struct Given<'a> {
    runs: Vec<Run>,
    /// Names, each with the place of its sale.
    names: Vec<(&'a str, u32)>,
}

/// A run of ticket numbers of one sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    first: u64,
    last: u64,
    place: u32,
}

/// What came back, or may have, and can be sold again.
#[derive(Default)]
struct Returned {
    /// The places of the sales.
    sales: HashSet<u32>,
    /// How many tickets of nobody knows which.
    tickets: u64,
}

impl Returned {
    fn of(requests: &Requests<'_>) -> Self {
        let mut returned = Self::default();
        if requests.evidence.header.numbering != Numbering::Seats {
            return returned;
        }
        let is_change = |role| matches!(role, Role::Change | Role::Unknown);
        for request in requests.list.iter().filter(|one| is_change(one.role)) {
            let told = requests.told(request);
            if told.op != OperationKind::Refund {
                continue;
            }
            let bound = || requests.ties.tie(request.place, request.is_lapse).after;
            match requests.ties.need(request.place).or_else(bound) {
                Some(sale) => drop(returned.sales.insert(sale)),
                None => {
                    let tickets = told.quantity.unwrap_or(u64::MAX);
                    returned.tickets = returned.tickets.saturating_add(tickets);
                }
            }
        }
        returned
    }
}

impl<'a> Given<'a> {
    /// Those that the answers name.
    pub(super) fn of(requests: &'a Requests<'_>) -> Self {
        let (mut runs, mut names) = (Vec::new(), Vec::new());
        let Returned { sales, tickets: returned } = Returned::of(requests);
        for request in requests.list.iter().filter(|one| one.role == Role::Change) {
            let place = request.place;
            if sales.contains(&place) {
                continue;
            }
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
        let given = Self { runs, names };
        let is_explained = returned > 0 && given.again() <= returned;
        if is_explained { Self { runs: Vec::new(), names: Vec::new() } } else { given }
    }

    /// How many were given out before, each as often as it was given out again.
    pub(super) fn again(&self) -> u64 {
        let mut again: u64 = 0;
        let mut next = 0;
        for run in &self.runs {
            let seen = next.min(run.last.saturating_add(1)).saturating_sub(run.first);
            again = again.saturating_add(seen);
            next = next.max(run.last.saturating_add(1));
        }
        let same = |pair: &&[(&str, u32)]| pair[0].0 == pair[1].0;
        again.saturating_add(self.names.windows(2).filter(same).count() as u64)
    }

    /// The first ticket that two sales have, and those of its sales that lie furthest apart in time.
    pub(super) fn clearest_pair(&self, operations: &[Operation]) -> Option<(Ticket, [u32; 2])> {
        // Where any two runs overlap, two neighbours do.
        let overlap = self.runs.windows(2).find(|pair| pair[1].first <= pair[0].last);
        let (ticket, holders) = if let Some(pair) = overlap {
            let number = pair[1].first;
            let has_it = |run: &&Run| (run.first..=run.last).contains(&number);
            let holders = self.runs.iter().filter(has_it).map(|run| run.place);
            (Ticket::Number(number), holders.collect::<Vec<_>>())
        } else {
            let (name, _) = self.names.windows(2).find(|pair| pair[0].0 == pair[1].0)?[0];
            let holders = self.names.iter().filter(|(other, _)| *other == name);
            (Ticket::Name(name.into()), holders.map(|(_, place)| *place).collect())
        };
        let operation = |place: &u32| &operations[*place as usize];
        let early = *holders.iter().min_by_key(|place| operation(place).return_ns)?;
        let others = holders.iter().filter(|place| **place != early);
        let late = others.max_by_key(|place| operation(place).call_ns).copied().unwrap_or(early);
        Some((ticket, [early, late]))
    }
}
