//! One process at the engine: it learns, and sells a ticket a record.

use std::{io, sync::Arc};

use server::{
    domain::{Change, Inventory, Record, Stock},
    ledger::{
        Appended, Archive, Batch, Cause, Engine, Fault, News, Turn,
        postgres::{
            address::Address,
            batch::PostgresBatch,
            engine::{Options, PostgresEngine},
            session::{Database, Surroundings},
        },
    },
};

/// When all records of these tests are made.
const AT_MS: u64 = 1_000_000;

pub(super) struct Seller {
    engine: PostgresEngine,
    inventory: Option<Inventory>,
}

/// Sales on their way.
pub(super) struct Sales {
    batch: PostgresBatch,
    records: Vec<Record>,
}

/// What came of asking for news.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Learnt {
    /// How many records there were.
    pub(super) records: usize,
    /// How many of them were this process's.
    pub(super) own: usize,
}

fn random() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    fastrand::fill(&mut bytes);
    Ok(bytes)
}

impl Seller {
    /// A process that sells from the counter at `address`, and makes it with `init` tickets where it is missing.
    #[track_caller]
    pub(super) fn at(address: &str, init: Option<u64>) -> Seller {
        let address = Address::parse(address).expect("an address");
        let database = Database::new(address, Surroundings::default()).expect("a database");
        let options = Options { init, names_max: 1000, now_ms: || AT_MS, random };
        let engine = PostgresEngine::new(database, options).expect("threads and sockets");
        Seller { engine, inventory: None }
    }

    /// The same, which has learnt what there is.
    #[track_caller]
    pub(super) fn open(address: &str, init: Option<u64>) -> Seller {
        let mut seller = Seller::at(address, init);
        seller.learn().unwrap_or_else(|cause| panic!("it cannot be opened: {cause}"));
        seller
    }

    /// Learns what others have appended.
    pub(super) fn learn(&mut self) -> Result<Learnt, Fault> {
        let mut learnt = Learnt { records: 0, own: 0 };
        let inventory = &mut self.inventory;
        self.engine.begin()?.news(&mut |news| match news {
            News::Snapshot(told) => *inventory = Some(*told),
            News::Record { record, is_own } => {
                learnt.records += 1;
                learnt.own += usize::from(is_own);
                let known = inventory.as_mut().expect("the snapshot comes first");
                known.fold(&record).expect("every record follows");
            }
            News::Edited { .. } => panic!("nobody can edit this"),
        })?;
        Ok(learnt)
    }

    /// Why it cannot learn anything now.
    #[track_caller]
    pub(super) fn obstacle(&mut self) -> String {
        match self.learn() {
            Ok(_) => panic!("it learns"),
            Err(Fault::Passing(cause) | Fault::Lasting(cause)) => cause.to_string(),
        }
    }

    /// What stands on the counter, as far as it knows.
    pub(super) fn stock(&self) -> Stock {
        self.inventory.as_ref().expect("it has learnt").stock()
    }

    /// A batch that sells `sales` tickets, one a record, behind all that is known.
    #[track_caller]
    pub(super) fn batch(&mut self, sales: u64) -> Sales {
        let mut stock = self.stock();
        let mut turn = self.engine.begin().unwrap_or_else(|cause| panic!("no turn: {cause}"));
        let mut batch = turn.batch().unwrap_or_else(|cause| panic!("no batch: {cause}"));
        let mut records = Vec::new();
        for _ in 0..sales {
            let (first_ticket, buyer) = (stock.issued + 1, Some("Zo\u{eb} \"\\\u{1f3ab}".into()));
            let change = Change::Sold { first_ticket, quantity: 1, buyer, hold: None };
            let (revision, remaining) = (stock.revision + 1, stock.remaining - 1);
            let record = Record { revision, at_ms: AT_MS, remaining, change, key: None };
            assert!(batch.push(&record), "there is room");
            stock = stock.after(&record).expect("it follows");
            records.push(record);
        }
        Sales { batch, records }
    }

    /// Appends `sales`; gives what became of it.
    #[track_caller]
    pub(super) fn append(&mut self, sales: &Sales) -> Appended {
        let turn = self.engine.begin();
        turn.unwrap_or_else(|cause| panic!("no turn: {cause}")).append(&sales.batch)
    }

    /// Sells `sales` tickets in one batch, and learns that from the ledger, as another would.
    pub(super) fn try_to_sell(&mut self, sales: u64) -> Appended {
        let batch = self.batch(sales);
        let appended = self.append(&batch);
        if let Appended::Durable = appended {
            let inventory = self.inventory.as_mut().expect("it has learnt");
            for record in &batch.records {
                inventory.fold(record).expect("its own batch follows");
            }
        }
        appended
    }

    /// The same, which has to be durable.
    #[track_caller]
    pub(super) fn sell(&mut self, sales: u64) {
        let appended = self.try_to_sell(sales);
        assert!(matches!(appended, Appended::Durable), "{appended:?}");
    }

    /// Whether all that it knows is all that there is.
    #[track_caller]
    pub(super) fn confirm(&mut self) -> bool {
        let turn = self.engine.begin();
        let confirmed = turn.unwrap_or_else(|cause| panic!("no turn: {cause}")).confirm();
        confirmed.unwrap_or_else(|cause| panic!("nobody knows: {cause}"))
    }

    /// The records from `first` to `last`, beside the turns.
    pub(super) fn records(&self, first: u64, last: u64) -> Result<Vec<Record>, Cause> {
        let archive = Arc::new(self.engine.archive());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(archive.records(first, last))
    }

    /// Whether somebody is said to have gone on.
    pub(super) fn hears_news(&self) -> bool {
        self.engine.archive().may_have_news(self.stock())
    }

    /// Keeps a snapshot of what it knows.
    #[track_caller]
    pub(super) fn keep_snapshot(&mut self) {
        let inventory = self.inventory.clone().expect("it has learnt");
        let turn = self.engine.begin();
        turn.unwrap_or_else(|cause| panic!("no turn: {cause}")).keep(inventory);
    }
}
