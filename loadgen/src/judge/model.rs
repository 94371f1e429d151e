//! A ticket counter one operation at a time, written from the contract and from nothing else.
//!
//! - A purchase takes its tickets off what is left and numbers them on; a hold only takes them off,
//!   and its confirm only numbers them. A release, a refund and a restock put them back.
//! - Every change takes the next revision. A refusal under an idempotency key may be remembered as a
//!   change of its own, which takes a revision and nothing else.
//! - Answers tell the state right after their change. What an answer does not tell constrains nothing.
//!
//! # Invariants
//! - `NoOversell`: nothing is sold or put aside that is not left.
//! - `Conservation`: what was there and was put back = what was sold + what is put aside + what is left.

use super::{
    request::{Known, Request, Requests, Role},
    told::Told,
};
use crate::history::OperationKind;

/// The state of a counter; `None` is "not known".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    /// Tickets left.
    pub(super) remaining: Option<u64>,
    /// The last ticket number that was given out; only where numbers follow the order of sale.
    pub(super) sold: Option<u64>,
    /// Tickets that are put aside.
    pub(super) held: Option<u64>,
    /// Tickets that were sold and have not come back.
    pub(super) out: Option<u64>,
    /// The revision of the last change.
    pub(super) revision: Option<u64>,
}

/// Why an answer does not fit a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// More was taken than was there.
    TooFew { remaining: u64, quantity: u64 },
    /// Enough was left for what was refused.
    Enough { remaining: u64, quantity: u64 },
    /// Another count.
    Remaining { told: u64, expected: u64 },
    /// Numbers that do not follow each other, or names, where numbers run.
    Scattered,
    /// Other tickets put aside.
    Held { told: u64, expected: u64 },
    /// Other numbers.
    Tickets { told: u64, expected: u64 },
    /// Another revision.
    Revision { told: u64, expected: u64 },
    /// Not as many ticket numbers as were asked for.
    Numbers { told: u64, asked: u64 },
    /// Nothing like it was put aside or sold before.
    Nothing,
}

impl State {
    /// The state at the start.
    pub(super) fn at_start(known: &Known) -> Self {
        let is_fresh = known.sold == Some(0) && known.revision == Some(0);
        Self {
            remaining: known.initial,
            sold: known.sold,
            held: known.held.or(is_fresh.then_some(0)),
            out: is_fresh.then_some(0),
            revision: known.revision,
        }
    }

    /// The state after `request`, which was answered.
    pub(super) fn after(self, requests: &Requests<'_>, request: &Request) -> Result<Self, Misfit> {
        let told = requests.told(request);
        match request.role {
            Role::Change | Role::Unknown => self.changed(&told, requests.is_consecutive()),
            Role::Read => self.seen(&told),
            Role::SoldOut => self.refused(&told),
        }
    }

    /// The state after a change that takes a revision and nothing else.
    pub(super) fn with_next_revision(self) -> Self {
        Self { revision: plus(self.revision, 1), ..self }
    }

    /// The state after a refusal of `quantity` that is remembered; `None` where enough is left.
    pub(super) fn remembering(self, quantity: Option<u64>) -> Option<Self> {
        let is_enough = self.remaining.zip(quantity).is_some_and(|(there, asked)| there >= asked);
        (!is_enough).then(|| self.with_next_revision())
    }

    /// The state after a change.
    pub(super) fn changed(self, told: &Told<'_>, is_consecutive: bool) -> Result<Self, Misfit> {
        let Some(quantity) = told.quantity else {
            // Nobody knows how much it moved.
            let sold = self.sold.filter(|_| !told.op.numbers_tickets());
            let open = Self { remaining: told.remaining, sold, held: None, out: None, ..self };
            return open.at_next_revision(told.revision);
        };
        let mut next = match told.op {
            OperationKind::Buy => self.taken(quantity)?.numbered(told, quantity, is_consecutive)?,
            OperationKind::Hold => {
                Self { held: plus(self.held, quantity), ..self.taken(quantity)? }
            }
            OperationKind::Confirm => Self { held: minus(self.held, quantity)?, ..self }.numbered(
                told,
                quantity,
                is_consecutive,
            )?,
            OperationKind::Release => {
                Self { held: minus(self.held, quantity)?, ..self }.put_back(quantity)
            }
            OperationKind::Refund => {
                Self { out: minus(self.out, quantity)?, ..self }.put_back(quantity)
            }
            OperationKind::Restock => self.put_back(quantity),
            OperationKind::Search => return self.seen(told),
        };
        next.remaining = settle(next.remaining, told.remaining)
            .map_err(|(told, expected)| Misfit::Remaining { told, expected })?;
        next.at_next_revision(told.revision)
    }

    /// The state that a read saw, with what it told learned.
    pub(super) fn seen(self, told: &Told<'_>) -> Result<Self, Misfit> {
        let remaining = settle(self.remaining, told.remaining)
            .map_err(|(told, expected)| Misfit::Remaining { told, expected })?;
        let revision = settle(self.revision, told.revision)
            .map_err(|(told, expected)| Misfit::Revision { told, expected })?;
        let held = settle(self.held, told.held)
            .map_err(|(told, expected)| Misfit::Held { told, expected })?;
        Ok(Self { remaining, revision, held, ..self })
    }

    /// The state that a "sold out" saw.
    pub(super) fn refused(self, told: &Told<'_>) -> Result<Self, Misfit> {
        let seen = self.seen(told)?;
        match (seen.remaining, told.quantity) {
            (Some(remaining), Some(quantity)) if remaining >= quantity => {
                Err(Misfit::Enough { remaining, quantity })
            }
            _ => Ok(seen),
        }
    }

    fn taken(self, quantity: u64) -> Result<Self, Misfit> {
        let remaining = match self.remaining {
            Some(remaining) if remaining < quantity => {
                return Err(Misfit::TooFew { remaining, quantity });
            }
            known => known.map(|remaining| remaining - quantity),
        };
        Ok(Self { remaining, ..self })
    }

    fn put_back(self, quantity: u64) -> Self {
        Self { remaining: plus(self.remaining, quantity), ..self }
    }

    fn numbered(
        self,
        told: &Told<'_>,
        quantity: u64,
        is_consecutive: bool,
    ) -> Result<Self, Misfit> {
        let numbers = told.tickets.len() as u64;
        if numbers != 0 && numbers != quantity {
            return Err(Misfit::Numbers { told: numbers, asked: quantity });
        }
        let mut next = Self { out: plus(self.out, quantity), ..self };
        if !is_consecutive {
            return Ok(next);
        }
        next.sold = plus(self.sold, quantity);
        if numbers != 0 {
            let Some((first, last)) = told.tickets.run() else {
                return Err(Misfit::Scattered);
            };
            if let Some(expected) = plus(self.sold, 1)
                && first != expected
            {
                return Err(Misfit::Tickets { told: first, expected });
            }
            next.sold = Some(last);
        }
        Ok(next)
    }

    fn at_next_revision(self, told: Option<u64>) -> Result<Self, Misfit> {
        let revision = settle(plus(self.revision, 1), told)
            .map_err(|(told, expected)| Misfit::Revision { told, expected })?;
        Ok(Self { revision, ..self })
    }
}

fn plus(known: Option<u64>, quantity: u64) -> Option<u64> {
    known.map(|number| number.saturating_add(quantity))
}

fn minus(known: Option<u64>, quantity: u64) -> Result<Option<u64>, Misfit> {
    known.map(|number| number.checked_sub(quantity).ok_or(Misfit::Nothing)).transpose()
}

/// What is known of a number that is `known` and `told`; both where they differ, as (told, known).
fn settle(known: Option<u64>, told: Option<u64>) -> Result<Option<u64>, (u64, u64)> {
    match (known, told) {
        (Some(known), Some(told)) if known != told => Err((told, known)),
        _ => Ok(told.or(known)),
    }
}
