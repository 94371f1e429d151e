//! Our own server on the engines for more than one machine: one, with one client, and three together.

use std::collections::BTreeMap;

use anyhow::ensure;
use e2e::{Counter, Etcd, Postgres, Program, Server};

use super::{Setting, ours, postgres, roster::on_path};
use crate::{
    load::{Load, Plan},
    protocol::http,
};

/// More tickets than any run can sell.
const TICKETS: u64 = 1 << 40;

/// What is missing for a counter in etcd.
pub(super) fn missing_etcd() -> Option<&'static str> {
    if cfg!(not(feature = "etcd")) {
        return Some("a bench that is built with `--features etcd`");
    }
    on_path("etcd").is_none().then_some("the Debian package `etcd-server`")
}

/// What is missing for a counter in PostgreSQL.
pub(super) fn missing_postgres() -> Option<&'static str> {
    if cfg!(not(feature = "postgres")) {
        return Some("a bench that is built with `--features postgres`");
    }
    postgres::missing()
}

/// A server on three members of etcd.
pub(super) fn etcd(setting: &Setting) -> anyhow::Result<Load> {
    sell_from_etcd(setting, &["a"])
}

/// Three servers on three members of etcd, each with as many clients as one has.
pub(super) fn etcd_three(setting: &Setting) -> anyhow::Result<Load> {
    sell_from_etcd(setting, &["a", "a", "a"])
}

/// The same, each on a counter of its own.
pub(super) fn etcd_apart(setting: &Setting) -> anyhow::Result<Load> {
    sell_from_etcd(setting, &["a", "b", "c"])
}

/// A server on PostgreSQL.
pub(super) fn postgres(setting: &Setting) -> anyhow::Result<Load> {
    sell_from_postgres(setting, &["a"])
}

/// Three servers on PostgreSQL, each with as many clients as one has.
pub(super) fn postgres_three(setting: &Setting) -> anyhow::Result<Load> {
    sell_from_postgres(setting, &["a", "a", "a"])
}

/// The same, each on a counter of its own.
pub(super) fn postgres_apart(setting: &Setting) -> anyhow::Result<Load> {
    sell_from_postgres(setting, &["a", "b", "c"])
}

fn sell_from_etcd(setting: &Setting, counters: &[&str]) -> anyhow::Result<Load> {
    let etcd = Kept::Etcd(Etcd::start());
    sell(setting, counters, |counter| etcd.program(setting, counter))
}

fn sell_from_postgres(setting: &Setting, counters: &[&str]) -> anyhow::Result<Load> {
    let database = Kept::Postgres(Postgres::start());
    sell(setting, counters, |counter| database.program(setting, counter))
}

/// An engine that runs for the bench, and in which counters are kept.
pub(crate) enum Kept {
    /// Files, in a folder of their own.
    File(Counter),
    /// Three members.
    Etcd(Etcd),
    /// Without a standby.
    Postgres(Postgres),
}

impl Kept {
    /// What is missing for an `engine`.
    pub(crate) fn missing(engine: &str) -> Option<&'static str> {
        match engine {
            "etcd" => missing_etcd(),
            "postgres" => missing_postgres(),
            _ => None,
        }
    }

    /// Starts an `engine`.
    pub(crate) fn start(engine: &str) -> Self {
        match engine {
            "etcd" => Self::Etcd(Etcd::start()),
            "postgres" => Self::Postgres(Postgres::start()),
            _ => Self::File(Counter::missing()),
        }
    }

    /// A server of the counter `name` in it.
    pub(crate) fn program(&self, setting: &Setting, name: &str) -> Program {
        let server = setting.server().arg("--db");
        match self {
            Self::File(folder) => server.arg(folder.folder().join(format!("{name}.txt"))),
            Self::Etcd(etcd) => server.arg(etcd.db(name)),
            Self::Postgres(database) => {
                let server = server.arg(database.plain_address(name));
                server.env("PGPASSWORD", database.password())
            }
        }
    }
}

/// Sells from `counters`, a server for each time that one is named, and checks what was taken off each.
fn sell(
    setting: &Setting,
    counters: &[&str],
    program: impl Fn(&str) -> Program,
) -> anyhow::Result<Load> {
    let start = |counter: &&str| {
        let init = TICKETS.to_string();
        Server::start_without_counter(program(counter).args(["--init", &init]))
    };
    let servers: Vec<Server> = counters.iter().map(start).collect();
    let connections = setting.plan.connections * servers.len();
    let load = ours::load(&Plan { connections, ..setting.plan.clone() }, &servers, http::buy)?;
    let left: BTreeMap<&str, u64> =
        counters.iter().copied().zip(servers.iter().map(|server| server.count())).collect();
    let taken_off: u64 = left.values().map(|left| TICKETS - left).sum();
    ensure!(taken_off == load.sales, "{} sold, {taken_off} taken off", load.sales);
    Ok(load)
}
