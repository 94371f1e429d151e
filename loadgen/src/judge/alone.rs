//! Answers that cannot be right whatever all others did: the smallest counterexamples there are.

use super::{
    finding::Contradiction,
    model::Misfit,
    request::{Request, Requests, Role},
    told::Told,
};
use crate::history::OperationKind;

/// What must hold of each answer by itself.
pub(super) struct Alone<'a> {
    requests: &'a Requests<'a>,
    /// Tickets at the start, where it is known and nothing but purchases changed the count.
    initial: Option<u64>,
}

impl<'a> Alone<'a> {
    pub(super) fn new(requests: &'a Requests<'a>) -> Self {
        let initial = requests.known.initial;
        Self { requests, initial: initial.filter(|_| requests.is_sales_only) }
    }

    /// The first answer that cannot be right.
    pub(super) fn contradiction(&self) -> Option<Contradiction> {
        self.requests.list.iter().find_map(|request| {
            let misfit = self.misfit(request)?;
            Some(Contradiction::Alone { place: request.place, misfit })
        })
    }

    fn misfit(&self, request: &Request) -> Option<Misfit> {
        let told = self.requests.told(request);
        match request.role {
            Role::Unknown => None,
            Role::Change => self
                .numbers(&told)
                .or_else(|| self.revision(&told, 1))
                .or_else(|| self.count(&told, told.quantity.unwrap_or(0))),
            Role::Read => self.revision(&told, 0).or_else(|| self.count(&told, 0)),
            Role::SoldOut => match (told.remaining, told.quantity) {
                (Some(remaining), Some(quantity)) if remaining >= quantity => {
                    Some(Misfit::Enough { remaining, quantity })
                }
                _ => self.revision(&told, 0).or_else(|| self.count(&told, 0)),
            },
        }
    }

    /// The revision must be at least `steps` after the start.
    fn revision(&self, told: &Told<'_>, steps: u64) -> Option<Misfit> {
        let lowest = self.requests.known.revision?.saturating_add(steps);
        let told = told.revision.filter(|told| *told < lowest)?;
        Some(Misfit::Revision { told, expected: lowest })
    }

    /// What is left, and what was just taken, was there at the start.
    fn count(&self, told: &Told<'_>, taken: u64) -> Option<Misfit> {
        let initial = self.initial?;
        let remaining = told.remaining?;
        (remaining.saturating_add(taken) > initial)
            .then(|| Misfit::Remaining { told: remaining, expected: initial.saturating_sub(taken) })
    }

    /// As many numbers as were asked for, one after the other, and none that cannot be.
    fn numbers(&self, told: &Told<'_>) -> Option<Misfit> {
        if told.tickets.is_empty() || !told.op.numbers_tickets() {
            return None;
        }
        let asked = told.quantity?;
        if told.tickets.len() as u64 != asked {
            return Some(Misfit::Numbers { told: told.tickets.len() as u64, asked });
        }
        if !self.requests.is_consecutive() {
            return None;
        }
        let Some((first, last)) = told.tickets.run() else {
            return Some(Misfit::Scattered);
        };
        let before = self.requests.known.sold?;
        if first <= before {
            return Some(Misfit::Tickets { told: first, expected: before.saturating_add(1) });
        }
        let initial = self.initial.filter(|_| told.op == OperationKind::Buy)?;
        let sold = last - before;
        if sold > initial {
            let remaining = initial.saturating_sub(sold - asked);
            return Some(Misfit::TooFew { remaining, quantity: asked });
        }
        let expected = initial - sold;
        let told = told.remaining.filter(|told| *told != expected)?;
        Some(Misfit::Remaining { told, expected })
    }
}
