//! How long the start takes where many sales stand in the ledger, on a real disk.
//!
//! `START_UP_SALES=1000000 cargo test --release -p server --lib start_up_tests -- --nocapture`
//! prints it; with `START_UP_KEYS=100000` so many of them have a key, which is to be remembered.

use std::{fs, path::Path, thread, time::Duration, time::Instant};

use crate::{
    domain::{Command, Order, Request, Stock},
    ledger::file::{
        disk::RealDisk, engine::FileEngine, log::preallocation::Sizes, options::Options,
    },
    simulation::{
        seller::Seller,
        shop::{FileSeller, options, setting},
    },
};

/// How many sales are written in one turn, at most.
const TURN_SALES: usize = 4000;

/// Far more than a sale takes to read: what is asked for is printed, not asserted.
const READ_MAX: Duration = Duration::from_micros(100);

fn open(head: &Path) -> FileSeller<RealDisk> {
    let in_background = |job| thread::Builder::new().spawn(job).map(|_| ());
    let options = Options { synced: false, sizes: Sizes::default(), in_background, ..options(1) };
    let now_ms = options.now_ms;
    let (engine, inventory) = FileEngine::open(&RealDisk, head, options).unwrap();
    Seller::new(engine, inventory, now_ms)
}

fn sell(seller: &mut FileSeller<RealDisk>, sales: u64, keys: u64) {
    let command = Command::Buy(Order { quantity: 1, buyer: None });
    let request = |sale: u64| {
        let key = (sale < keys).then(|| format!("key of the sale {sale}").into());
        Request { command: command.clone(), key }
    };
    let mut sold = 0;
    while sold < sales {
        let turn: Vec<_> = (sold..sales).take(TURN_SALES).map(request).collect();
        sold += seller.ask(&turn).unwrap().len() as u64;
    }
}

#[test]
fn a_ledger_of_many_sales_is_opened_soon() {
    let sales = setting("START_UP_SALES", 20_000);
    let keys = setting("START_UP_KEYS", sales / 10);
    let folder = tempfile::tempdir().unwrap();
    let head = folder.path().canonicalize().unwrap().join("db.txt");
    fs::write(&head, format!("{{\"count\": {sales}}}\n")).unwrap();
    sell(&mut open(&head), sales, keys);

    let begun = Instant::now();
    let opened = open(&head);
    let took = begun.elapsed();
    let (stock, names) = (opened.stock(), opened.look(|inventory| inventory.memory().names));

    println!("{sales} sales, {keys} of them with a key: opened in {took:?}");
    assert_eq!(stock, Stock::new(0, sales, sales));
    assert_eq!(names as u64, keys);
    let most = READ_MAX * u32::try_from(sales).unwrap() + Duration::from_secs(5);
    assert!(took < most, "{took:?}");
}
