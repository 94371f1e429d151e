//! What is durable, what is being appended, and what is gathered meanwhile.
//!
//! While a batch is on its way to the ledger, the next one is decided and encoded
//! on top of it, by whoever asks. So the writer's thread does nothing but appends,
//! one behind the other. Pure: no clock, no I/O, no threads.
//!
//! # Invariants
//! - The inventory changes only by folding what is durable.
//! - Nothing is gathered but while a turn is open: then the trial is based on all
//!   that the ledger has.

use std::time::Duration;

use crate::{
    domain::{Clock, Inconsistent, Inventory, Outcome, Record, Request, Stock, Trial},
    ledger::Batch,
};

/// The inventory of one process, and its batches on their way into the ledger.
#[derive(Debug)]
pub struct Pipeline<B> {
    inventory: Inventory,
    clock: Clock,
    trial: Trial,
    in_flight: Vec<Record>,
    gathered: Vec<Record>,
    batch: Option<B>,
    is_open: bool,
}

impl<B: Batch> Pipeline<B> {
    /// A pipeline behind `inventory`, with no turn open.
    pub fn new(inventory: Inventory) -> Self {
        let clock = Clock::new(inventory.at_ms());
        let trial = Trial::of(&inventory, clock.at_ms());
        let (in_flight, gathered) = (Vec::new(), Vec::new());
        Self { inventory, clock, trial, in_flight, gathered, batch: None, is_open: false }
    }

    /// What stands on the counter, durably.
    pub fn stock(&self) -> Stock {
        self.inventory.stock()
    }

    /// All that is durable.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// Folds a record that the ledger has.
    ///
    /// # Errors
    /// [`Inconsistent`] where it does not follow.
    pub fn hear(&mut self, record: &Record) -> Result<(), Inconsistent> {
        assert!(!self.is_open, "news are heard ahead of a turn's first batch");
        self.inventory.fold(record)
    }

    /// How far the records are ahead of a machine's clock that says `now_ms`, in milliseconds.
    pub fn lag_ms(&self, now_ms: u64) -> u64 {
        self.clock.lag_ms(now_ms)
    }

    /// Opens a turn: from now on requests are decided, and gathered in `batch`.
    ///
    /// A count that somebody outside `edited`, and the tickets sold by then, become the first record.
    pub fn open(&mut self, batch: B, edited: Option<(u64, u64)>, now_ms: u64) {
        assert!(self.in_flight.is_empty() && self.gathered.is_empty(), "a trial is left over");
        self.clock.heard(self.inventory.at_ms());
        self.trial = Trial::of(&self.inventory, self.clock.told(now_ms));
        self.batch = Some(batch);
        self.is_open = true;
        if let Some((remaining, sold)) = edited {
            let record = self.trial.adjustment(remaining, sold);
            assert!(self.gather(record), "an empty batch has room for an adjustment");
        }
    }

    /// How long it is from `now_ms`, by the machine's clock, until a hold is over; `None` where none is open.
    pub fn due_in(&self, now_ms: u64) -> Option<Duration> {
        let due_at_ms = self.inventory.due_at_ms()?;
        let mut clock = self.clock;
        Some(Duration::from_millis(due_at_ms.saturating_sub(clock.told(now_ms))))
    }

    /// Gathers the end of each hold that is over at `now_ms`, by the machine's clock.
    ///
    /// False where there is no room for all of them; the turn is closed then.
    pub fn lapse(&mut self, now_ms: u64) -> bool {
        if !self.is_open {
            return true;
        }
        self.trial.set_time(self.clock.told(now_ms));
        while let Some(record) = self.trial.lapse(&self.inventory) {
            if !self.gather(record) {
                self.close();
                return false;
            }
        }
        true
    }

    /// Answers `request` at `now_ms`, by the machine's clock, on trial; `None` while no turn is open or
    /// where there is no room.
    ///
    /// The outcome may be told once all that is gathered by then is durable.
    pub fn apply(&mut self, request: &Request, now_ms: u64) -> Option<Outcome> {
        if !self.is_open || !self.lapse(now_ms) {
            return None;
        }
        let (outcome, record) = self.trial.decide(&self.inventory, request);
        let Some(record) = record else { return Some(outcome) };
        if self.gather(record) {
            return Some(outcome);
        }
        // Whoever comes later must not overtake with a smaller record.
        self.close();
        None
    }

    fn gather(&mut self, record: Record) -> bool {
        let Some(batch) = &mut self.batch else { return false };
        if !batch.push(&record) {
            assert!(!batch.is_empty(), "an empty batch has room for any record");
            return false;
        }
        self.trial.fold(&record);
        self.gathered.push(record);
        true
    }

    /// Whether requests are decided.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Gathers nothing more in this turn; what is gathered can still be taken.
    pub fn close(&mut self) {
        self.is_open = false;
    }

    /// Takes what is gathered, to be appended; `None` where nothing would change.
    pub fn take(&mut self) -> Option<B> {
        assert!(self.in_flight.is_empty(), "one batch is in flight at a time");
        if self.gathered.is_empty() {
            return None;
        }
        std::mem::swap(&mut self.in_flight, &mut self.gathered);
        self.batch.as_mut().map(Batch::take)
    }

    /// The batch in flight is durable.
    pub fn accept(&mut self) {
        for record in self.in_flight.drain(..) {
            if let Err(fault) = self.inventory.fold(&record) {
                // The trial said that it follows.
                panic!("a durable record does not follow: {fault}");
            }
            self.trial.settle(&record);
        }
    }

    /// The batch in flight, of `records`, was heard as news: the ledger has it.
    pub fn forget_in_flight(&mut self, records: usize) {
        assert_eq!(records, self.in_flight.len(), "a batch stands whole or not at all");
        self.in_flight.clear();
    }

    /// Drops what is gathered, and closes the turn; what is in flight stays so.
    pub fn drop_gathered(&mut self) {
        self.gathered.clear();
        self.batch = None;
        self.is_open = false;
    }

    /// Drops everything that is not durable, and closes the turn.
    pub fn drop_trial(&mut self) {
        self.in_flight.clear();
        self.drop_gathered();
    }
}
