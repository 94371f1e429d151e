//! Where the counters of the contract are kept: in a cluster that all its tests share.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use e2e::{Etcd, Running, Shared};
use server::ledger::etcd::text::{Head, read_line};
use tempfile::TempDir;

static ETCD: Shared<Etcd> = Shared::new(Etcd::start);

/// A counter of the test's own, and a folder for its files.
pub(crate) struct Counter {
    folder: TempDir,
    etcd: Arc<Running<Etcd>>,
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
        Counter { folder, etcd: ETCD.get(), name, tickets }
    }

    /// A folder of the test's own.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where it is, as `server` is told.
    pub(crate) fn arguments(&self) -> [String; 4] {
        let [db, init] = ["--db", "--init"].map(str::to_owned);
        [db, self.etcd.db(&self.name), init, self.tickets.to_string()]
    }

    /// What is left, as its head says.
    #[track_caller]
    pub(crate) fn count(&self) -> u64 {
        let key = format!("tickets/{}/head", self.name);
        let said = self.etcd.ctl(&["get", &key, "--print-value-only"]).stdout;
        // `etcdctl` ends it with a newline of its own.
        let line = said.strip_suffix('\n').unwrap_or_default();
        read_line::<Head>(line.as_bytes()).expect("a head").count
    }
}
