//! Our own server on the engines for more than one machine: one, with one client, and three together.

use anyhow::ensure;
use e2e::{Etcd, Postgres, Program, Server};

use super::{Setting, ours, postgres, roster::on_path};
use crate::{
    load::{Load, Plan},
    protocol::http,
};

/// More tickets than any run can sell.
const TICKETS: u64 = 1 << 40;

/// The name of the counter.
const NAME: &str = "bench";

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
    sell_from_etcd(setting, 1)
}

/// Three servers on three members of etcd, each with as many clients as one has.
pub(super) fn etcd_three(setting: &Setting) -> anyhow::Result<Load> {
    sell_from_etcd(setting, 3)
}

/// A server on PostgreSQL.
pub(super) fn postgres(setting: &Setting) -> anyhow::Result<Load> {
    sell_from_postgres(setting, 1)
}

/// Three servers on PostgreSQL, each with as many clients as one has.
pub(super) fn postgres_three(setting: &Setting) -> anyhow::Result<Load> {
    sell_from_postgres(setting, 3)
}

fn sell_from_etcd(setting: &Setting, servers: usize) -> anyhow::Result<Load> {
    let etcd = Etcd::start();
    sell(setting, servers, &setting.server().args(["--db", &etcd.db(NAME)]))
}

fn sell_from_postgres(setting: &Setting, servers: usize) -> anyhow::Result<Load> {
    let database = Postgres::start();
    let program = setting.server().args(["--db", &database.plain_address(NAME)]);
    sell(setting, servers, &program.env("PGPASSWORD", database.password()))
}

/// Sells through some of `program`, and checks what was taken off the counter.
fn sell(setting: &Setting, servers: usize, program: &Program) -> anyhow::Result<Load> {
    let start = |_| {
        let init = TICKETS.to_string();
        Server::start_without_counter(program.clone().args(["--init", &init]))
    };
    let servers: Vec<Server> = (0..servers).map(start).collect();
    let connections = setting.plan.connections * servers.len();
    let load = ours::load(&Plan { connections, ..setting.plan.clone() }, &servers, http::buy)?;
    for server in &servers {
        let taken_off = TICKETS - server.count();
        ensure!(taken_off == load.sales, "{} sold, {taken_off} taken off", load.sales);
    }
    Ok(load)
}
