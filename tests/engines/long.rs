//! Counters of many sales: how long they take to move is printed.

use std::{
    env, io,
    path::Path,
    process,
    time::{Duration, Instant},
};

use server::{
    domain::{Change, Record, Stock},
    ledger::{
        Appended, Batch as _, Engine as _, Turn as _,
        file::{
            creation, disk::RealDisk, engine::FileEngine, layout::Layout,
            log::preallocation::Sizes, options::Options,
        },
    },
};

use crate::kept::{
    Engine::{Etcd, Postgres},
    Places,
};

/// How many tickets are sold, where `IMPORT_SALES` does not say how many.
const SALES: u64 = 20_000;

/// How long a move of any number of them may take.
const PATIENCE: Duration = Duration::from_secs(3600);

/// When all of them are sold.
const AT_MS: u64 = 1_790_000_000_000;

/// Makes a counter at `head` of so many sales, each with a buyer and a key, of which none is left.
#[track_caller]
fn sell_all(head: &Path, sales: u64) {
    let layout = Layout::around(head);
    creation::create(&RealDisk, &layout, sales, (process::id(), 1)).expect("the test's own folder");
    let random = || -> io::Result<[u8; 32]> { Ok([fastrand::u8(..); 32]) };
    let options = Options {
        synced: false,
        process: process::id(),
        names_max: 0,
        sizes: Sizes::default(),
        now_ms: || AT_MS,
        random,
        in_background: |job| {
            job();
            Ok(())
        },
        pause: |_| {},
    };
    let opened = FileEngine::open(&RealDisk, head, options);
    let (mut engine, _) = opened.expect("a counter");
    let mut stock = Stock::new(sales, 0, 0);
    while stock.remaining > 0 {
        let mut turn = engine.begin().expect("nobody else is there");
        turn.news(&mut |_| {}).expect("a sound ledger");
        let mut batch = turn.batch().expect("room");
        for nth in stock.revision + 1..=sales {
            let buyer = Some(format!("Buyer {nth}").into());
            let change = Change::Sold { first_ticket: nth, quantity: 1, buyer, hold: None };
            let key = Some(format!("{:032x}-{nth}", nth.wrapping_mul(0x9e37_79b9)).into());
            let record =
                Record { revision: nth, at_ms: AT_MS, remaining: sales - nth, change, key };
            if !batch.push(&record) {
                break;
            }
            stock = stock.after(&record).expect("it follows");
        }
        assert!(matches!(turn.append(&batch), Appended::Durable));
        turn.end().expect("it is shown");
    }
    engine.rest().expect("it is settled");
}

#[test]
fn counter_of_many_sales_is_moved_whole() {
    let sales = env::var("IMPORT_SALES").ok().and_then(|sales| sales.parse().ok());
    let sales = sales.unwrap_or(SALES);
    let places = Places::new();
    for engine in [Etcd, Postgres] {
        let old = places.file(&format!("{engine:?}"));
        sell_all(&old, sales);
        let new = places.db(engine, "long");
        let begun = Instant::now();

        let old = old.display().to_string();
        let import = places.server(&["import", "--from", &old, "--db", &new]);
        let said = import.within(PATIENCE).run();

        assert_eq!(said.code, Some(0), "{said:?}");
        println!("{sales} sales into {engine:?}: {:.1} s", begun.elapsed().as_secs_f64());
        let seen = places.server(&["verify", "--db", &new]).within(PATIENCE).run();
        let counts = format!("count 0, sold {sales}, revision {sales}\n");
        assert!(seen.code == Some(0) && seen.stdout.contains(&counts), "{seen:?}");
    }
}
