//! Which systems there are, in the order of a round.

use std::{env, path::PathBuf, time::Duration};

use e2e::Program;

use super::{fdatasync, ours, postgres, redis, sqlite};
use crate::load::{Load, Plan};

/// One of the systems.
#[derive(Clone, Copy)]
pub(crate) struct System {
    /// Its name, as in `--only`.
    pub(crate) name: &'static str,
    /// What it does for an answer.
    pub(crate) about: &'static str,
    /// Starts it, loads it, checks what it sold, and ends it.
    pub(crate) measure: fn(&Setting) -> anyhow::Result<Load>,
    /// The Debian package that is missing for it, if one is.
    pub(crate) missing: fn() -> Option<&'static str>,
}

/// What all systems are told.
pub(crate) struct Setting {
    /// How much load.
    pub(crate) plan: Plan,
    /// The program that is the server, and the argument that makes it one.
    pub(crate) server: (PathBuf, Option<&'static str>),
}

impl Setting {
    /// The server's program, to be given its arguments.
    pub(crate) fn server(&self) -> Program {
        let (path, first) = &self.server;
        Program::new(path).args(first)
    }

    /// The same load by one client.
    pub(crate) fn single(&self) -> Plan {
        Plan { connections: 1, threads: 1, ..self.plan.clone() }
    }

    /// Warm-up and window together.
    pub(crate) fn length(&self) -> Duration {
        self.plan.warm_up + self.plan.window
    }
}

/// Where the program `name` is, if it is on the `PATH`.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn nothing() -> Option<&'static str> {
    None
}

/// All systems; what is compared stands close together, so that it meets the same weather.
pub(crate) const ALL: [System; 12] = [
    System {
        name: "noop",
        about: "`server noop`: a fixed answer to `POST /buy`, no counter",
        measure: ours::noop,
        missing: nothing,
    },
    System {
        name: "synced",
        about: "`server`: the group commit, on the disk before the answer",
        measure: ours::synced,
        missing: nothing,
    },
    System {
        name: "buffered",
        about: "`server --durability buffered`: with the kernel before the answer",
        measure: ours::buffered,
        missing: nothing,
    },
    System {
        name: "two",
        about: "two of `synced` on one counter, half of the clients each",
        measure: ours::two,
        missing: nothing,
    },
    System {
        name: "redis",
        about: "Redis, `appendfsync always`, a Lua script that writes a receipt",
        measure: redis::measure,
        missing: redis::missing,
    },
    System {
        name: "postgres",
        about: "PostgreSQL, one hot row and a receipt row in one prepared statement",
        measure: postgres::measure,
        missing: postgres::missing,
    },
    System {
        name: "sqlite",
        about: "SQLite, WAL, `synchronous=FULL`, in the bench itself: no socket, no HTTP",
        measure: sqlite::measure,
        missing: nothing,
    },
    System {
        name: "file",
        about: "`server --locking file`: one buy at a time under the lock, not synced",
        measure: ours::file,
        missing: nothing,
    },
    System {
        name: "search-noop",
        about: "`server noop`: a fixed answer to `GET /search`",
        measure: ours::search_noop,
        missing: nothing,
    },
    System {
        name: "search",
        about: "`server`: `GET /search`",
        measure: ours::search,
        missing: nothing,
    },
    System {
        name: "fdatasync",
        about: "nothing but `fdatasync` of 64 to 512 bytes in a preallocated file",
        measure: fdatasync::measure,
        missing: nothing,
    },
    System {
        name: "single",
        about: "`synced` with one client",
        measure: ours::single,
        missing: nothing,
    },
];
