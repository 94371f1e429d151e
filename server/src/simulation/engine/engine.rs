//! One writer's way to a simulated ledger, as an engine.

use rand::RngExt as _;

use crate::{
    domain::{Inventory, Stock},
    ledger::{Appended, Cause, Engine, Fault, News, Staged, Turn, Unpublished},
    simulation::engine::{
        batch::{BatchId, SimBatch},
        ledger::SimLedger,
        lies::{Heard, Lie},
    },
};

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

impl SimLedger {
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
}

/// What a server knows of a ledger that it has not reached yet.
fn unreached() -> Inventory {
    Inventory::new(Stock::default(), 0)
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
