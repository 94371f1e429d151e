//! A ledger in memory that several writers share.

use std::sync::{Arc, Mutex, MutexGuard};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    domain::{Change, Identity, Record, Stock},
    ledger::{Archive, Cause, Found, Holder, Summary, format::base::Base},
    simulation::{
        engine::batch::{BatchId, SimBatch},
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
    pub(super) on_its_way: Vec<SimBatch>,
    pub(super) writers: u64,
    pub(super) is_calm: bool,
    /// Whether only one writes to it at a time, and nobody slips in.
    pub(super) is_private: bool,
    /// Whether anybody has begun to make it.
    pub(super) is_begun: bool,
    /// Whether it was made the counter.
    pub(super) is_published: bool,
}

impl SimLedger {
    pub(crate) fn new(seed: u64) -> Self {
        let dice = StdRng::seed_from_u64(seed);
        let (records, on_its_way) = (Vec::new(), Vec::new());
        let (is_calm, is_private, is_begun, is_published) = (false, false, false, false);
        let start = start();
        let world = World {
            dice,
            start,
            records,
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
        self.world().records.push((record, BatchId { writer: 0, number: 0 }));
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
        self.world().records.iter().map(|(record, _)| record.clone()).collect()
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }
}

fn start() -> Stock {
    Stock::new(TICKETS, 0, 0)
}

impl World {
    pub(super) fn chance(&mut self, chance: f64) -> bool {
        !self.is_calm && self.dice.random_bool(chance)
    }

    pub(super) fn stock(&self) -> Stock {
        let after = |stock: Stock, (record, _): &(Record, _)| stock.after(record).unwrap();
        self.records.iter().fold(self.start, after)
    }

    /// Appends `batch` if nobody has its revision; whether it is there now.
    pub(super) fn append(&mut self, batch: &SimBatch) -> bool {
        let at = usize::try_from(batch.known.revision - self.start.revision).unwrap();
        if let Some((_, owner)) = self.records.get(at) {
            return *owner == batch.id;
        }
        assert_eq!(self.records.len(), at, "a batch is ahead of the ledger");
        self.records.extend(batch.records.iter().map(|record| (record.clone(), batch.id)));
        true
    }

    /// Lets what is on its way land, each with this chance.
    pub(super) fn land_some(&mut self, chance: f64) {
        for batch in std::mem::take(&mut self.on_its_way) {
            if self.chance(chance) {
                self.append(&batch);
            } else {
                self.on_its_way.push(batch);
            }
        }
    }

    /// Another server ends what is over, and else sells a ticket, or puts one on sale.
    pub(super) fn rival(&mut self) {
        let stock = self.stock();
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
        self.records.push((record, BatchId { writer: 0, number: 0 }));
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

/// Beside its turns nothing is simulated but whose tokens it gives, and what its records are.
impl Archive for SimLedger {
    fn is_current(&self, _known: Stock) -> bool {
        false
    }

    fn identity(&self) -> Option<Identity> {
        Some(Identity { key: KEY, epochs: Vec::new() })
    }

    fn summary(&self) -> Result<Summary, Cause> {
        let Stock { remaining, issued, .. } = self.world().stock();
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
