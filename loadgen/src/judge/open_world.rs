//! Whether a few operations can be right if everybody else may have done anything.
//!
//! Between any two of them strangers may have changed the counter: the revision then has risen, the
//! ticket numbers have not fallen, and the count may be anything; where nothing but purchases changed
//! it, count and numbers are one quantity, which only rises. What cannot be right even so is a
//! counterexample that needs nobody else.

use super::{
    budget::{Budget, OutOfBudget},
    model::State,
    request::{Known, Request, Requests, Role},
};
use crate::history::OperationKind;

/// The world around a few operations.
pub(super) struct OpenWorld<'a> {
    requests: &'a Requests<'a>,
    /// Tickets ever, sold or not, where nothing but purchases changed the count.
    total: Option<u64>,
}

/// What is known of a number that never falls.
#[derive(Clone, Copy)]
struct Bound {
    low: u64,
    is_exact: bool,
}

#[derive(Clone, Copy)]
struct World {
    revision: Bound,
    sold: Bound,
    remaining: Option<u64>,
}

impl<'a> OpenWorld<'a> {
    pub(super) fn new(requests: &'a Requests<'a>) -> Self {
        let Known { initial, sold, .. } = requests.known;
        let total = initial.zip(sold).and_then(|(initial, sold)| initial.checked_add(sold));
        Self { requests, total: total.filter(|_| requests.is_sales_only) }
    }

    /// Whether no order of `few`, with strangers anywhere in between, explains their answers.
    pub(super) fn contradicts(
        &self,
        few: &[Request],
        budget: &mut Budget,
    ) -> Result<bool, OutOfBudget> {
        let known = self.requests.known;
        let bound =
            |start: Option<u64>| Bound { low: start.unwrap_or(0), is_exact: start.is_some() };
        let world = World {
            revision: bound(known.revision),
            sold: bound(known.sold),
            remaining: known.initial,
        };
        Ok(!self.explains(world, few, budget)?)
    }

    fn explains(
        &self,
        world: World,
        few: &[Request],
        budget: &mut Budget,
    ) -> Result<bool, OutOfBudget> {
        let Some(first_answer) = few.iter().map(|one| one.ret).min() else {
            return Ok(true);
        };
        for (index, one) in few.iter().enumerate() {
            if one.call > first_answer {
                continue;
            }
            for world in [world, world.after_strangers()] {
                budget.step()?;
                if let Some(next) = self.after(world, one) {
                    let rest = [&few[..index], &few[index + 1..]].concat();
                    if self.explains(next, &rest, budget)? {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    fn after(&self, world: World, request: &Request) -> Option<World> {
        let told = self.requests.told(request);
        let state = State {
            remaining: world.remaining.filter(|_| self.total.is_none()),
            sold: None,
            held: None,
            out: None,
            revision: None,
        };
        let next = state.after(self.requests, request).ok()?;
        let is_change = matches!(request.role, Role::Change | Role::Unknown);
        let mut revision = world.revision.plus(u64::from(is_change));
        if let Some(told) = told.revision {
            revision = revision.pinned(told)?;
        }
        let mut sold = world.sold;
        if is_change && matches!(told.op, OperationKind::Buy | OperationKind::Confirm) {
            sold = sold.plus(told.quantity.unwrap_or(0));
            let last = told.tickets.run().filter(|_| self.requests.is_consecutive());
            if let Some((_, last)) = last {
                sold = sold.pinned(last)?;
            }
        }
        if let Some(total) = self.total {
            if let Some(remaining) = told.remaining {
                sold = sold.pinned(total.checked_sub(remaining)?)?;
            }
            if request.role == Role::SoldOut {
                let wanted = told.quantity.unwrap_or(1);
                sold = sold.raised(total.saturating_add(1).saturating_sub(wanted))?;
            }
            if sold.low > total {
                return None;
            }
        }
        Some(World { revision, sold, remaining: next.remaining })
    }
}

impl World {
    fn after_strangers(self) -> Self {
        Self {
            revision: Bound { low: self.revision.low.saturating_add(1), is_exact: false },
            sold: Bound { is_exact: false, ..self.sold },
            remaining: None,
        }
    }
}

impl Bound {
    fn plus(self, more: u64) -> Self {
        Self { low: self.low.saturating_add(more), ..self }
    }

    /// It is `number`.
    fn pinned(self, number: u64) -> Option<Self> {
        let fits = if self.is_exact { number == self.low } else { number >= self.low };
        fits.then_some(Self { low: number, is_exact: true })
    }

    /// It is at least `number`.
    fn raised(self, number: u64) -> Option<Self> {
        match self.is_exact {
            true => (number <= self.low).then_some(self),
            false => Some(Self { low: self.low.max(number), ..self }),
        }
    }
}
