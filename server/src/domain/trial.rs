//! What a turn would change, before it is durable.
//!
//! A trial lies over an [`Inventory`] and is thrown away with ease: where another
//! writer had the revision, nothing of it has happened. What became durable is
//! folded into the inventory, and only then is it the truth.

use std::collections::{HashMap, HashSet};

use crate::domain::{
    COUNT_MAX, Change, Command, Inventory, OpenHold, Outcome, Record, Request, SaleStatus,
    SoldBefore, Stock,
    holds::{Due, Holds},
    keys::{Hash, Hasher, Name},
    rules::{self, Facts},
};

/// An overlay on an [`Inventory`]: everything as it would be.
#[derive(Clone, Debug)]
pub struct Trial {
    stock: Stock,
    /// The time of what is decided next.
    at_ms: u64,
    hasher: Hasher,
    /// The names of records that are not durable yet, and their revisions.
    names: HashMap<Hash, u64>,
    /// The holds that were made here and are open.
    holds: Holds,
    /// The holds below that were ended here.
    ended: HashSet<u64>,
    /// Up to where holds that were due have lapsed.
    lapsed: Option<Due>,
    /// What became here of sales.
    sales: HashMap<u64, SaleStatus>,
}

impl Trial {
    /// A trial on `inventory` in which nothing has happened yet, at the time `at_ms` of the ledger
    /// (see [`crate::domain::Clock::told`]).
    pub fn of(inventory: &Inventory, at_ms: u64) -> Self {
        Self {
            stock: inventory.stock(),
            at_ms,
            hasher: inventory.hasher(),
            names: HashMap::new(),
            holds: Holds::default(),
            ended: HashSet::new(),
            lapsed: None,
            sales: HashMap::new(),
        }
    }

    /// What would stand on the counter.
    pub fn stock(&self) -> Stock {
        self.stock
    }

    /// From now on it is `at_ms`, or as late as it was.
    pub fn set_time(&mut self, at_ms: u64) {
        self.at_ms = self.at_ms.max(at_ms);
    }

    /// Answers `request`, and gives the record of what it would change.
    ///
    /// Changes nothing: [`Trial::fold`] does. `AnswerOnce`: what was seen,
    /// durably or on trial, gets no second record.
    pub fn decide(&self, inventory: &Inventory, request: &Request) -> (Outcome, Option<Record>) {
        if let Some(name) = name_of(request) {
            let hash = self.hasher.hash(name);
            let on_trial = self.names.get(&hash).copied();
            if let Some(revision) = on_trial.or_else(|| inventory.revision_of(hash, self.at_ms)) {
                return (Outcome::Repeated { revision }, None);
            }
        }
        let hold = match request.command {
            Command::Confirm { hold } | Command::Release { hold } => self.hold(inventory, hold),
            _ => None,
        };
        let sale = match request.command {
            Command::Refund(SoldBefore { revision, .. })
            | Command::Admit(SoldBefore { revision, .. }) => self.status(inventory, revision),
            _ => SaleStatus::Sold,
        };
        rules::decide(&Facts { stock: &self.stock, at_ms: self.at_ms, hold, sale }, request)
    }

    fn hold<'a>(&'a self, inventory: &'a Inventory, revision: u64) -> Option<&'a OpenHold> {
        let below = || inventory.hold(revision).filter(|_| !self.ended.contains(&revision));
        self.holds.get(revision).or_else(below)
    }

    fn status(&self, inventory: &Inventory, sale: u64) -> SaleStatus {
        self.sales.get(&sale).copied().unwrap_or_else(|| inventory.status(sale))
    }

    /// The record of the next hold whose time is over, if there is one: ahead of whatever is decided,
    /// so that nobody misses what it sets free.
    pub fn lapse(&mut self, inventory: &Inventory) -> Option<Record> {
        let (due, quantity) = loop {
            let below = inventory.first_due(self.lapsed);
            let due = below.into_iter().chain(self.holds.first_due(None)).min()?;
            if due.0 > self.at_ms || self.stock.revision >= COUNT_MAX {
                return None;
            }
            match self.hold(inventory, due.1).map(|hold| hold.quantity) {
                Some(quantity) => break (due, quantity),
                // It was ended here.
                None => self.lapsed = Some(due),
            }
        };
        let change = Change::Lapsed { hold: due.1, quantity };
        Some(self.unasked(self.stock.remaining + quantity, change))
    }

    /// The record that takes over a count that somebody outside wrote.
    ///
    /// `sold` never falls: a ticket number that was given out stays given out. What is held has to
    /// have room when it comes back.
    pub fn adjustment(&self, remaining: u64, sold: u64) -> Record {
        let sold = sold.clamp(self.stock.issued, COUNT_MAX);
        let remaining = remaining.min(COUNT_MAX.saturating_sub(self.stock.held));
        self.unasked(remaining, Change::Adjusted { sold })
    }

    /// The records that begin another life of the ledger, `epoch`, of which nothing is known but that
    /// `sold` numbers at least were given out, and that `most` at most are left.
    ///
    /// The numbers that are not in the ledger are taken off what is left, and then off what is held: a hold
    /// that may have become one of those sales has ended, so that its tickets do not come back to be sold again.
    pub fn restoration(
        &self,
        inventory: &Inventory,
        epoch: u64,
        (sold, most): (u64, u64),
    ) -> Vec<Record> {
        let Stock { mut remaining, issued, .. } = self.stock;
        let sold = sold.clamp(issued, COUNT_MAX);
        let lost = sold - issued;
        let mut records = Vec::new();
        for (hold, OpenHold { quantity, .. }) in inventory.holds() {
            if remaining >= lost {
                break;
            }
            remaining += quantity;
            self.add(&mut records, remaining, Change::Released { hold, quantity: *quantity });
        }
        let remaining = remaining.saturating_sub(lost).min(most);
        self.add(&mut records, remaining, Change::Restored { epoch, sold });
        records
    }

    /// The records that end the ledger: the sale is closed, with a `note` of why where it was not before, and what is
    /// held is given back, so that nothing can be bought any more.
    pub fn end(&self, inventory: &Inventory, note: Option<&str>) -> Vec<Record> {
        let mut remaining = self.stock.remaining;
        let mut records = Vec::new();
        if let Some(note) = note {
            self.add(&mut records, remaining, Change::SaleSet { is_open: false });
            records[0].key = Some(note.into());
        }
        for (hold, OpenHold { quantity, .. }) in inventory.holds() {
            remaining += quantity;
            self.add(&mut records, remaining, Change::Released { hold, quantity: *quantity });
        }
        records
    }

    /// Adds the record of a `change` that no request asked for, behind `records`.
    fn add(&self, records: &mut Vec<Record>, remaining: u64, change: Change) {
        let revision = self.stock.revision + 1 + records.len() as u64;
        records.push(Record { revision, ..self.unasked(remaining, change) });
    }

    /// The next record, of a `change` that no request asked for.
    fn unasked(&self, remaining: u64, change: Change) -> Record {
        let (revision, at_ms) = (self.stock.revision + 1, self.at_ms);
        Record { revision, at_ms, remaining, change, key: None }
    }

    /// Makes `record`, which was decided here, part of the trial.
    pub fn fold(&mut self, record: &Record) {
        if let Err(fault) = self.stock.fold(record) {
            // A rule contradicts itself; selling on would sell wrongly.
            panic!("the record just made does not follow: {fault}");
        }
        if let Some(name) = record.name() {
            self.names.insert(self.hasher.hash(name), record.revision);
        }
        if let Some((revision, hold)) = record.opened_hold() {
            self.holds.insert(revision, hold);
        }
        if let Some((hold, _)) = record.ended_hold() {
            self.holds.remove(hold);
            self.ended.insert(hold);
        }
        if let Some((sale, status)) = record.ended_sale() {
            self.sales.insert(sale, status);
        }
    }

    /// Notes that the inventory below has folded `record`, which was part of the trial.
    pub fn settle(&mut self, record: &Record) {
        if let Some(name) = record.name() {
            self.names.remove(&self.hasher.hash(name));
        }
        if let Some((revision, _)) = record.opened_hold() {
            self.holds.remove(revision);
        }
        if let Some((hold, _)) = record.ended_hold() {
            self.ended.remove(&hold);
        }
        if let Some((sale, _)) = record.ended_sale() {
            self.sales.remove(&sale);
        }
    }
}

/// By what a repetition of `request` is known.
fn name_of(request: &Request) -> Option<Name<'_>> {
    let key = request.key.as_deref();
    match request.command {
        Command::Buy(_) => key.map(Name::Buy),
        Command::Hold { .. } => key.map(Name::Hold),
        Command::Restock { .. } => key.map(Name::Restock),
        Command::Confirm { hold } | Command::Release { hold } => Some(Name::EndOf(hold)),
        Command::Search | Command::Refund(_) | Command::Admit(_) | Command::SetSale { .. } => None,
    }
}
