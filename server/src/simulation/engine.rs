//! An engine in memory that loses races and answers, delays, and serves stale reads.
//!
//! Several writers share one list of records; an append compares the revision that
//! it was made for. Beside them a rival slips in, and an append whose answer was
//! lost may land later, as a packet that was on its way does.

use std::sync::{Arc, Mutex, MutexGuard};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    domain::{Change, Inventory, Record, Stock},
    ledger::{Appended, Batch, Cause, Engine, Fault, News, Turn},
};

/// How many tickets a simulated ledger begins with.
pub(crate) const TICKETS: u64 = 30;

/// What an engine says that is not so: what would break if the writer, or the engine, skipped a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// A batch that is still on its way is called durable: its answers rest on another's sync.
    DurableOnItsWay,
    /// A batch that lost its race is called durable: its trial is accepted.
    DurableThoughLost,
    /// A batch that is there is called lost: it is decided and appended once more.
    LostThoughDurable,
    /// A batch whose answer was lost is called lost before anybody knows.
    LostThoughUnknown,
}

/// Who appended a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct BatchId {
    writer: u64,
    number: u64,
}

/// A ledger that several writers share.
#[derive(Clone)]
pub(crate) struct SimLedger(Arc<Mutex<World>>);

struct World {
    dice: StdRng,
    records: Vec<(Record, BatchId)>,
    on_its_way: Vec<SimBatch>,
    writers: u64,
    is_calm: bool,
}

/// One writer's way to it.
pub(crate) struct SimEngine {
    ledger: SimLedger,
    writer: u64,
    /// How many batches were begun.
    batches: u64,
    known: Stock,
    lie: Option<Lie>,
}

/// A turn, which is nothing but the engine for a while: nobody is kept out.
pub(crate) struct SimTurn<'a>(&'a mut SimEngine);

/// Records that were made for the revisions behind `known`.
#[derive(Clone, Debug)]
pub(crate) struct SimBatch {
    id: BatchId,
    known: Stock,
    records: Vec<Record>,
    room: usize,
}

impl SimLedger {
    pub(crate) fn new(seed: u64) -> Self {
        let dice = StdRng::seed_from_u64(seed);
        let (records, on_its_way) = (Vec::new(), Vec::new());
        let world = World { dice, records, on_its_way, writers: 0, is_calm: false };
        Self(Arc::new(Mutex::new(world)))
    }

    /// Another writer, and what is durable in the ledger as it starts.
    pub(crate) fn open(&self, lie: Option<Lie>) -> (SimEngine, Inventory) {
        let mut world = self.world();
        world.writers += 1;
        let mut inventory = Inventory::new(start(), 0);
        for (record, _) in &world.records {
            inventory.fold(record).unwrap();
        }
        let (writer, known) = (world.writers, inventory.stock());
        (SimEngine { ledger: self.clone(), writer, batches: 0, known, lie }, inventory)
    }

    /// From now on nothing goes wrong any more; what was on its way has landed, or never will.
    pub(crate) fn calm(&self) {
        let mut world = self.world();
        world.land_some(1.0);
        world.on_its_way.clear();
        world.is_calm = true;
    }

    /// All records.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.world().records.iter().map(|(record, _)| record.clone()).collect()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }
}

fn start() -> Stock {
    Stock::new(TICKETS, 0, 0)
}

impl World {
    fn chance(&mut self, chance: f64) -> bool {
        !self.is_calm && self.dice.random_bool(chance)
    }

    fn stock(&self) -> Stock {
        let after = |stock: Stock, (record, _): &(Record, _)| stock.after(record).unwrap();
        self.records.iter().fold(start(), after)
    }

    /// Appends `batch` if nobody has its revision; whether it is there now.
    fn append(&mut self, batch: &SimBatch) -> bool {
        let at = usize::try_from(batch.known.revision).unwrap();
        if let Some((_, owner)) = self.records.get(at) {
            return *owner == batch.id;
        }
        assert_eq!(self.records.len(), at, "a batch is ahead of the ledger");
        self.records.extend(batch.records.iter().map(|record| (record.clone(), batch.id)));
        true
    }

    /// Lets what is on its way land, each with this chance.
    fn land_some(&mut self, chance: f64) {
        for batch in std::mem::take(&mut self.on_its_way) {
            if self.chance(chance) {
                self.append(&batch);
            } else {
                self.on_its_way.push(batch);
            }
        }
    }

    /// Another server sells a ticket, or puts one on sale.
    fn rival(&mut self) {
        let stock = self.stock();
        let (remaining, change) = match stock.remaining.checked_sub(1) {
            Some(left) => (
                left,
                Change::Sold {
                    first_ticket: stock.issued + 1,
                    quantity: 1,
                    buyer: None,
                    hold: None,
                },
            ),
            None => (1, Change::Restocked { quantity: 1 }),
        };
        let record =
            Record { revision: stock.revision + 1, at_ms: 7, remaining, change, key: None };
        self.records.push((record, BatchId { writer: 0, number: 0 }));
    }
}

impl Batch for SimBatch {
    fn push(&mut self, record: &Record) -> bool {
        let has_room = self.records.len() < self.room;
        if has_room {
            self.records.push(record.clone());
        }
        has_room
    }

    fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    fn take(&mut self) -> Self {
        let known =
            self.records.iter().fold(self.known, |stock, record| stock.after(record).unwrap());
        let id = BatchId { number: self.id.number + 1, ..self.id };
        std::mem::replace(self, Self { id, known, records: Vec::new(), room: self.room })
    }
}

impl Engine for SimEngine {
    type Batch = SimBatch;
    type Turn<'a> = SimTurn<'a>;

    fn begin(&mut self) -> Result<SimTurn<'_>, Fault> {
        let mut world = self.ledger.world();
        world.land_some(0.2);
        if world.chance(0.05) {
            return Err(Fault::Passing(Cause::of("no connection")));
        }
        drop(world);
        Ok(SimTurn(self))
    }

    fn rest(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

impl Turn for SimTurn<'_> {
    type Batch = SimBatch;

    fn news(&mut self, hear: &mut dyn FnMut(News)) -> Result<(), Fault> {
        let engine = &mut *self.0;
        let mut world = engine.ledger.world();
        let from = usize::try_from(engine.known.revision).unwrap();
        let breaks_at = world.chance(0.1).then(|| world.dice.random_range(0..4));
        let is_stale = world.chance(0.2);
        let news = world.records[from..].to_vec();
        for (nth, (record, owner)) in news.iter().enumerate() {
            if breaks_at == Some(nth) {
                return Err(Fault::Passing(Cause::of("the connection broke")));
            }
            let begins = nth == 0 || news[nth - 1].1 != *owner;
            if is_stale && begins && nth > 0 {
                break;
            }
            engine.known = engine.known.after(record).unwrap();
            hear(News::Record { record: record.clone(), is_own: owner.writer == engine.writer });
        }
        Ok(())
    }

    fn batch(&mut self) -> Result<SimBatch, Fault> {
        let engine = &mut *self.0;
        // Far beyond what one turn can use, so that no two batches have one number.
        engine.batches += 1_000_000;
        let id = BatchId { writer: engine.writer, number: engine.batches };
        let room = engine.ledger.world().dice.random_range(1..5);
        Ok(SimBatch { id, known: engine.known, records: Vec::new(), room })
    }

    fn append(&mut self, batch: &SimBatch) -> Appended {
        let engine = &mut *self.0;
        let mut world = engine.ledger.world();
        world.land_some(0.2);
        if world.chance(0.2) {
            world.rival();
        }
        let is_lost_before = world.chance(0.15);
        let is_lost_after = world.chance(0.15);
        if is_lost_before || (engine.lie == Some(Lie::DurableOnItsWay) && world.chance(0.3)) {
            world.on_its_way.push(batch.clone());
            drop(world);
            return match engine.lie {
                Some(Lie::DurableOnItsWay) => engine.now_at(batch),
                Some(Lie::LostThoughUnknown) => Appended::Lost,
                _ => Appended::Unknown(Cause::of("no answer in time")),
            };
        }
        let is_there = world.append(batch);
        if is_lost_after {
            return match engine.lie {
                Some(Lie::LostThoughUnknown) => Appended::Lost,
                _ => Appended::Unknown(Cause::of("no answer in time")),
            };
        }
        drop(world);
        match (is_there, engine.lie) {
            (true, Some(Lie::LostThoughDurable)) => Appended::Lost,
            (false, Some(Lie::DurableThoughLost)) | (true, _) => {
                let is_hidden = engine.ledger.world().chance(0.1);
                let durable = engine.now_at(batch);
                if is_hidden { Appended::Unseen } else { durable }
            }
            (false, _) => Appended::Lost,
        }
    }

    fn is_snapshot_due(&self) -> bool {
        false
    }

    fn keep(&mut self, _inventory: Inventory) {}

    fn end(self) -> Result<(), Fault> {
        Ok(())
    }
}

impl SimEngine {
    fn now_at(&mut self, batch: &SimBatch) -> Appended {
        self.known = batch.clone().take_known();
        Appended::Durable
    }
}

impl SimBatch {
    /// The stock behind this batch.
    fn take_known(mut self) -> Stock {
        let _ = self.take();
        self.known
    }
}
