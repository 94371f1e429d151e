//! Where counters of tests are kept: in files, and in a cluster and a database that all tests share.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use e2e::{Etcd, Finished, Postgres, Program, Running, Server, Shared, eventually};
use tempfile::TempDir;

/// The token of the operator.
pub(crate) const TOKEN: &str = "a-long-secret-of-the-operator";

static ETCD: Shared<Etcd> = Shared::new(Etcd::start);
static POSTGRES: Shared<Postgres> = Shared::new(Postgres::start);

/// An engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    File,
    Etcd,
    Postgres,
}

/// Where the counters of one test are kept.
pub(crate) struct Places {
    pub(crate) folder: TempDir,
    pub(crate) etcd: Arc<Running<Etcd>>,
    pub(crate) postgres: Arc<Running<Postgres>>,
    test: u64,
}

impl Places {
    pub(crate) fn new() -> Places {
        static TESTS: AtomicU64 = AtomicU64::new(0);
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("token"), TOKEN).expect("the test's own folder");
        let (etcd, postgres) = (ETCD.get(), POSTGRES.get());
        Places { folder, etcd, postgres, test: TESTS.fetch_add(1, Ordering::Relaxed) }
    }

    /// The name of the counter `name` of this test alone.
    pub(crate) fn own(&self, name: &str) -> String {
        format!("{name}-{}", self.test)
    }

    /// The address of the counter `name` on `engine`, for `--db`.
    pub(crate) fn db(&self, engine: Engine, name: &str) -> String {
        match engine {
            Engine::File => self.file(name).display().to_string(),
            Engine::Etcd => self.etcd.db(&self.own(name)),
            Engine::Postgres => self.postgres.plain_address(&self.own(name)),
        }
    }

    /// The counter's file.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.txt"))
    }

    /// `server` with these `arguments`, which can get into the database.
    pub(crate) fn server(&self, arguments: &[&str]) -> Program {
        Program::new(env!("CARGO_BIN_EXE_e2e-server"))
            .args(arguments)
            .env("PGPASSWORD", self.postgres.password())
    }

    /// The same, into which strace injects `fault`.
    pub(crate) fn server_under(&self, fault: &str, arguments: &[&str]) -> Program {
        let call = fault.split(':').next().unwrap_or_default();
        // The tracer is the grandchild, so the process that the harness knows is the server.
        Program::new("strace")
            .args(["-D", "-f", "-qq", "-o", "/dev/null", "-e"])
            .args([&format!("trace={call}"), "-e", &format!("inject={fault}")])
            .arg(env!("CARGO_BIN_EXE_e2e-server"))
            .args(arguments)
            .env("PGPASSWORD", self.postgres.password())
    }

    /// A server on the counter at `db`, with an operator.
    #[track_caller]
    pub(crate) fn serve(&self, db: &str) -> Server {
        self.serve_with(db, &[])
    }

    /// The same with these `arguments`.
    #[track_caller]
    pub(crate) fn serve_with(&self, db: &str, arguments: &[&str]) -> Server {
        let token = self.folder.path().join("token").display().to_string();
        let program = self.server(&["--db", db, "--admin-token-file", &token]).args(arguments);
        let server = Server::start_without_counter(program);
        // It listens before it has read a ledger that may be away.
        eventually("a server that is ready", || {
            (server.get("/readyz").status == 200).then_some(())
        });
        server
    }

    #[track_caller]
    pub(crate) fn import(&self, from: &str, to: &str) -> Finished {
        self.server(&["import", "--from", from, "--db", to]).run()
    }

    #[track_caller]
    pub(crate) fn verify(&self, db: &str) -> Finished {
        self.server(&["verify", "--db", db]).run()
    }

    /// Fails unless the counter at `db` is sound; gives the line of its counts, and what they come to.
    #[track_caller]
    pub(crate) fn assert_sound(&self, db: &str) -> Vec<String> {
        let said = self.verify(db);
        assert!(said.code == Some(0) && said.stdout.ends_with("\nsound\n"), "{said:?}");
        let mut lines = said.stdout.lines().map(str::to_owned);
        let counts = lines.by_ref().find_map(|line| {
            let (_, counts) = line.split_once(" records, ")?;
            Some(counts.to_owned())
        });
        let conserved = lines.find(|line| line.starts_with("conservation: "));
        vec![counts.expect("its counts"), conserved.expect("what they come to")]
    }
}
