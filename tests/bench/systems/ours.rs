//! Our own server: durable, buffered, in pairs, in the lesson's way, and without a counter.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use e2e::{Counter, Server};

use super::Setting;
use crate::{
    load::{self, Load, Plan},
    machine,
    protocol::{Protocol, http},
};

/// More tickets than any run can sell.
const TICKETS: u64 = 1 << 40;

/// The handler that does nothing, asked to sell.
pub(super) fn noop(setting: &Setting) -> anyhow::Result<Load> {
    answer(setting, &["noop"], http::buy)
}

/// The handler that does nothing but hold each batch for a write and a sync.
pub(super) fn noop_synced(setting: &Setting) -> anyhow::Result<Load> {
    answer(setting, &["noop", "--synced"], http::buy)
}

/// The handler that does nothing, asked what is left.
pub(super) fn search_noop(setting: &Setting) -> anyhow::Result<Load> {
    answer(setting, &["noop"], http::search)
}

/// The group commit, asked what is left.
pub(super) fn search(setting: &Setting) -> anyhow::Result<Load> {
    let counter = counter();
    let server = Server::start(setting.server(), &counter);
    load(&setting.plan, &[server], http::search)
}

/// The group commit.
pub(super) fn synced(setting: &Setting) -> anyhow::Result<Load> {
    sell(setting, &[], 1)
}

/// The group commit of another build.
pub(super) fn former(setting: &Setting) -> anyhow::Result<Load> {
    let former = setting.against.clone().context("`--against` says which server that is")?;
    synced(&Setting { server: (former, None), ..setting.clone() })
}

/// The group commit without the sync.
pub(super) fn buffered(setting: &Setting) -> anyhow::Result<Load> {
    sell(setting, &["--durability", "buffered"], 1)
}

/// Two servers on one counter.
pub(super) fn two(setting: &Setting) -> anyhow::Result<Load> {
    sell(setting, &[], 2)
}

/// One buy at a time under the file lock.
pub(super) fn file(setting: &Setting) -> anyhow::Result<Load> {
    // The lock is not fair: a buyer may wait long before its turn comes.
    sell(setting, &["--locking", "file", "--lock-timeout", "30s"], 1)
}

/// A counter that no run can sell out.
pub(super) fn counter() -> Counter {
    Counter::with(TICKETS)
}

/// Sells from `counter` through some servers with `arguments`, and checks what was taken off.
pub(super) fn sell_from(
    counter: &Counter,
    setting: &Setting,
    arguments: &[&str],
    servers: usize,
) -> anyhow::Result<Load> {
    let program = setting.server().args(arguments);
    let servers = (0..servers).map(|_| Server::start(program.clone(), counter)).collect::<Vec<_>>();
    let load = load(&setting.plan, &servers, http::buy)?;
    let taken_off = TICKETS - counter.count();
    ensure!(taken_off == load.sales, "{} sold, {taken_off} taken off db.txt", load.sales);
    Ok(load)
}

fn sell(setting: &Setting, arguments: &[&str], servers: usize) -> anyhow::Result<Load> {
    sell_from(&counter(), setting, arguments, servers)
}

/// The server with `arguments`, without a counter, in a folder for what it writes.
fn answer(
    setting: &Setting,
    arguments: &[&str],
    ask: fn(SocketAddr) -> Protocol,
) -> anyhow::Result<Load> {
    let folder = tempfile::tempdir()?;
    let program = setting.server().args(arguments).inside(folder.path());
    load(&setting.plan, &[Server::start_without_counter(program)], ask)
}

/// What clients see who ask the `servers` in turn, and what it costs the servers.
pub(super) fn load(
    plan: &Plan,
    servers: &[Server],
    ask: fn(SocketAddr) -> Protocol,
) -> anyhow::Result<Load> {
    let address = |server: &Server| server.address().parse().context("it says where it listens");
    let addresses = servers.iter().map(address).collect::<anyhow::Result<Vec<_>>>()?;
    let processor_s = || {
        let each = servers.iter().map(|server| machine::processor_s(server.pid()));
        each.sum::<anyhow::Result<f64>>()
    };
    let before = processor_s()?;
    let load = load::run(plan, &addresses, ask(addresses[0]))?;
    #[expect(clippy::cast_precision_loss, reason = "no bench counts to 2^53")]
    let server_us = (processor_s()? - before) * 1e6 / load.sales as f64;
    Ok(Load { server_us: Some(server_us), ..load })
}
