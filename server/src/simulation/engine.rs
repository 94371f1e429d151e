//! An engine in memory that loses races and answers, delays, and serves stale reads.
//!
//! Several writers share one list of records; an append compares the revision that
//! it was made for. Beside them a rival slips in, and an append whose answer was
//! lost may land later, as a packet that was on its way does.

use std::sync::{Arc, Mutex, MutexGuard};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    domain::{Change, Identity, Inventory, Record, Stock},
    ledger::{
        Appended, Archive, Batch, Cause, Engine, Fault, Found, Holder, News, Scan, Staged, Summary,
        Turn, Unpublished, format::base::Base,
    },
    simulation::shop::now_ms,
};

/// How many tickets a simulated ledger begins with.
pub(crate) const TICKETS: u64 = 30;

/// The key of every simulated counter.
const KEY: [u8; 32] = [7; 32];

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
    /// What lapses comes back as if it were put on sale: no record ends the hold.
    LapseUnrecorded,
    /// A refund is heard of as a restock: the sale can be refunded once more.
    RefundForgotten,
    /// A hold is heard of as one that lasts longer: it is confirmed after its end.
    HoldWithoutEnd,
    /// The confirmation of a hold is heard of as an outside edit: the hold lapses as well.
    ConfirmForgotten,
    /// An admission is not remembered from before a start: the tickets are used once more.
    AdmissionForgotten,
    /// The own batch of an append of unknown outcome is heard of without its keys, which went with the trial.
    KeyForgotten,
    /// A snapshot has nothing of what was before but the count.
    SnapshotForgets,
    /// What was told is called all that there is, whatever others have appended since.
    ConfirmedUnseen,
}

/// From where a record is heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    AtTheStart,
    OfAnother,
    OfOneself,
}

impl Lie {
    /// What is written for `record`; it leaves the same count, and nobody sees from that what was done to it.
    fn written(self, record: &Record) -> Record {
        let change = match (self, &record.change) {
            (Self::LapseUnrecorded, Change::Lapsed { quantity, .. }) => {
                Change::Restocked { quantity: *quantity }
            }
            _ => return record.clone(),
        };
        Record { change, ..record.clone() }
    }

    /// What is heard for `record`, which leaves the same count, where `issued` numbers were given out before.
    fn heard(self, record: &Record, issued: u64, heard: Heard) -> Record {
        let mut lied = record.clone();
        match (self, &mut lied.change) {
            (Self::RefundForgotten, Change::Refunded { quantity, .. }) => {
                lied.change = Change::Restocked { quantity: *quantity };
            }
            (Self::HoldWithoutEnd, Change::Held { expires_at_ms, .. }) => *expires_at_ms += 60_000,
            (Self::ConfirmForgotten, Change::Sold { quantity, hold: Some(_), .. }) => {
                lied.change = Change::Adjusted { sold: issued + *quantity };
            }
            (Self::AdmissionForgotten, Change::Admitted { .. }) if heard == Heard::AtTheStart => {
                lied.change = Change::Adjusted { sold: issued };
            }
            (Self::KeyForgotten, _) if heard == Heard::OfOneself => lied.key = None,
            _ => {}
        }
        lied
    }
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
    start: Stock,
    records: Vec<(Record, BatchId)>,
    on_its_way: Vec<SimBatch>,
    writers: u64,
    is_calm: bool,
    /// Whether only one writes to it at a time, and nobody slips in.
    is_private: bool,
    /// Whether anybody has begun to make it.
    is_begun: bool,
    /// Whether it was made the counter.
    is_published: bool,
}

/// One writer's way to it.
pub(crate) struct SimEngine {
    ledger: SimLedger,
    writer: u64,
    /// How many batches were begun.
    batches: u64,
    /// What it starts from, until it could be reached for the first time.
    snapshot: Option<Box<Inventory>>,
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
    lie: Option<Lie>,
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

    /// Another writer, and what is durable in the ledger as it starts: nothing where it cannot be reached then.
    pub(crate) fn open(&self, lie: Option<Lie>) -> (SimEngine, Inventory) {
        let mut world = self.world();
        world.writers += 1;
        let is_reached = !world.chance(0.3);
        let mut inventory = Inventory::new(world.start, 0);
        for (record, _) in &world.records {
            let issued = inventory.stock().issued;
            let heard = lie.map(|lie| lie.heard(record, issued, Heard::AtTheStart));
            inventory.fold(heard.as_ref().unwrap_or(record)).unwrap();
        }
        let (writer, known) = (world.writers, world.stock());
        let (snapshot, inventory) = match (is_reached, lie) {
            (true, _) => (None, inventory),
            (false, Some(Lie::SnapshotForgets)) => {
                let counted = Inventory::new(inventory.stock(), inventory.at_ms());
                (Some(counted.into()), unreached())
            }
            (false, _) => (Some(inventory.into()), unreached()),
        };
        (SimEngine { ledger: self.clone(), writer, batches: 0, snapshot, known, lie }, inventory)
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

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }
}

/// What a server knows of a ledger that it has not reached yet.
fn unreached() -> Inventory {
    Inventory::new(Stock::default(), 0)
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
        self.records.iter().fold(self.start, after)
    }

    /// Appends `batch` if nobody has its revision; whether it is there now.
    fn append(&mut self, batch: &SimBatch) -> bool {
        let at = usize::try_from(batch.known.revision - self.start.revision).unwrap();
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

    /// Another server ends what is over, and else sells a ticket, or puts one on sale.
    fn rival(&mut self) {
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

impl Batch for SimBatch {
    fn push(&mut self, record: &Record) -> bool {
        let has_room = self.records.len() < self.room;
        if has_room {
            let written = self.lie.map(|lie| lie.written(record));
            self.records.push(written.unwrap_or_else(|| record.clone()));
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
        let (room, lie) = (self.room, self.lie);
        std::mem::replace(self, Self { id, known, records: Vec::new(), room, lie })
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
        world.is_begun = true;
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
        if let Some(snapshot) = engine.snapshot.take() {
            hear(News::Snapshot(snapshot));
        }
        let mut world = engine.ledger.world();
        let from = usize::try_from(engine.known.revision - world.start.revision).unwrap();
        let breaks_at = world.chance(0.1).then(|| world.dice.random_range(0..4));
        let is_stale = world.chance(0.2) && !world.is_private;
        let news = world.records[from..].to_vec();
        for (nth, (record, owner)) in news.iter().enumerate() {
            if breaks_at == Some(nth) {
                return Err(Fault::Passing(Cause::of("the connection broke")));
            }
            let begins = nth == 0 || news[nth - 1].1 != *owner;
            if is_stale && begins && nth > 0 {
                break;
            }
            let (issued, is_own) = (engine.known.issued, owner.writer == engine.writer);
            engine.known = engine.known.after(record).unwrap();
            let heard = if is_own { Heard::OfOneself } else { Heard::OfAnother };
            let lied = engine.lie.map(|lie| lie.heard(record, issued, heard));
            hear(News::Record { record: lied.unwrap_or_else(|| record.clone()), is_own });
        }
        Ok(())
    }

    fn batch(&mut self) -> Result<SimBatch, Fault> {
        let engine = &mut *self.0;
        // Far beyond what one turn can use, so that no two batches have one number.
        engine.batches += 1_000_000;
        let id = BatchId { writer: engine.writer, number: engine.batches };
        let room = engine.ledger.world().dice.random_range(1..5);
        Ok(SimBatch { id, known: engine.known, records: Vec::new(), room, lie: engine.lie })
    }

    fn confirm(&mut self) -> Result<bool, Fault> {
        let engine = &mut *self.0;
        let mut world = engine.ledger.world();
        world.land_some(0.2);
        if world.chance(0.1) {
            return Err(Fault::Passing(Cause::of("the connection broke")));
        }
        let is_all = world.stock().revision == engine.known.revision;
        Ok(is_all || engine.lie == Some(Lie::ConfirmedUnseen))
    }

    fn append(&mut self, batch: &SimBatch) -> Appended {
        let engine = &mut *self.0;
        let mut world = engine.ledger.world();
        world.land_some(0.2);
        if world.chance(0.2) && !world.is_private {
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

impl Staged for SimEngine {
    fn is_begun(&mut self) -> Result<bool, Fault> {
        Ok(self.ledger.world().is_begun)
    }

    fn commit(&mut self) -> Result<(), Fault> {
        let is_lost = self.ledger.world().chance(0.1);
        if is_lost { Err(Fault::Passing(Cause::of("no connection"))) } else { Ok(()) }
    }

    fn publish(&mut self) -> Result<(), Unpublished> {
        let mut world = self.ledger.world();
        let (is_lost_before, is_lost_after) = (world.chance(0.2), world.chance(0.2));
        world.is_published |= !is_lost_before;
        match is_lost_before || is_lost_after {
            true => Err(Unpublished::Unknown(Cause::of("no answer in time"))),
            false => Ok(()),
        }
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

/// A reading of a simulated ledger, a few records at a time.
pub(crate) struct SimScan {
    ledger: SimLedger,
    base: Base,
    read: u64,
}

impl SimScan {
    pub(crate) fn of(ledger: &SimLedger) -> Self {
        let base = ledger.base();
        Self { ledger: ledger.clone(), read: base.revision, base }
    }
}

impl Scan for SimScan {
    fn base(&self) -> &Base {
        &self.base
    }

    fn read_on(&mut self, last: u64) -> Result<Vec<Record>, Fault> {
        let mut records = self.ledger.records();
        records.retain(|record| self.read < record.revision && record.revision <= last);
        records.truncate(self.ledger.world().dice.random_range(1..9));
        self.read += records.len() as u64;
        Ok(records)
    }

    fn compare(&mut self, _folded: &Inventory) -> Result<(), Fault> {
        Ok(())
    }
}

impl SimEngine {
    /// The same, in an empty ledger that begins with `start`.
    pub(crate) fn behind(self, start: Stock) -> Self {
        self.ledger.world().start = start;
        Self { known: start, ..self }
    }

    /// Whether the sale is closed in its ledger.
    pub(crate) fn is_closed(&self) -> bool {
        self.ledger.world().stock().is_closed
    }

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
