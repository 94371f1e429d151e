//! A ledger in memory that several writers share.

use std::{
    collections::BTreeSet,
    mem,
    sync::{Arc, Mutex, MutexGuard},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    domain::{Change, Identity, Record, Stock},
    ledger::{Archive, Cause, Found, Holder, Summary, format::base::Base},
    simulation::{
        engine::batch::{BatchId, Guard, SimBatch, behind},
        shop::now_ms,
    },
};

/// How many tickets a simulated ledger begins with.
pub(crate) const TICKETS: u64 = 30;

/// The key of every simulated counter.
const KEY: [u8; 32] = [7; 32];

/// A ledger that several writers share.
#[derive(Clone)]
pub(crate) struct SimLedger(Arc<Mutex<World>>);

pub(super) struct World {
    pub(super) dice: StdRng,
    pub(super) start: Stock,
    pub(super) records: Vec<(Record, BatchId)>,
    /// What was in the counters that were in this one's place before.
    past: Vec<Vec<(Record, BatchId)>>,
    /// All heads that were ever written, the one of now last.
    pub(super) heads: Vec<Head>,
    /// Which head a reading of the past finds.
    paused_at: usize,
    pub(super) on_its_way: Vec<SimBatch>,
    /// Which of [`ACCIDENTS`] there were.
    met: BTreeSet<&'static str>,
    pub(super) writers: u64,
    pub(super) is_calm: bool,
    /// Whether only one writes to it at a time, and nobody slips in.
    pub(super) is_private: bool,
    /// Whether anybody has begun to make it.
    pub(super) is_begun: bool,
    /// Whether it was made the counter.
    pub(super) is_published: bool,
}

/// Where a ledger ended when its head was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Of which counter it is, of those that were in this place one after the other.
    pub(super) incarnation: usize,
    pub(super) stock: Stock,
}

/// What an append finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// What it compares with: it is there now.
    Held,
    /// Another's records.
    Moved,
    /// Another counter.
    Replaced,
}

/// What befalls its writers beside lost races and answers.
pub(crate) const ACCIDENTS: [&str; 11] = [
    "hint, late",
    "hint, none though there is more",
    "hint, out of order",
    "hint, twice",
    "another counter, at a confirmation",
    "another counter, at an append",
    "another counter, at the news",
    "reading of the past, in part new",
    "reading of the past, nothing new",
    "reading of the past, older than what is known",
    "reading of the past, at the start",
];

/// How many of the last heads a hint or a reading of the past may be of.
const LATELY: usize = 5;

impl SimLedger {
    pub(crate) fn new(seed: u64) -> Self {
        let dice = StdRng::seed_from_u64(seed);
        let (records, on_its_way) = (Vec::new(), Vec::new());
        let (is_calm, is_private, is_begun, is_published) = (false, false, false, false);
        let start = Stock::new(TICKETS, 0, 0);
        let world = World {
            dice,
            start,
            records,
            past: Vec::new(),
            met: BTreeSet::new(),
            paused_at: 0,
            heads: vec![Head { incarnation: 0, stock: start }],
            on_its_way,
            writers: 0,
            is_calm,
            is_private,
            is_begun,
            is_published,
        };
        Self(Arc::new(Mutex::new(world)))
    }

    /// From now on nothing goes wrong any more; what was on its way has landed, or never will.
    pub(crate) fn calm(&self) {
        let mut world = self.world();
        world.land_some(1.0);
        world.on_its_way.clear();
        world.is_calm = true;
    }

    /// A ledger in the making: only one at a time writes to it.
    pub(crate) fn staged(seed: u64) -> Self {
        let ledger = Self::new(seed);
        ledger.world().is_private = true;
        ledger
    }

    /// Appends a record, as somebody does who is not simulated.
    pub(crate) fn push(&self, record: Record) {
        self.world().push(record);
    }

    /// Puts another counter in its place, of which about as much is sold already.
    pub(crate) fn replace(&self) {
        let mut world = self.world();
        let sold = world.records.len().saturating_sub(world.dice.random_range(0..4));
        let records = mem::take(&mut world.records);
        world.past.push(records);
        let (incarnation, stock) = (world.past.len(), world.start);
        world.heads.push(Head { incarnation, stock });
        (0..sold).for_each(|_| world.rival());
    }

    /// Which of [`ACCIDENTS`] there were.
    pub(crate) fn met(&self) -> BTreeSet<&'static str> {
        self.world().met.clone()
    }

    /// What stands on the counter.
    pub(crate) fn stock(&self) -> Stock {
        self.world().head().stock
    }

    /// Whether it was made the counter.
    pub(crate) fn is_published(&self) -> bool {
        self.world().is_published
    }

    /// What it began with.
    pub(crate) fn base(&self) -> Base {
        Base::of(KEY, 0, self.world().start, 0)
    }

    /// All records.
    pub(crate) fn records(&self) -> Vec<Record> {
        of_nobody(&self.world().records)
    }

    /// All records of a counter, of those that were in this place one after the other.
    pub(crate) fn records_of(&self, incarnation: usize) -> Vec<Record> {
        let world = self.world();
        of_nobody(world.past.get(incarnation).unwrap_or(&world.records))
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }
}

fn of_nobody(records: &[(Record, BatchId)]) -> Vec<Record> {
    records.iter().map(|(record, _)| record.clone()).collect()
}

impl World {
    pub(super) fn chance(&mut self, chance: f64) -> bool {
        !self.is_calm && self.dice.random_bool(chance)
    }

    pub(super) fn head(&self) -> Head {
        *self.heads.last().unwrap()
    }

    pub(super) fn meet(&mut self, accident: &'static str) {
        if !self.is_calm {
            self.met.insert(accident);
        }
    }

    /// The number of the head of now.
    pub(super) fn written(&self) -> usize {
        self.heads.len() - 1
    }

    /// The number of the head that a hint tells of, where one comes just now.
    ///
    /// It may be any of the last ones: hints come late, twice, out of order, or not at all.
    pub(super) fn hint(&mut self) -> Option<usize> {
        if self.is_calm || self.is_private {
            return Some(self.written());
        }
        self.chance(0.5).then(|| self.any_of_the_last())
    }

    /// The number of the head that a plain reading finds, which may be of the past: then it is mostly the one that was
    /// found there before, as by a member that was paused.
    pub(super) fn read(&mut self) -> usize {
        if self.is_private || !self.chance(0.3) {
            return self.written();
        }
        if self.chance(0.3) {
            self.paused_at = self.any_of_the_last();
        }
        self.paused_at
    }

    fn any_of_the_last(&mut self) -> usize {
        self.written().saturating_sub(self.dice.random_range(0..LATELY))
    }

    /// The records that a reading finds of the counter of `head` up to there, behind `known`.
    pub(super) fn records_up_to(&self, head: Head, known: Stock) -> &[(Record, BatchId)] {
        let records = self.past.get(head.incarnation).unwrap_or(&self.records);
        records.get(self.place(known)..self.place(head.stock)).unwrap_or_default()
    }

    /// How many records are ahead of `stock`.
    pub(super) fn place(&self, stock: Stock) -> usize {
        usize::try_from(stock.revision - self.start.revision).unwrap()
    }

    /// Appends `batch` where the head is what it compares with.
    pub(super) fn append(&mut self, batch: &SimBatch) -> Compared {
        let head = self.head();
        if batch.incarnation.is_some_and(|incarnation| incarnation != head.incarnation) {
            return Compared::Replaced;
        }
        let is_held = match batch.guard {
            Guard::Known => head.stock.revision == batch.known.revision,
            Guard::Written(written) => self.written() == written,
            Guard::Nothing => true,
        };
        if !is_held {
            return Compared::Moved;
        }
        // Whoever does not compare the revision takes the place of what is there.
        self.records.truncate(self.place(batch.known));
        self.records.extend(batch.records.iter().map(|record| (record.clone(), batch.id)));
        self.heads.push(Head { stock: batch.end(), ..head });
        Compared::Held
    }

    /// Whether `batch` is there.
    pub(super) fn has(&self, batch: &SimBatch) -> bool {
        let first = self.records.get(self.place(batch.known));
        first.is_some_and(|(_, owner)| *owner == batch.id)
    }

    /// Puts `record` behind the last, whatever it says.
    fn push(&mut self, record: Record) {
        let head = self.head();
        let stock = behind(head.stock, &record);
        self.records.push((record, BatchId { writer: 0, number: 0 }));
        self.heads.push(Head { stock, ..head });
    }

    /// Lets what is on its way land, each with this chance.
    pub(super) fn land_some(&mut self, chance: f64) {
        for batch in mem::take(&mut self.on_its_way) {
            if self.chance(chance) {
                self.append(&batch);
            } else {
                self.on_its_way.push(batch);
            }
        }
    }

    /// Another server ends what is over, and else sells a ticket, or puts one on sale.
    pub(super) fn rival(&mut self) {
        let stock = self.head().stock;
        let last_ms = self.records.last().map_or(0, |(record, _)| record.at_ms);
        let at_ms = last_ms.max(now_ms());
        let (remaining, change) = if let Some((hold, quantity)) = self.first_over(at_ms) {
            (stock.remaining + quantity, Change::Lapsed { hold, quantity })
        } else if stock.remaining > 0 && !stock.is_closed {
            let (first_ticket, buyer, hold) = (stock.issued + 1, None, None);
            (stock.remaining - 1, Change::Sold { first_ticket, quantity: 1, buyer, hold })
        } else {
            (stock.remaining + 1, Change::Restocked { quantity: 1 })
        };
        let record = Record { revision: stock.revision + 1, at_ms, remaining, change, key: None };
        self.push(record);
    }

    /// The hold that is over first at `at_ms`, and how many tickets it is of.
    fn first_over(&self, at_ms: u64) -> Option<(u64, u64)> {
        let mut open = Vec::new();
        for (record, _) in &self.records {
            match record.change {
                Change::Held { quantity, expires_at_ms, .. } if expires_at_ms <= at_ms => {
                    open.push((expires_at_ms, record.revision, quantity));
                }
                Change::Sold { hold: Some(hold), .. }
                | Change::Released { hold, .. }
                | Change::Lapsed { hold, .. } => open.retain(|(_, made, _)| *made != hold),
                _ => {}
            }
        }
        open.into_iter().min().map(|(_, hold, quantity)| (hold, quantity))
    }
}

/// Beside its turns nothing is simulated but hints, whose tokens it gives, and what its records are.
impl Archive for SimLedger {
    fn is_current(&self, _known: Stock) -> bool {
        false
    }

    fn may_have_news(&self, known: Stock) -> bool {
        let mut world = self.world();
        let hint = world.hint();
        hint.is_some_and(|written| world.heads[written].stock.revision > known.revision)
    }

    fn identity(&self) -> Option<Identity> {
        Some(Identity { key: KEY, epochs: Vec::new() })
    }

    fn summary(&self) -> Result<Summary, Cause> {
        let Stock { remaining, issued, .. } = self.stock();
        Ok(Summary { remaining, sold: Some(issued) })
    }

    fn records(self: Arc<Self>, first: u64, last: u64) -> Found {
        let mut records = SimLedger::records(&self);
        records.retain(|record| (first..=last).contains(&record.revision));
        Box::pin(async { Ok(records) })
    }

    fn holders(&self) -> Vec<Holder> {
        Vec::new()
    }
}
