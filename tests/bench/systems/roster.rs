//! Which systems there are, in the order of a round.

use std::{env, path::PathBuf, time::Duration};

use anyhow::Context as _;
use e2e::Program;

use super::{engines, fdatasync, ours, outsider, postgres, redis, sqlite};
use crate::load::{Load, Plan};

/// One of the systems.
#[derive(Clone, Copy)]
pub(crate) struct System {
    /// Its name, as in `--only`.
    pub(crate) name: &'static str,
    /// What it does for an answer.
    pub(crate) about: &'static str,
    /// What is missing for it, if anything is.
    pub(crate) missing: fn() -> Option<&'static str>,
    /// How many clients ask at once, where it is not as many as the setting says.
    connections: Option<usize>,
    /// Starts it, loads it, checks what it sold, and ends it.
    measure: fn(&Setting) -> anyhow::Result<Load>,
}

/// What all systems are told.
#[derive(Clone)]
pub(crate) struct Setting {
    /// How much load.
    pub(crate) plan: Plan,
    /// The program that is the server, and the argument that makes it one.
    pub(crate) server: (PathBuf, Option<&'static str>),
    /// The program of another server to compare it with.
    pub(crate) against: Option<PathBuf>,
}

impl System {
    const fn new(
        name: &'static str,
        about: &'static str,
        measure: fn(&Setting) -> anyhow::Result<Load>,
    ) -> System {
        System { name, about, missing: || None, connections: None, measure }
    }

    const fn asked_by(self, connections: usize) -> System {
        System { connections: Some(connections), ..self }
    }

    const fn unless(self, missing: fn() -> Option<&'static str>) -> System {
        System { missing, ..self }
    }

    /// Whether it is of the server that `--against` names.
    pub(crate) fn is_former(&self) -> bool {
        self.name.starts_with("former")
    }

    /// Starts it, loads it, checks what it sold, and ends it.
    ///
    /// # Errors
    /// Where it fails, or sold another number than clients were told.
    pub(crate) fn measure(&self, setting: &Setting) -> anyhow::Result<Load> {
        let connections = self.connections.unwrap_or(setting.plan.connections);
        let plan = Plan { connections, ..setting.plan.clone() };
        (self.measure)(&Setting { plan, ..setting.clone() })
    }
}

impl Setting {
    /// The server's program, to be given its arguments.
    pub(crate) fn server(&self) -> Program {
        let (path, first) = &self.server;
        Program::new(path).args(first)
    }

    /// Warm-up and window together.
    pub(crate) fn length(&self) -> Duration {
        self.plan.warm_up + self.plan.window
    }
}

/// The system of that name.
///
/// # Errors
/// There is none.
pub(crate) fn named(name: &str) -> anyhow::Result<System> {
    let system = ALL.into_iter().find(|system| system.name == name);
    system.with_context(|| format!("there is no system `{name}`"))
}

/// Where the program `name` is, if it is on the `PATH`.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// All systems; what is compared stands close together, so that it meets the same weather.
pub(crate) const ALL: [System; 31] = [
    System::new("noop", "`server noop`: a fixed answer to `POST /buy`, no counter", ours::noop),
    System::new(
        "noop-synced",
        "`server noop --synced`: the same, each batch held for one write and one sync",
        ours::noop_synced,
    ),
    System::new(
        "synced",
        "`server`: the group commit, on the disk before the answer",
        ours::synced,
    ),
    System::new("former", "`synced` of the server that `--against` names", ours::former),
    System::new("noop-10", "`noop` with 10 clients", ours::noop).asked_by(10),
    System::new("noop-synced-10", "`noop-synced` with 10 clients", ours::noop_synced).asked_by(10),
    System::new("synced-10", "`synced` with 10 clients", ours::synced).asked_by(10),
    System::new("former-10", "`former` with 10 clients", ours::former).asked_by(10),
    System::new("noop-1000", "`noop` with 1,000 clients", ours::noop).asked_by(1000),
    System::new("noop-synced-1000", "`noop-synced` with 1,000 clients", ours::noop_synced)
        .asked_by(1000),
    System::new("synced-1000", "`synced` with 1,000 clients", ours::synced).asked_by(1000),
    System::new("former-1000", "`former` with 1,000 clients", ours::former).asked_by(1000),
    System::new(
        "outsider",
        "the waits of somebody else for `flock db.txt` while `synced` sells",
        outsider::measure,
    ),
    System::new(
        "on-etcd-single",
        "`server --db etcd://…`, three members, one client",
        engines::etcd,
    )
    .asked_by(1)
    .unless(engines::missing_etcd),
    System::new("on-etcd", "`server --db etcd://…`, three members", engines::etcd)
        .unless(engines::missing_etcd),
    System::new(
        "on-etcd-three",
        "three of `on-etcd` on one counter, each with its clients",
        engines::etcd_three,
    )
    .unless(engines::missing_etcd),
    System::new("on-etcd-apart", "the same on a counter each", engines::etcd_apart)
        .unless(engines::missing_etcd),
    System::new("on-postgres-single", "`server --db postgres://…`, one client", engines::postgres)
        .asked_by(1)
        .unless(engines::missing_postgres),
    System::new("on-postgres", "`server --db postgres://…`", engines::postgres)
        .unless(engines::missing_postgres),
    System::new(
        "on-postgres-three",
        "three of `on-postgres` on one counter, each with its clients",
        engines::postgres_three,
    )
    .unless(engines::missing_postgres),
    System::new("on-postgres-apart", "the same on a counter each", engines::postgres_apart)
        .unless(engines::missing_postgres),
    System::new("two", "two of `synced` on one counter, half of the clients each", ours::two),
    System::new(
        "redis",
        "Redis, `appendfsync always`, a Lua script that writes a receipt",
        redis::measure,
    )
    .unless(redis::missing),
    System::new(
        "postgres",
        "PostgreSQL, one hot row and a receipt row in one prepared statement",
        postgres::measure,
    )
    .unless(postgres::missing),
    System::new(
        "sqlite",
        "SQLite, WAL, `synchronous=FULL`, in the bench itself: no socket, no HTTP",
        sqlite::measure,
    ),
    System::new(
        "file",
        "`server --locking file`: one buy at a time under the lock, not synced",
        ours::file,
    ),
    System::new(
        "buffered",
        "`server --durability buffered`: with the kernel before the answer",
        ours::buffered,
    ),
    System::new("search-noop", "`server noop`: a fixed answer to `GET /search`", ours::search_noop),
    System::new("search", "`server`: `GET /search`", ours::search),
    System::new(
        "fdatasync",
        "nothing but `fdatasync` of 64 to 512 bytes in a preallocated file",
        fdatasync::measure,
    ),
    System::new("single", "`synced` with one client", ours::synced).asked_by(1),
];
