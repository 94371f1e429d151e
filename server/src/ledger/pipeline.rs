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
    /// Whether a batch of this turn was taken.
    has_appended: bool,
}

impl<B: Batch> Pipeline<B> {
    /// A pipeline behind `inventory`, with no turn open.
    pub fn new(inventory: Inventory) -> Self {
        let clock = Clock::new(inventory.at_ms());
        let trial = Trial::of(&inventory, clock.at_ms());
        Self {
            inventory,
            clock,
            trial,
            in_flight: Vec::new(),
            gathered: Vec::new(),
            batch: None,
            is_open: false,
            has_appended: false,
        }
    }

    /// What stands on the counter, durably.
    pub fn stock(&self) -> Stock {
        self.inventory.stock()
    }

    /// All that is durable.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// Starts from `inventory`, which is durable, in place of what was known.
    pub fn start_from(&mut self, inventory: Inventory) {
        assert!(!self.is_open, "news are heard ahead of a turn's first batch");
        assert!(self.in_flight.is_empty(), "nothing can be appended to what was not reached");
        self.inventory = inventory;
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
        (self.is_open, self.has_appended) = (true, false);
        if let Some((remaining, sold)) = edited {
            let record = self.trial.adjustment(remaining, sold);
            assert!(self.gather(record), "an empty batch has room for an adjustment");
        }
    }

    /// How long it is from `now_ms`, by the machine's clock, until a hold is over; `None` where none will be.
    pub fn due_in(&mut self, now_ms: u64) -> Option<Duration> {
        let due_at_ms = self.inventory.due_at_ms()?;
        // IMPORTANT: told, and not to a copy: where the ledger is ahead of the machine's clock its time goes
        // on from when it was first asked for.
        self.clock.heard(self.inventory.at_ms());
        Some(Duration::from_millis(due_at_ms.saturating_sub(self.clock.told(now_ms))))
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
            assert!(
                !batch.is_empty() || self.has_appended,
                "a turn begins with room for any record"
            );
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
        self.has_appended = true;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Change, Command, Order};

    /// A batch with room for so many records, of which nothing is kept, and those behind it.
    #[derive(Debug)]
    struct Room {
        records: usize,
        room: usize,
        behind: usize,
    }

    impl Batch for Room {
        fn push(&mut self, _record: &Record) -> bool {
            let has_room = self.records < self.room;
            self.records += usize::from(has_room);
            has_room
        }

        fn is_empty(&self) -> bool {
            self.records == 0
        }

        fn take(&mut self) -> Self {
            let Self { behind, .. } = *self;
            std::mem::replace(self, Self { records: 0, room: behind, behind })
        }
    }

    /// A pipeline on a counter whose tickets are all held until `expires_at_ms`, one a hold.
    fn all_held(tickets: u64, at_ms: u64, expires_at_ms: u64) -> Pipeline<Room> {
        let mut inventory = Inventory::new(Stock::new(tickets, 0, 0), 0);
        for revision in 1..=tickets {
            let change = Change::Held { quantity: 1, expires_at_ms, buyer: None };
            let remaining = tickets - revision;
            let record = Record { revision, at_ms, remaining, change, key: None };
            inventory.fold(&record).unwrap();
        }
        Pipeline::new(inventory)
    }

    #[test]
    fn where_an_append_leaves_no_room_in_its_turn_whoever_comes_waits_for_the_next_one() {
        let mut pipeline = Pipeline::new(Inventory::new(Stock::new(9, 0, 0), 0));
        let request = Command::Buy(Order { quantity: 1, buyer: None }).into();
        for sold in 1..=3 {
            pipeline.open(Room { records: 0, room: 1, behind: 0 }, None, 0);
            assert!(matches!(pipeline.apply(&request, 0), Some(Outcome::Sold(_))));
            assert!(pipeline.take().is_some());
            assert_eq!(pipeline.apply(&request, 0), None, "there is not even room for one");
            assert!(!pipeline.is_open());
            pipeline.accept();
            assert_eq!(pipeline.stock(), Stock::new(9 - sold, sold, sold));
            assert!(pipeline.take().is_none());
        }
    }

    #[test]
    fn a_million_holds_that_are_over_at_once_end_a_batch_a_turn() {
        let (tickets, room) = (1_000_000, 10_000);
        let mut pipeline = all_held(tickets, 0, 1000);
        let mut turns = 0;
        while pipeline.due_in(1000) == Some(Duration::ZERO) {
            turns += 1;
            pipeline.open(Room { records: 0, room, behind: room }, None, 1000);
            pipeline.lapse(1000);
            pipeline.close();
            assert_eq!(pipeline.take().map(|batch| batch.records), Some(room));
            pipeline.accept();
        }
        assert_eq!(turns, tickets / room as u64);
        assert_eq!((pipeline.stock().remaining, pipeline.stock().held), (tickets, 0));
    }

    #[test]
    fn where_the_ledger_is_ahead_of_the_clock_what_is_held_is_over_all_the_same() {
        let mut pipeline = all_held(1, 1_000_000, 1_001_000);
        // As a server after a restart, of which nobody asks anything.
        let due_in = [5000, 5400, 5999, 6000].map(|now_ms| pipeline.due_in(now_ms));
        let expected = [1000, 600, 1, 0].map(|ms| Some(Duration::from_millis(ms)));
        assert_eq!(due_in, expected);
    }
}
