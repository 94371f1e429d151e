//! What most of the shops keep, and what they have to do beside: small things in which no bug is.

use std::{collections::HashMap, thread, time::Duration};

use super::calls::{Count, Refusal, Sale};

/// What is left and what was sold. Whoever has it for himself, behind a lock, makes no mistake with it.
#[derive(Debug, Default)]
pub(super) struct Till {
    /// Left; below 0 where more was sold than there was.
    pub(super) left: i64,
    /// The last number that was given out.
    pub(super) sold: i64,
    /// What was answered to requests that have a key.
    answered: HashMap<String, Sale>,
}

impl Till {
    /// With so many tickets.
    pub(super) fn new(tickets: i64) -> Self {
        Self::after(tickets, 0)
    }

    /// With so many left after so many sales.
    pub(super) fn after(left: i64, sold: i64) -> Self {
        Self { left, sold, ..Self::default() }
    }

    /// What is left, where nothing can be put aside.
    pub(super) fn count(&self) -> Count {
        Count { left: self.left, held: 0 }
    }

    /// Refuses where nothing is left.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.left > 0 { Ok(()) } else { Err(Refusal::SoldOut) }
    }

    /// Takes one off and numbers it, unchecked.
    pub(super) fn take(&mut self) -> Sale {
        self.left -= 1;
        self.sold += 1;
        Sale { ticket: self.sold, left: self.left }
    }

    /// Sells one ticket, and remembers the answer to a request that has a key.
    pub(super) fn sell_once(&mut self, key: Option<&str>) -> Result<Sale, Refusal> {
        if let Some(sale) = self.answer_to(key) {
            return Ok(sale);
        }
        self.check()?;
        let sale = self.take();
        self.remember(key, sale);
        Ok(sale)
    }

    /// What a request with this `key` was answered before.
    pub(super) fn answer_to(&self, key: Option<&str>) -> Option<Sale> {
        self.answered.get(key?).copied()
    }

    /// Remembers the answer to a request with this `key`.
    pub(super) fn remember(&mut self, key: Option<&str>, sale: Sale) {
        self.answered.extend(key.map(|key| (key.to_owned(), sale)));
    }
}

/// Waits as long as a bank, a disk or a database takes.
pub(super) fn pause(milliseconds: u64) {
    thread::sleep(Duration::from_millis(milliseconds));
}
