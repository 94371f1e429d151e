//! One writer's way to a simulated ledger, as an engine.

use rand::RngExt as _;

use crate::{
    domain::{Inventory, Stock},
    ledger::{Appended, Cause, Engine, Fault, News, Staged, Turn, Unpublished},
    simulation::engine::{
        batch::{BatchId, Guard, SimBatch},
        ledger::{Compared, Head, SimLedger, World},
        lies::{Heard, Lie},
    },
};

/// One writer's way to it.
pub(crate) struct SimEngine {
    ledger: SimLedger,
    writer: u64,
    /// Of which counter it is.
    incarnation: usize,
    /// How many batches were begun.
    batches: u64,
    /// What it starts from, until it could be reached for the first time.
    snapshot: Option<Box<Inventory>>,
    /// Behind what was told.
    known: Stock,
    /// Which head it is that all was told of; `None` where there may be more to tell.
    told: Option<usize>,
    /// The newest head that was heard of, and the one that the last hint told of.
    heard: usize,
    hinted: Option<usize>,
    /// The batch of which it is not known whether the ledger has it.
    in_doubt: Option<BatchId>,
    lie: Option<Lie>,
}

/// A turn, which is nothing but the engine for a while: nobody is kept out.
pub(crate) struct SimTurn<'a>(&'a mut SimEngine);

impl SimLedger {
    /// Another writer, and what is durable in the ledger as it starts, as far as that is read: nothing where it
    /// cannot be reached then.
    pub(crate) fn open(&self, lie: Option<Lie>) -> (SimEngine, Inventory) {
        let mut world = self.world();
        world.writers += 1;
        let is_reached = !world.chance(0.3);
        let (start, read) = (world.start, world.read());
        let head = world.heads[read];
        if read < world.written() {
            world.meet("reading of the past, at the start");
        }
        let Head { incarnation, stock: known } = head;
        let mut inventory = Inventory::new(start, 0);
        for (record, _) in world.records_up_to(head, start) {
            let issued = inventory.stock().issued;
            let heard = lie.map(|lie| lie.heard(record, issued, Heard::AtTheStart));
            inventory.fold(heard.as_ref().unwrap_or(record)).expect("a server can start on it");
        }
        let (snapshot, inventory) = match (is_reached, lie) {
            (true, _) => (None, inventory),
            (false, Some(Lie::SnapshotForgets)) => {
                let counted = Inventory::new(inventory.stock(), inventory.at_ms());
                (Some(counted.into()), unreached())
            }
            (false, _) => (Some(inventory.into()), unreached()),
        };
        let engine = SimEngine {
            ledger: self.clone(),
            writer: world.writers,
            incarnation,
            batches: 0,
            snapshot,
            known,
            told: None,
            heard: 0,
            hinted: None,
            in_doubt: None,
            lie,
        };
        (engine, inventory)
    }
}

/// What a server knows of a ledger that it has not reached yet.
fn unreached() -> Inventory {
    Inventory::new(Stock::default(), 0)
}

impl Engine for SimEngine {
    type Batch = SimBatch;
    type Turn<'a> = SimTurn<'a>;

    fn begin(&mut self) -> Result<SimTurn<'_>, Fault> {
        let ledger = self.ledger.clone();
        let mut world = ledger.world();
        world.land_some(0.2);
        if world.chance(0.05) {
            return Err(Fault::Passing(Cause::of("no connection")));
        }
        world.is_begun = true;
        self.listen(&mut world);
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
        let ledger = engine.ledger.clone();
        let mut world = ledger.world();
        if engine.told.is_some_and(|told| told >= engine.heard) {
            // Nobody hints at more; where there is more all the same, an append finds that out.
            if engine.told != Some(world.written()) {
                world.meet("hint, none though there is more");
            }
            return Ok(());
        }
        engine.told = None;
        let read = world.read();
        engine.expect_of_now(&mut world, read)?;
        engine.heard = engine.heard.max(read);
        let last = world.heads[read];
        let breaks_at = world.chance(0.1).then(|| world.dice.random_range(0..4));
        let news = world.records_up_to(last, engine.known);
        for (nth, (record, owner)) in news.iter().enumerate() {
            if breaks_at == Some(nth) {
                return Err(Fault::Passing(Cause::of("the connection broke")));
            }
            let (issued, is_own) = (engine.known.issued, owner.writer == engine.writer);
            let stock = engine.known.after(record);
            engine.known = stock.map_err(|fault| Fault::Lasting(Cause::of(fault)))?;
            let heard = if is_own { Heard::OfOneself } else { Heard::OfAnother };
            let lied = engine.lie.map(|lie| lie.heard(record, issued, heard));
            hear(News::Record { record: lied.unwrap_or_else(|| record.clone()), is_own });
        }
        if engine.known.revision != last.stock.revision {
            return Err(Fault::Lasting(Cause::of("a record is missing")));
        }
        engine.told = Some(read);
        Ok(())
    }

    fn batch(&mut self) -> Result<SimBatch, Fault> {
        let engine = &mut *self.0;
        // Far beyond what one turn can use, so that no two batches have one number.
        engine.batches += 1_000_000;
        let id = BatchId { writer: engine.writer, number: engine.batches };
        let room = engine.ledger.world().dice.random_range(1..5);
        let (incarnation, known, lie) = (Some(engine.incarnation), engine.known, engine.lie);
        let (guard, records) = (Guard::Known, Vec::new());
        Ok(SimBatch { id, incarnation, known, guard, records, room, lie })
    }

    fn confirm(&mut self) -> Result<bool, Fault> {
        let engine = &mut *self.0;
        let ledger = engine.ledger.clone();
        let mut world = ledger.world();
        world.land_some(0.2);
        let told = engine.told.take();
        if world.chance(0.1) {
            return Err(Fault::Passing(Cause::of("the connection broke")));
        }
        engine.listen(&mut world);
        let found = match engine.lie {
            Some(Lie::ConfirmedByReading) => world.read(),
            _ => world.written(),
        };
        let Head { incarnation, stock } = world.heads[found];
        let is_all = match engine.lie {
            Some(Lie::ConfirmedUnseen) => true,
            Some(Lie::ConfirmedByHint) => told.is_some_and(|told| told >= engine.heard),
            _ if incarnation != engine.incarnation => {
                world.meet("another counter, at a confirmation");
                return Err(replaced());
            }
            _ => stock.revision == engine.known.revision,
        };
        engine.told = told.filter(|_| is_all);
        Ok(is_all)
    }

    fn append(&mut self, batch: &SimBatch) -> Appended {
        let engine = &mut *self.0;
        let ledger = engine.ledger.clone();
        let mut world = ledger.world();
        world.land_some(0.2);
        if world.chance(0.2) && !world.is_private {
            world.rival();
        }
        let Some(sent) = engine.sent(batch, &mut world) else { return engine.lost() };
        let is_lost_before = world.chance(0.15);
        let is_lost_after = world.chance(0.15);
        let is_late = engine.lie == Some(Lie::DurableOnItsWay) && world.chance(0.3);
        if is_lost_before || is_late {
            world.on_its_way.push(sent.clone());
        }
        match engine.lie {
            Some(Lie::DurableOnItsWay) if is_lost_before || is_late => {
                return engine.now_at(batch, &world);
            }
            // The second answer is told, which says nothing of what became of the first.
            Some(Lie::SentTwice) if is_lost_after => drop(world.append(&sent)),
            Some(Lie::SentTwice) => {}
            _ if is_lost_before => return engine.unknown(batch),
            _ => {}
        }
        let compared = world.append(&sent);
        if is_lost_after && engine.lie != Some(Lie::SentTwice) {
            return engine.unknown(batch);
        }
        match (compared, engine.lie) {
            (Compared::Replaced, _) => {
                world.meet("another counter, at an append");
                Appended::Broken(replaced().cause())
            }
            (Compared::Held, Some(Lie::LostThoughDurable)) => engine.lost(),
            (Compared::Moved, Some(Lie::DurableThoughLost)) | (Compared::Held, _) => {
                engine.now_at(batch, &world);
                if world.chance(0.1) { Appended::Unseen } else { Appended::Durable }
            }
            (Compared::Moved, _) if engine.in_doubt != Some(batch.id) => engine.lost(),
            // It was sent before: some ask at once whose it is that is there, some leave that to the news.
            (Compared::Moved, _) if world.chance(0.5) => engine.unknown(batch),
            (Compared::Moved, _) if world.has(batch) => {
                engine.now_at(batch, &world);
                // Others may have appended behind it.
                engine.told = None;
                Appended::Durable
            }
            (Compared::Moved, _) => engine.lost(),
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

impl SimEngine {
    /// The same, in an empty ledger that begins with `start`.
    pub(crate) fn behind(self, start: Stock) -> Self {
        let mut world = self.ledger.world();
        world.start = start;
        world.heads = vec![Head { incarnation: self.incarnation, stock: start }];
        drop(world);
        Self { known: start, ..self }
    }

    /// Of which counter it is, of those that were in its place one after the other.
    pub(crate) fn incarnation(&self) -> usize {
        self.incarnation
    }

    /// Whether the sale is closed in its ledger.
    pub(crate) fn is_closed(&self) -> bool {
        self.ledger.stock().is_closed
    }

    /// Hears of a head, where a hint comes: of the newest, whatever the order.
    fn listen(&mut self, world: &mut World) {
        let Some(hint) = world.hint() else { return };
        if hint < world.written() {
            world.meet("hint, late");
        }
        if self.hinted == Some(hint) {
            world.meet("hint, twice");
        }
        if self.hinted > Some(hint) {
            world.meet("hint, out of order");
        }
        (self.hinted, self.heard) = (Some(hint), self.heard.max(hint));
    }

    /// Whether what was `read` is no older than what is known: a plain reading may be of the past.
    fn expect_of_now(&self, world: &mut World, read: usize) -> Result<(), Fault> {
        let is_of_it = |head: Head| {
            head.incarnation == self.incarnation && head.stock.revision >= self.known.revision
        };
        let found = world.heads[read];
        if is_of_it(found) && read >= self.heard {
            match found.stock.revision > self.known.revision {
                _ if read == world.written() => {}
                true => world.meet("reading of the past, in part new"),
                false => world.meet("reading of the past, nothing new"),
            }
            return Ok(());
        }
        // What was heard is asked for where nothing is of the past.
        let now = world.head();
        if now.incarnation != self.incarnation {
            world.meet("another counter, at the news");
            return Err(replaced());
        }
        world.meet("reading of the past, older than what is known");
        let cause = Cause::of("that is of the past");
        Err(if is_of_it(now) { Fault::Passing(cause) } else { Fault::Lasting(cause) })
    }

    /// `batch` as it is sent; `None` where it is not, for another's is there.
    fn sent(&mut self, batch: &SimBatch, world: &mut World) -> Option<SimBatch> {
        let mut sent = batch.clone();
        match self.lie {
            Some(Lie::RevisionUncompared) => sent.guard = Guard::Nothing,
            Some(Lie::CounterUncompared) => sent.incarnation = None,
            Some(Lie::ComparedWithHint) => {
                self.listen(world);
                sent.guard = Guard::Written(self.heard);
            }
            Some(Lie::ComparedWithReading) => {
                let read = world.read();
                if world.heads[read].stock.revision != batch.known.revision {
                    return None;
                }
                sent.guard = Guard::Nothing;
            }
            _ => {}
        }
        Some(sent)
    }

    fn lost(&mut self) -> Appended {
        self.told = None;
        Appended::Lost
    }

    fn unknown(&mut self, batch: &SimBatch) -> Appended {
        (self.told, self.in_doubt) = (None, Some(batch.id));
        if self.lie == Some(Lie::LostThoughUnknown) {
            return Appended::Lost;
        }
        Appended::Unknown(Cause::of("no answer in time"))
    }

    fn now_at(&mut self, batch: &SimBatch, world: &World) -> Appended {
        (self.known, self.told, self.in_doubt) = (batch.end(), Some(world.written()), None);
        self.heard = self.heard.max(world.written());
        Appended::Durable
    }
}

fn replaced() -> Fault {
    Fault::Lasting(Cause::of("another counter is in its place"))
}
