//! One process's place at a ledger in etcd: its engine, and what it knows.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use e2e::{Etcd, eventually};
use server::{
    domain::{Command, Inventory, Order, Outcome, Record, Request, Stock, Trial},
    ledger::{
        Appended, Archive, Batch, Cause, Engine, Fault, News, Turn,
        etcd::{
            archive::EtcdArchive,
            batch::EtcdBatch,
            cluster::Access,
            engine::EtcdEngine,
            options::{New, Options, Sizes},
        },
    },
};

/// How many tickets a counter begins with.
pub(crate) const TICKETS: u64 = 1_000_000;

/// How long a state is waited for that has to come.
const PATIENCE: Duration = Duration::from_secs(120);

/// A place at a ledger.
pub(crate) struct Seat {
    engine: EtcdEngine,
    pub(crate) archive: Arc<EtcdArchive>,
    pub(crate) inventory: Inventory,
}

/// An append that was tried.
pub(crate) struct Tried {
    pub(crate) appended: Appended,
    pub(crate) batch: EtcdBatch,
    pub(crate) records: Vec<Record>,
}

/// What was heard in the news.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) own: usize,
    pub(crate) records: Vec<Record>,
}

/// A way to these members, without a user and without TLS.
pub(crate) fn access(members: &[String]) -> Access {
    Access { members: members.to_vec(), user: None, tls: None }
}

impl Seat {
    /// A seat at the counter `hall`, which is made where it is missing.
    pub(crate) fn at(etcd: &Etcd) -> Seat {
        Seat::by(&etcd.addresses())
    }

    /// The same by way of `members`.
    pub(crate) fn by(members: &[String]) -> Seat {
        Seat::with(access(members), Some(TICKETS), Sizes::default())
    }

    pub(crate) fn with(access: Access, tickets: Option<u64>, sizes: Sizes) -> Seat {
        let key = std::array::from_fn(|_| fastrand::u8(..));
        let new = tickets.map(|tickets| New { tickets, key, at_ms: 1 });
        let writer = fastrand::u128(..);
        let options = Options { new, names_max: 1000, sizes, writer };
        let engine = EtcdEngine::new(access, "hall", options).expect("a thread");
        let (archive, stock) = (engine.archive(), Stock::default());
        Seat { engine, archive, inventory: Inventory::new(stock, 0) }
    }

    /// Takes a turn for the news only.
    pub(crate) fn hear(&mut self) -> Result<Heard, Fault> {
        let mut heard = Heard::default();
        self.hear_more(&mut heard)?;
        Ok(heard)
    }

    fn hear_more(&mut self, heard: &mut Heard) -> Result<(), Fault> {
        let mut turn = self.engine.begin()?;
        hear(&mut turn, &mut self.inventory, heard)?;
        turn.end()
    }

    /// The same, however often the cluster has to be asked: on a busy machine an answer may take longer than it may.
    pub(crate) fn hear_in_time(&mut self) -> Heard {
        let mut heard = Heard::default();
        in_time(|| self.hear_more(&mut heard));
        heard
    }

    /// Hears all up to `revision`: nobody is asked before a watch has told that there is something.
    pub(crate) fn hear_up_to(&mut self, revision: u64) -> Heard {
        let mut all = Heard::default();
        eventually("the news", || {
            self.hear_more(&mut all).ok()?;
            (self.inventory.stock().revision >= revision).then_some(())
        });
        all
    }

    /// Takes a turn, and tries to append the sales of `sales` tickets, one record each.
    pub(crate) fn try_to_sell(&mut self, sales: usize) -> Result<Tried, Fault> {
        self.try_to_sell_between(sales, || {})
    }

    /// The same, and does `meanwhile` between the news and the append.
    pub(crate) fn try_to_sell_between(
        &mut self,
        sales: usize,
        meanwhile: impl FnOnce(),
    ) -> Result<Tried, Fault> {
        let mut turn = self.engine.begin()?;
        hear(&mut turn, &mut self.inventory, &mut Heard::default())?;
        let mut batch = turn.batch()?;
        let mut trial = Trial::of(&self.inventory, self.inventory.at_ms() + 1);
        let mut records = Vec::new();
        for _ in 0..sales {
            let buyer = Some(format!("{:0200x}", fastrand::u128(..)).into());
            let request: Request = Command::Buy(Order { quantity: 1, buyer }).into();
            let (_, record) = trial.decide(&self.inventory, &request);
            let record = record.expect("there are tickets");
            assert!(batch.push(&record), "there is room for it");
            trial.fold(&record);
            records.push(record);
        }
        if turn.is_snapshot_due() {
            turn.keep(self.inventory.clone());
        }
        meanwhile();
        let appended = turn.append(&batch);
        if let Appended::Durable = appended {
            fold(&mut self.inventory, &records);
        }
        Ok(Tried { appended, batch, records })
    }

    /// Sells until it is durable; gives the records.
    pub(crate) fn sell(&mut self, sales: usize) -> Vec<Record> {
        let start = Instant::now();
        loop {
            let tried = self.try_to_sell(sales);
            let said = format!("{:?}", tried.as_ref().map(|tried| &tried.appended));
            match tried {
                Ok(Tried { appended: Appended::Durable, records, .. }) => return records,
                Ok(Tried { appended: Appended::Unknown(_), batch, records }) => {
                    if self.settle(&batch, &records) {
                        return records;
                    }
                }
                Ok(Tried { appended: Appended::Lost, .. }) | Err(Fault::Passing(_)) => {}
                Ok(Tried { appended, .. }) => panic!("{appended:?}"),
                Err(Fault::Lasting(cause)) => panic!("{cause}"),
            }
            assert!(start.elapsed() < PATIENCE, "nothing is sold: {said}");
        }
    }

    /// Finds out what became of a batch whose answer was lost, as a writer does; whether it is there.
    pub(crate) fn settle(&mut self, batch: &EtcdBatch, records: &[Record]) -> bool {
        let (start, mut heard) = (Instant::now(), Heard::default());
        loop {
            assert!(start.elapsed() < PATIENCE, "nobody knows what became of it");
            let Ok(mut turn) = self.engine.begin() else { continue };
            if hear(&mut turn, &mut self.inventory, &mut heard).is_err() {
                continue;
            }
            if heard.own > 0 {
                assert_eq!(heard.own, records.len(), "a batch stands whole or not at all");
                return true;
            }
            if !heard.records.is_empty() {
                return false;
            }
            match turn.append(batch) {
                Appended::Durable => {
                    fold(&mut self.inventory, records);
                    return true;
                }
                Appended::Unknown(_) => {}
                appended => panic!("{appended:?}"),
            }
        }
    }

    /// Whether what this one knows is all that there is.
    pub(crate) fn confirm(&mut self) -> Result<bool, Fault> {
        self.engine.begin()?.confirm()
    }

    /// The same, however often the cluster has to be asked.
    pub(crate) fn confirm_in_time(&mut self) -> bool {
        in_time(|| self.confirm())
    }

    /// The records from `first` to `last`, as whoever has a receipt finds them.
    pub(crate) fn look_up(&self, first: u64, last: u64) -> Vec<Record> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let archive: Arc<dyn Archive> = self.archive.clone();
        eventually("a cluster that can be asked", || {
            runtime.block_on(Arc::clone(&archive).records(first, last)).ok()
        })
    }

    /// How many are left, and sold, as this one knows.
    pub(crate) fn count(&self) -> (u64, u64) {
        (self.inventory.stock().remaining, self.inventory.stock().issued)
    }
}

fn hear<T: Turn>(turn: &mut T, inventory: &mut Inventory, heard: &mut Heard) -> Result<(), Fault> {
    turn.news(&mut |news| match news {
        News::Snapshot(snapshot) => *inventory = *snapshot,
        News::Record { record, is_own } => {
            inventory.fold(&record).expect("it follows");
            heard.own += usize::from(is_own);
            heard.records.push(record);
        }
        News::Edited { .. } => panic!("there is no file to edit"),
    })
}

fn fold(inventory: &mut Inventory, records: &[Record]) {
    for record in records {
        inventory.fold(record).expect("it follows");
    }
}

/// The ticket that a record sold.
pub(crate) fn ticket(record: &Record) -> u64 {
    match record.outcome() {
        Some(Outcome::Sold(sale)) => sale.first_ticket,
        outcome => panic!("no sale: {outcome:?}"),
    }
}

/// What `ask` comes to in the end.
#[track_caller]
fn in_time<T>(mut ask: impl FnMut() -> Result<T, Fault>) -> T {
    eventually("an answer", || match ask() {
        Ok(answer) => Some(answer),
        Err(Fault::Passing(_)) => None,
        Err(Fault::Lasting(cause)) => panic!("for good: {cause}"),
    })
}

/// What `ask` comes to once it is answered, whatever the answer.
#[track_caller]
pub(crate) fn answered<T>(mut ask: impl FnMut() -> Result<T, Fault>) -> Result<T, Fault> {
    let is_late = |told: &Result<T, Fault>| match told {
        Err(Fault::Passing(cause)) => cause.to_string().contains("no answer"),
        _ => false,
    };
    eventually("an answer", || Some(ask()).filter(|told| !is_late(told)))
}

/// Why a turn came to nothing, as a person is told.
#[track_caller]
pub(crate) fn passing<T>(result: Result<T, Fault>) -> String {
    match result {
        Err(Fault::Passing(cause)) => cause.to_string(),
        Err(Fault::Lasting(cause)) => panic!("for good: {cause}"),
        Ok(_) => panic!("it came to something"),
    }
}

/// Why no turn will ever come to anything, as a person is told.
#[track_caller]
pub(crate) fn lasting<T>(result: Result<T, Fault>) -> Cause {
    match result {
        Err(Fault::Lasting(cause)) => cause,
        Err(Fault::Passing(cause)) => panic!("for now: {cause}"),
        Ok(_) => panic!("it came to something"),
    }
}
