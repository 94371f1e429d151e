//! Several answers under one key, which must be one answer.
//!
//! # Invariants
//! - `AnswerOnce`: all answers to one request are the same, as far as they say anything.

use super::told::{Told, counted, may_be_alike, quantity, told};
use crate::history::{Operation, Outcome};

/// What the answers so far tell together, each member with the place that told it.
pub(super) struct Merged {
    first: u32,
    outcome: Outcome,
    quantity: Option<u32>,
    tickets: Option<u32>,
    remaining: Option<u32>,
    revision: Option<u32>,
}

impl Merged {
    /// What `operation` at `first` tells.
    pub(super) fn of(first: u32, operation: &Operation) -> Self {
        let mut merged = Self {
            first,
            outcome: operation.outcome,
            quantity: None,
            tickets: None,
            remaining: None,
            revision: None,
        };
        merged.learn(first, operation);
        merged
    }

    /// Adds the answer at `other`.
    ///
    /// # Errors
    /// It contradicts the answer at this place.
    pub(super) fn add(&mut self, operations: &[Operation], other: u32) -> Result<(), u32> {
        let at = |place: u32| &operations[place as usize];
        let operation = at(other);
        let told_now = told(operation);
        if operation.outcome != self.outcome {
            return Err(self.first);
        }
        if let Some(place) = self.quantity
            && !may_be_alike(quantity(at(place)), told_now.quantity)
        {
            return Err(place);
        }
        let tickets = (!operation.tickets.is_empty()).then_some(&operation.tickets);
        if let Some((place, tickets)) = self.tickets.zip(tickets)
            && at(place).tickets != *tickets
        {
            return Err(place);
        }
        for (place, now, before) in [
            (self.remaining, told_now.remaining, self.remaining.map(|place| counted(at(place)))),
            (self.revision, told_now.revision, self.revision.map(|place| at(place).revision)),
        ] {
            if let (Some(place), Some(now), Some(Some(before))) = (place, now, before)
                && now != before
            {
                return Err(place);
            }
        }
        self.learn(other, operation);
        Ok(())
    }

    /// Whether no single answer tells all.
    pub(super) fn is_from_several(&self) -> bool {
        [self.quantity, self.tickets, self.remaining, self.revision]
            .into_iter()
            .flatten()
            .any(|place| place != self.first)
    }

    /// What all answers tell together.
    pub(super) fn told<'a>(&self, operations: &'a [Operation]) -> Told<'a> {
        let at = |place: u32| &operations[place as usize];
        let mut told = told(at(self.first));
        told.quantity = self.quantity.and_then(|place| quantity(at(place)));
        told.remaining = self.remaining.and_then(|place| counted(at(place)));
        told.revision = self.revision.and_then(|place| at(place).revision);
        if let Some(place) = self.tickets {
            told.tickets = &at(place).tickets;
        }
        told
    }

    fn learn(&mut self, place: u32, operation: &Operation) {
        if quantity(operation).is_some() {
            self.quantity.get_or_insert(place);
        }
        if !operation.tickets.is_empty() {
            self.tickets.get_or_insert(place);
        }
        if operation.remaining.is_some() {
            self.remaining.get_or_insert(place);
        }
        if operation.revision.is_some() {
            self.revision.get_or_insert(place);
        }
    }
}
