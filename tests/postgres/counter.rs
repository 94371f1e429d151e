//! Where the counters of the contract are kept: in a database that all its tests share.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use e2e::{Postgres, Running, Shared};
use tempfile::TempDir;

static POSTGRES: Shared<Postgres> = Shared::new(Postgres::start);

/// A counter of the test's own, and a folder for its files.
pub(crate) struct Counter {
    folder: TempDir,
    postgres: Arc<Running<Postgres>>,
    name: String,
    tickets: u64,
}

impl Counter {
    /// A counter with so many tickets, which the first server makes.
    #[track_caller]
    pub(crate) fn with(tickets: u64) -> Counter {
        static COUNTERS: AtomicU64 = AtomicU64::new(0);
        let name = format!("counter-{}", COUNTERS.fetch_add(1, Ordering::Relaxed));
        let folder = tempfile::tempdir().expect("a temporary folder");
        Counter { folder, postgres: POSTGRES.get(), name, tickets }
    }

    /// A folder of the test's own.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where it is, as `server` is told.
    pub(crate) fn arguments(&self) -> [String; 4] {
        let [db, init] = ["--db", "--init"].map(str::to_owned);
        [db, self.postgres.address(&self.name), init, self.tickets.to_string()]
    }

    /// What is left, as its row says.
    #[track_caller]
    pub(crate) fn count(&self) -> u64 {
        let sql = format!("SELECT count FROM ticket_counter.counter WHERE name = '{}'", self.name);
        self.postgres.sql(&sql).parse().expect("a count")
    }
}
