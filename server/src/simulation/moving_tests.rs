//! Counters that move between ledgers that lose races and answers, by imports that are killed at every call: `MOVES`
//! says how many.
//!
//! `MOVES=100000 cargo test --release -p server --lib moving_tests`.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    domain::{Change, Command, Inventory, Order, Outcome, Record, Request, SoldBefore, Trial},
    ledger::{
        Again, Appended, Archive, Audit, AuditError, Cause, CopyError, Copying, Engine, Fault,
        MoveError, Moving, News, Staged, Timer, Turn, Unpublished,
        file::{disk::Disk, layout::Layout, scan::FileScan},
    },
    simulation::{
        engine::{Lie, SimBatch, SimEngine, SimLedger, SimScan, SimTurn},
        shop::{buy, disk, head_path, open, setting},
    },
};

/// Nobody waits here.
const STILL: Timer = Timer { now: Instant::now, pause: |_| {} };

/// How many calls an import may make before it is killed; it is not where there are more.
type Calls = Arc<AtomicUsize>;

/// An engine whose process is killed at one of its calls, ahead of what that does or behind it.
struct Mortal {
    engine: SimEngine,
    calls: Calls,
    /// Whether somebody outside changes the count once the sale is closed.
    is_edited: bool,
}

struct MortalTurn<'a> {
    turn: SimTurn<'a>,
    calls: Calls,
    is_edited: bool,
}

/// Counts a call; what is killed says no more.
fn live_on(calls: &Calls) -> Result<(), Fault> {
    let left = calls.load(Ordering::Relaxed);
    calls.store(left.saturating_sub(1), Ordering::Relaxed);
    if left == 0 { Err(Fault::Lasting(Cause::of("killed"))) } else { Ok(()) }
}

impl Engine for Mortal {
    type Batch = SimBatch;
    type Turn<'a> = MortalTurn<'a>;

    fn begin(&mut self) -> Result<MortalTurn<'_>, Fault> {
        live_on(&self.calls)?;
        let (calls, is_edited) =
            (Arc::clone(&self.calls), self.is_edited && self.engine.is_closed());
        Ok(MortalTurn { turn: self.engine.begin()?, calls, is_edited })
    }

    fn rest(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

impl Staged for Mortal {
    fn is_begun(&mut self) -> Result<bool, Fault> {
        live_on(&self.calls)?;
        self.engine.is_begun()
    }

    fn commit(&mut self) -> Result<(), Fault> {
        live_on(&self.calls)?;
        self.engine.commit()
    }

    fn publish(&mut self) -> Result<(), Unpublished> {
        live_on(&self.calls).map_err(Unpublished::Refused)?;
        let published = self.engine.publish();
        live_on(&self.calls).map_err(Unpublished::Refused)?;
        published
    }
}

impl Turn for MortalTurn<'_> {
    type Batch = SimBatch;

    fn news(&mut self, hear: &mut dyn FnMut(News)) -> Result<(), Fault> {
        live_on(&self.calls)?;
        if self.is_edited {
            hear(News::Edited { remaining: 1, sold: 1 });
        }
        self.turn.news(hear)
    }

    fn batch(&mut self) -> Result<SimBatch, Fault> {
        self.turn.batch()
    }

    fn confirm(&mut self) -> Result<bool, Fault> {
        self.turn.confirm()
    }

    fn append(&mut self, batch: &SimBatch) -> Appended {
        if let Err(fault) = live_on(&self.calls) {
            return Appended::Broken(fault.cause());
        }
        let appended = self.turn.append(batch);
        match live_on(&self.calls) {
            Ok(()) => appended,
            Err(fault) => Appended::Broken(fault.cause()),
        }
    }

    fn is_snapshot_due(&self) -> bool {
        false
    }

    fn keep(&mut self, _inventory: Inventory) {}

    fn end(self) -> Result<(), Fault> {
        self.turn.end()
    }
}

/// A counter in one ledger, and another that it moves to.
struct Move {
    dice: StdRng,
    from: SimLedger,
    to: SimLedger,
    lies: (Option<Lie>, Option<Lie>),
    /// Whether a script goes on writing the old counter behind its end.
    is_edited: bool,
}

impl Move {
    fn new(seed: u64, lies: (Option<Lie>, Option<Lie>)) -> Self {
        let (from, to) = (SimLedger::new(seed), SimLedger::staged(seed ^ 7));
        let mut moved =
            Self { dice: StdRng::seed_from_u64(seed ^ 0x50ed), from, to, lies, is_edited: false };
        for _ in 0..moved.dice.random_range(0..40) {
            moved.change();
        }
        moved
    }

    fn folded(&self) -> Inventory {
        let mut inventory = self.from.base().inventory(usize::MAX);
        for record in self.from.records() {
            inventory.fold(&record).expect("it follows");
        }
        inventory
    }

    /// Somebody does something with the counter, which is not moved yet.
    fn change(&mut self) {
        let inventory = self.folded();
        let trial = Trial::of(&inventory, inventory.at_ms() + 1);
        let past = self.from.records();
        let outcomes: Vec<_> = past.iter().filter_map(Record::outcome).collect();
        let any = (!outcomes.is_empty())
            .then(|| outcomes[self.dice.random_range(0..outcomes.len())].clone());
        let order = Order { quantity: self.dice.random_range(1..4), buyer: None };
        let command = match (self.dice.random_range(0..9), any) {
            (0, _) => Command::Restock { quantity: 5 },
            (1..4, _) => Command::Hold { order, seconds: 60 },
            (4, Some(Outcome::Held(hold))) => Command::Confirm { hold: hold.revision },
            (5, Some(Outcome::Held(hold))) => Command::Release { hold: hold.revision },
            (4..6, Some(Outcome::Sold(sale))) => {
                Command::Refund(SoldBefore { revision: sale.revision, quantity: sale.quantity })
            }
            (6, Some(Outcome::Sold(sale))) => {
                Command::Admit(SoldBefore { revision: sale.revision, quantity: sale.quantity })
            }
            (7, _) => Command::SetSale { is_open: self.dice.random_bool(0.7) },
            _ => Command::Buy(order),
        };
        let number = self.dice.random_range(0..99);
        let request = Request { command, key: Some(format!("key {number}").into()) };
        let record = match self.dice.random_bool(0.05) {
            true => Some(trial.adjustment(9, 0)),
            false => trial.decide(&inventory, &request).1,
        };
        if let Some(record) = record {
            self.from.push(record);
        }
    }

    /// The operator opens the sale again.
    fn reopen(&mut self) {
        let inventory = self.folded();
        let trial = Trial::of(&inventory, inventory.at_ms() + 1);
        let opens = Command::SetSale { is_open: true };
        self.from.push(trial.decide(&inventory, &opens.into()).1.expect("it was closed"));
    }

    /// Imports, and is killed behind so many calls.
    fn import(&self, calls: usize) -> Result<(), MoveError> {
        self.import_again(calls, Again::Refused)
    }

    fn import_again(&self, calls: usize, again: Again) -> Result<(), MoveError> {
        let calls = Arc::new(AtomicUsize::new(calls));
        let mortal = |ledger: &SimLedger, lie, is_edited| {
            let (engine, inventory) = ledger.open(lie);
            (Mortal { engine, calls: Arc::clone(&calls), is_edited }, Some(inventory))
        };
        let (source, known) = mortal(&self.from, self.lies.0, self.is_edited);
        let (mut target, there) = mortal(&self.to, self.lies.1, false);
        let mut moving = Moving::begin(source, known, "there", STILL)?;
        let read: Arc<dyn Archive> = Arc::new(self.from.clone());
        moving.check(&mut target, &read, again)?;
        let audit = Audit::begin(SimScan::of(&self.from));
        let mut audit = audit.map_err(|fault| MoveError::Source(fault.cause()))?;
        let archive: &dyn Archive = &self.to;
        let base = self.from.base();
        let mut copying = Copying::begin(target, there, archive, &base, STILL)?;
        moving.run(&mut audit, &mut copying, 0)?;
        copying.publish()?;
        Ok(())
    }

    /// At no moment can both be sold from, and what is sold from has all that there was.
    fn check(&self) -> Result<(), String> {
        let (from, to) = (self.from.records(), self.to.records());
        if from.get(..to.len()) != Some(&to) {
            return Err("the copy is not a beginning of what was copied".to_owned());
        }
        if !self.to.is_published() {
            return Ok(());
        }
        let old = self.folded();
        if !old.stock().is_closed || old.stock().held > 0 {
            return Err("both can be sold from".to_owned());
        }
        let is_end = |record: &Record| match record.change {
            Change::SaleSet { is_open } => {
                !is_open && record.key.as_deref() == Some("moved to there")
            }
            _ => false,
        };
        let is_set = |record: &&Record| matches!(record.change, Change::SaleSet { .. });
        if to.iter().rev().find(is_set).is_some_and(is_end) {
            return Err("the copy has the end of what was copied".to_owned());
        }
        let behind = &from[to.len()..];
        let is_released = |record: &Record| matches!(record.change, Change::Released { .. });
        match behind.split_first() {
            Some((end, rest)) if is_end(end) && rest.iter().all(is_released) => Ok(()),
            _ => Err(format!("the copy lacks {behind:?}")),
        }
    }
}

/// Lets one counter move, however often it is killed on its way.
fn live(seed: u64, lies: (Option<Lie>, Option<Lie>)) -> Result<usize, String> {
    let mut moved = Move::new(seed, lies);
    let mut kills = 0;
    for calls in 1.. {
        let calls = if calls > 60 { usize::MAX } else { calls };
        let imported = moved.import(calls);
        moved.check()?;
        match imported {
            Ok(()) => break,
            Err(error) if error.to_string().ends_with("killed") => kills += 1,
            // Others come in between; the ledger is not ended then.
            Err(
                MoveError::Source(_)
                | MoveError::Copy(CopyError::Target(_) | CopyError::Unnamed(_)),
            ) => {}
            // Somebody has changed something between two parts of the end: the sale is opened, and it begins anew.
            Err(MoveError::Changed { .. }) => moved.reopen(),
            Err(error) => return Err(error.to_string()),
        }
        if !moved.folded().stock().is_closed && moved.dice.random_bool(0.3) {
            moved.change();
        }
    }
    match moved.to.is_published() {
        true => Ok(kills),
        false => Err("it was told to be moved, and is not".to_owned()),
    }
}

#[test]
fn a_counter_that_moves_is_sold_from_at_one_place_at_a_time_wherever_it_is_killed() {
    let mut kills = 0;
    for seed in 0..setting("MOVES", 2000) {
        kills += live(seed, (None, None)).unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
    }
    assert!(kills > 10 * 2000, "{kills} kills");
}

#[test]
fn a_move_that_has_ended_is_not_made_again_unless_that_is_wanted() {
    for seed in 0..100 {
        let mut moved = Move::new(seed, (None, None));
        moved.from.calm();
        moved.to.calm();
        moved.import(usize::MAX).unwrap();
        // What was made is lost.
        moved.to = SimLedger::staged(seed);
        moved.to.calm();

        let refused = moved.import(usize::MAX).unwrap_err();

        assert!(matches!(&refused, MoveError::Ended { to } if to == "there"), "{seed}: {refused}");
        assert_eq!(moved.to.records(), []);
        moved.import_again(usize::MAX, Again::Wanted).unwrap();
        moved.check().unwrap();
    }
}

/// A member that was cut off, or a server that was, tells the past: what was heard rests on nothing before it is confirmed.
#[test]
fn an_end_that_has_come_meanwhile_is_refused_before_anything_is_made() {
    for seed in 0..300 {
        let mut moved = Move::new(seed, (None, None));
        let (source, known) = moved.from.open(None);
        moved.change();
        while let Err(error) = moved.import(usize::MAX) {
            if let MoveError::Changed { .. } = error {
                moved.reopen();
            }
        }
        moved.to = SimLedger::staged(seed);
        let mut moving = Moving::begin(source, Some(known), "there", STILL).unwrap();
        let (mut target, _) = moved.to.open(None);
        let read: Arc<dyn Archive> = Arc::new(moved.from.clone());

        let refused = moving.check(&mut target, &read, Again::Refused).unwrap_err();

        assert!(matches!(refused, MoveError::Ended { .. }), "{seed}: {refused}");
    }
}

#[test]
fn a_copy_that_is_refused_its_name_is_told_as_refused_unless_a_try_is_unknown() {
    let refused = || Err(Unpublished::Refused(Fault::Passing(Cause::of("no right to"))));
    let unknown = || Err(Unpublished::Unknown(Cause::of("no answer in time")));
    let told = |tries: Vec<Result<(), Unpublished>>| {
        let ledger = SimLedger::staged(1);
        ledger.calm();
        let (engine, inventory) = ledger.open(None);
        let copy = Naming { engine, tries };
        let base = ledger.base();
        let copying = Copying::begin(copy, Some(inventory), &ledger, &base, STILL);
        copying.unwrap().publish().err()
    };
    assert!(told(vec![Ok(()), refused(), unknown()]).is_none());
    let error = told(vec![refused()]).unwrap();
    assert_eq!(error.to_string(), "the copy is whole, and does not get its name: no right to");
    let error = told(vec![refused(), unknown()]).unwrap();
    assert!(matches!(error, CopyError::Unnamed(_)), "{error}");
    let lasting = Err(Unpublished::Refused(Fault::Lasting(Cause::of("it is taken"))));
    let error = told(vec![lasting, unknown()]).unwrap();
    assert!(matches!(error, CopyError::NotNamed(_)), "{error}");
}

/// A copy whose tries to get its name come to these, the last one first and the first one for good.
struct Naming {
    engine: SimEngine,
    tries: Vec<Result<(), Unpublished>>,
}

impl Engine for Naming {
    type Batch = SimBatch;
    type Turn<'a> = SimTurn<'a>;

    fn begin(&mut self) -> Result<SimTurn<'_>, Fault> {
        self.engine.begin()
    }

    fn rest(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

impl Staged for Naming {
    fn is_begun(&mut self) -> Result<bool, Fault> {
        self.engine.is_begun()
    }

    fn commit(&mut self) -> Result<(), Fault> {
        self.engine.commit()
    }

    fn publish(&mut self) -> Result<(), Unpublished> {
        if self.tries.len() > 1 { self.tries.pop().unwrap() } else { self.tries[0].clone() }
    }
}

#[test]
fn a_count_that_is_changed_behind_the_end_is_told_as_that() {
    let mut moved = Move::new(1, (None, None));
    moved.from.calm();
    moved.to.calm();
    moved.is_edited = true;
    moved.reopen();

    let refused = moved.import(usize::MAX).unwrap_err();

    assert!(matches!(refused, MoveError::EditedBehind), "{refused}");
    assert!(!moved.to.is_published());
}

/// Whether lies of the old ledger and of the new one are noticed, in one of many lives.
fn is_noticed(lies: (Option<Lie>, Option<Lie>)) -> bool {
    (0..1000).any(|seed| {
        let lived = panic::catch_unwind(AssertUnwindSafe(|| live(seed, lies)));
        !matches!(lived, Ok(Ok(_)))
    })
}

#[test]
fn a_copy_that_says_what_is_not_there_is_noticed() {
    assert!(is_noticed((None, Some(Lie::DurableOnItsWay))));
}

#[test]
fn a_copy_that_was_begun_of_something_else_is_noticed() {
    assert!(is_noticed((None, Some(Lie::SnapshotForgets))));
    assert!(is_noticed((None, Some(Lie::HoldWithoutEnd))));
}

#[test]
fn an_end_of_the_old_ledger_that_is_not_there_or_there_twice_is_noticed() {
    assert!(is_noticed((Some(Lie::DurableThoughLost), None)));
    assert!(is_noticed((Some(Lie::LostThoughDurable), None)));
}

#[test]
fn a_ledger_whose_records_do_not_follow_is_not_copied() {
    let sold = |first_ticket, remaining| {
        let change = Change::Sold { first_ticket, quantity: 2, buyer: None, hold: None };
        Record { revision: 1, at_ms: 1, remaining, change, key: None }
    };
    let refund = |quantity, remaining| {
        let change = Change::Refunded { sale: 1, quantity };
        Record { revision: 2, at_ms: 1, remaining, change, key: None }
    };
    for (records, fault) in [
        (vec![sold(1, 28), refund(1, 29)], "`1` tickets of revision `1`, which sold others"),
        (vec![sold(1, 27)], "leaves a count of `27`"),
        (vec![sold(2, 28)], "ticket number `2`"),
    ] {
        let ledger = SimLedger::new(1);
        records.into_iter().for_each(|record| ledger.push(record));
        let mut audit = Audit::begin(SimScan::of(&ledger)).unwrap_or_else(|_| panic!("{fault}"));
        let read = (0..9).try_for_each(|_| audit.read_on(u64::MAX).map(drop));
        let Err(Fault::Lasting(found)) = read else { panic!("{fault}: {read:?}") };
        assert!(found.to_string().contains(fault), "{fault}: {found}");
    }
}

#[test]
fn a_ledger_without_its_first_records_is_not_copied() {
    let disk = disk(1);
    let mut seller = open(&disk).unwrap();
    (0..60).for_each(|_| drop(buy(&mut seller, &[1]).unwrap()));
    let layout = Layout::around(&head_path());
    let begin = || Audit::begin(FileScan::begin(&disk, &layout).unwrap().unwrap()).map(drop);
    begin().unwrap();

    disk.remove(&layout.segment(1)).unwrap();

    let Err(Fault::Lasting(refused)) = begin() else { panic!("it was begun") };
    assert_eq!(refused.to_string(), AuditError::Beginning.to_string());
}
