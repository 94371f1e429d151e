//! Our own server: durable, buffered, in pairs, in the lesson's way, and without a counter.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use e2e::{Counter, Server};

use super::Setting;
use crate::{
    load::{self, Load, Plan},
    protocol::http,
};

/// More tickets than any run can sell.
const TICKETS: u64 = 1 << 40;

/// The handler that does nothing, asked to sell.
pub(super) fn noop(setting: &Setting) -> anyhow::Result<Load> {
    let server = Server::start_without_counter(setting.server().arg("noop"));
    let address = address(&server)?;
    load::run(&setting.plan, &[address], http::buy(address))
}

/// The handler that does nothing, asked what is left.
pub(super) fn search_noop(setting: &Setting) -> anyhow::Result<Load> {
    let server = Server::start_without_counter(setting.server().arg("noop"));
    let address = address(&server)?;
    load::run(&setting.plan, &[address], http::search(address))
}

/// The group commit, asked what is left.
pub(super) fn search(setting: &Setting) -> anyhow::Result<Load> {
    let counter = Counter::with(TICKETS);
    let server = Server::start(setting.server(), &counter);
    let address = address(&server)?;
    load::run(&setting.plan, &[address], http::search(address))
}

/// The group commit.
pub(super) fn synced(setting: &Setting) -> anyhow::Result<Load> {
    sell(setting, &setting.plan, &[], 1)
}

/// The group commit with one client.
pub(super) fn single(setting: &Setting) -> anyhow::Result<Load> {
    sell(setting, &setting.single(), &[], 1)
}

/// The group commit without the sync.
pub(super) fn buffered(setting: &Setting) -> anyhow::Result<Load> {
    sell(setting, &setting.plan, &["--durability", "buffered"], 1)
}

/// Two servers on one counter.
pub(super) fn two(setting: &Setting) -> anyhow::Result<Load> {
    sell(setting, &setting.plan, &[], 2)
}

/// One buy at a time under the file lock.
pub(super) fn file(setting: &Setting) -> anyhow::Result<Load> {
    // The lock is not fair: a buyer may wait long before its turn comes.
    sell(setting, &setting.plan, &["--locking", "file", "--lock-timeout", "30s"], 1)
}

fn sell(
    setting: &Setting,
    plan: &Plan,
    arguments: &[&str],
    servers: usize,
) -> anyhow::Result<Load> {
    let counter = Counter::with(TICKETS);
    let program = setting.server().args(arguments);
    let servers =
        (0..servers).map(|_| Server::start(program.clone(), &counter)).collect::<Vec<_>>();
    let addresses = servers.iter().map(address).collect::<anyhow::Result<Vec<_>>>()?;
    let load = load::run(plan, &addresses, http::buy(addresses[0]))?;
    let taken_off = TICKETS - counter.count();
    ensure!(taken_off == load.sales, "{} sold, {taken_off} taken off db.txt", load.sales);
    Ok(load)
}

fn address(server: &Server) -> anyhow::Result<SocketAddr> {
    server.address().parse().context("a server says where it listens")
}
