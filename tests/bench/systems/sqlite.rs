//! SQLite in the bench itself: threads that sell from one file.
//!
//! That favours SQLite: a sale crosses no socket and no HTTP, and no other process needs a core.

use std::{
    path::Path,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use anyhow::{anyhow, ensure};
use hdrhistogram::Histogram;
use rusqlite::{Connection, TransactionBehavior};

use super::Setting;
use crate::load::{self, Load, nanoseconds};

/// More tickets than any run can sell.
const TICKETS: i64 = 1 << 40;

/// How many threads sell: one sells the most, since SQLite has one writer at a time anyway.
const SELLERS: usize = 1;

/// How long a seller waits for the others.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

const SCHEMA: &str = "\
    CREATE TABLE counter (id INTEGER PRIMARY KEY, count INTEGER NOT NULL, sold INTEGER NOT NULL);\
    CREATE TABLE receipt (ticket INTEGER PRIMARY KEY, remaining INTEGER NOT NULL);";

const TAKE_ONE_OFF: &str = "UPDATE counter SET count = count - 1, sold = sold + 1 \
                            WHERE id = 1 AND count > 0 RETURNING sold, count";

/// Sells from a file in a folder of its own.
pub(super) fn measure(setting: &Setting) -> anyhow::Result<Load> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("counter.sqlite");
    let counter = open(&path)?;
    counter.execute_batch(SCHEMA)?;
    counter.execute("INSERT INTO counter VALUES (1, ?1, 0)", [TICKETS])?;
    let barrier = Barrier::new(SELLERS);
    let shares = thread::scope(|scope| {
        let sellers = [(); SELLERS].map(|()| scope.spawn(|| sell(setting, &path, &barrier)));
        let ended = sellers
            .into_iter()
            .map(|seller| seller.join().unwrap_or_else(|_| Err(anyhow!("a seller panicked"))));
        ended.collect::<anyhow::Result<Vec<_>>>()
    })?;
    let mut load = Load::empty()?;
    for (sales, latency_ns) in shares {
        load.sales += sales;
        load.latency_ns.add(latency_ns)?;
    }
    load.rate_rps = load::rate(load.latency_ns.len(), setting.plan.window);
    let counts = "SELECT ?1 - count, (SELECT count(*) FROM receipt) FROM counter";
    let (taken_off, receipts): (i64, i64) =
        counter.query_row(counts, [TICKETS], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let sales = i64::try_from(load.sales)?;
    ensure!(
        (taken_off, receipts) == (sales, sales),
        "{sales} sold, {taken_off} taken off, {receipts} receipts"
    );
    Ok(load)
}

fn open(path: &Path) -> anyhow::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// One seller's sales, and the latencies of those in the window.
fn sell(
    setting: &Setting,
    path: &Path,
    barrier: &Barrier,
) -> anyhow::Result<(u64, Histogram<u64>)> {
    let connection = open(path);
    // IMPORTANT: also where that failed, or the other sellers would wait for ever.
    barrier.wait();
    let mut connection = connection?;
    let (mut sales, mut latency_ns) = (0, load::histogram()?);
    let start = Instant::now() + setting.plan.warm_up;
    let end = start + setting.plan.window;
    let mut asked = Instant::now();
    while asked < end {
        sell_one(&mut connection)?;
        let sold = Instant::now();
        sales += 1;
        if (start..end).contains(&sold) {
            latency_ns.record(nanoseconds(sold - asked))?;
        }
        asked = sold;
    }
    Ok((sales, latency_ns))
}

fn sell_one(connection: &mut Connection) -> rusqlite::Result<()> {
    let sale = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (ticket, remaining): (i64, i64) =
        sale.prepare_cached(TAKE_ONE_OFF)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    sale.prepare_cached("INSERT INTO receipt VALUES (?1, ?2)")?.execute([ticket, remaining])?;
    sale.commit()
}
