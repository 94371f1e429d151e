//! What a turn would change, before it is durable.
//!
//! A trial lies over an [`Inventory`] and is thrown away with ease: where another
//! writer had the revision, nothing of it has happened. What became durable is
//! folded into the inventory, and only then is it the truth.

use std::collections::HashMap;

use crate::domain::{COUNT_MAX, Change, Inventory, Outcome, Record, Request, Stock, rules};

/// An overlay on an [`Inventory`]: stock, time and keys as they would be.
#[derive(Clone, Debug)]
pub struct Trial {
    stock: Stock,
    /// The time of all that is decided: a turn is short.
    at_ms: u64,
    /// The keys of records that are not durable yet, and their revisions.
    keys: HashMap<Box<str>, u64>,
}

impl Trial {
    /// A trial on `inventory` in which nothing has happened yet, at the time `at_ms` of the ledger
    /// (see [`crate::domain::Clock::told`]).
    pub fn of(inventory: &Inventory, at_ms: u64) -> Self {
        Self { stock: inventory.stock(), at_ms, keys: HashMap::new() }
    }

    /// What would stand on the counter.
    pub fn stock(&self) -> Stock {
        self.stock
    }

    /// Answers `request`, and gives the record of what it would change.
    ///
    /// Changes nothing: [`Trial::fold`] does. `AnswerOnce`: a key that was
    /// seen, durably or on trial, gets no second record.
    pub fn decide(&self, inventory: &Inventory, request: &Request) -> (Outcome, Option<Record>) {
        if let Some(key) = request.key.as_deref() {
            let on_trial = self.keys.get(key).copied();
            if let Some(revision) = on_trial.or_else(|| inventory.revision_of(key, self.at_ms)) {
                return (Outcome::Repeated { revision }, None);
            }
        }
        rules::decide(self.stock, request, self.at_ms)
    }

    /// The record that takes over a count that somebody outside wrote.
    ///
    /// `sold` never falls: a ticket number that was given out stays given out.
    pub fn adjustment(&self, remaining: u64, sold: u64) -> Record {
        let sold = sold.clamp(self.stock.sold, COUNT_MAX);
        let (revision, at_ms) = (self.stock.revision + 1, self.at_ms);
        Record { revision, at_ms, remaining, change: Change::Adjusted { sold }, key: None }
    }

    /// Makes `record`, which was decided here, part of the trial.
    pub fn fold(&mut self, record: &Record) {
        match self.stock.after(record) {
            Ok(stock) => self.stock = stock,
            // A rule contradicts itself; selling on would sell wrongly.
            Err(fault) => panic!("the record just made does not follow: {fault}"),
        }
        if let Some(key) = &record.key {
            self.keys.insert(key.clone(), record.revision);
        }
    }

    /// Notes that the inventory below has folded `record`, which was part of the trial.
    pub fn settle(&mut self, record: &Record) {
        if let Some(key) = &record.key {
            self.keys.remove(key);
        }
    }
}
