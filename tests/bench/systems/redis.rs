//! Redis with an append-only file that is synced before each answer.
//!
//! Redis runs a script alone, from its first command to its last, so the script is the sale.

use std::{net::SocketAddr, thread, time::Duration};

use anyhow::{Context as _, ensure};
use e2e::{Process, Program};
use loadgen::engines::free_addresses;

use super::Setting;
use crate::{
    load::{self, Load},
    protocol::resp,
    question::Conversation,
};

/// More tickets than any run can sell.
const TICKETS: u64 = 1 << 40;

/// Checks the count, takes one off, writes the receipt; gives the ticket, or 0 when sold out.
const SELL: &str = "\
    if tonumber(redis.call('GET', KEYS[1])) < 1 then return 0 end \
    local remaining = redis.call('DECR', KEYS[1]) \
    local ticket = redis.call('HLEN', KEYS[2]) + 1 \
    redis.call('HSET', KEYS[2], ticket, remaining) \
    return ticket";

/// How long to rest before asking again whether it is up.
const REST: Duration = Duration::from_millis(10);

/// What is missing.
pub(super) fn missing() -> Option<&'static str> {
    let is_there = super::roster::on_path("redis-server").is_some();
    (!is_there).then_some("the Debian package `redis-server`")
}

/// Starts Redis in a folder of its own and sells from it.
pub(super) fn measure(setting: &Setting) -> anyhow::Result<Load> {
    let folder = tempfile::tempdir()?;
    let addresses = free_addresses(1)?;
    let address = addresses[0];
    let process = Program::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &address.port().to_string()])
        .args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""])
        .arg("--dir")
        .arg(folder.path())
        .start();
    let mut redis = Redis(connect(&process, address)?);
    redis.ask(&["SET", "count", &TICKETS.to_string()])?;
    let script = redis.ask(&["SCRIPT", "LOAD", SELL])?;
    let sell = ["EVALSHA", &script, "2", "count", "receipts"];
    let load = load::run(&setting.plan, &[address], resp::repeat(&sell))?;
    let taken_off = TICKETS - redis.number(&["GET", "count"])?;
    let receipts = redis.number(&["HLEN", "receipts"])?;
    let sales = load.sales;
    ensure!(
        (taken_off, receipts) == (sales, sales),
        "{sales} sold, {taken_off} taken off, {receipts} receipts"
    );
    Ok(load)
}

struct Redis(Conversation);

impl Redis {
    fn ask(&mut self, command: &[&str]) -> anyhow::Result<String> {
        let answer = self.0.ask(&resp::encode(command))?;
        Ok(resp::text(&answer)?.to_owned())
    }

    fn number(&mut self, command: &[&str]) -> anyhow::Result<u64> {
        self.ask(command)?.parse().with_context(|| format!("no number from {command:?}"))
    }
}

fn connect(process: &Process, address: SocketAddr) -> anyhow::Result<Conversation> {
    loop {
        match Conversation::open(address, resp::read) {
            Ok(conversation) => return Ok(conversation),
            Err(_) if process.is_running() => thread::sleep(REST),
            Err(cause) => {
                return Err(cause.context(format!("no Redis: {}", process.stdout().text())));
            }
        }
    }
}
