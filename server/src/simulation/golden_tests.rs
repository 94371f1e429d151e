//! Ledgers of every version of the format, kept for ever in `server/golden/VERSION/SHAPE/`.
//!
//! They are opened as they are; and what this program writes today is what it
//! wrote then, byte for byte, or it is another version. A server of today and
//! `server verify` are tried on them in `tests/e2e/golden.rs`.
//!
//! `GOLDEN_WRITE=1 cargo test -p server --lib golden_tests` writes the files of
//! a version that has none yet, and leaves those that are there alone.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use crate::{
    domain::{Command, Order, Outcome, Request, SoldBefore, Stock},
    ledger::{
        file::{layout::Layout, options::Options},
        format::base::FORMAT_VERSION,
    },
    simulation::{
        disk::SimDisk,
        shop::{FileSeller, head_path, open_with, options, record, sales},
    },
};

/// When all of them were written, in milliseconds since 1970 UTC.
const WRITTEN_AT_MS: u64 = 1_795_470_000_000;

/// A ledger as it was left.
struct Golden {
    shape: &'static str,
    /// How it comes about; what it is has to stay what it was.
    make: fn(&SimDisk),
    stock: Stock,
    /// Keys of purchases that were seen, with the revisions of their answers.
    keys: &'static [(&'static str, u64)],
    /// The first version of the format that has it.
    since: u32,
}

const fn stock(remaining: u64, sold: u64, revision: u64) -> Stock {
    Stock::new(remaining, sold, revision)
}

/// The ledgers that are kept.
const GOLDEN: [Golden; 8] = [
    Golden {
        shape: "fresh",
        make: |disk| drop(open(disk, 0)),
        stock: stock(1000, 0, 0),
        keys: &[],
        since: 1,
    },
    Golden {
        shape: "sold",
        make: |disk| drop(sell(disk)),
        stock: stock(1042, 8, 5),
        keys: &[],
        since: 1,
    },
    Golden {
        shape: "keys",
        make: |disk| {
            let mut ledger = sell(disk);
            ask(&mut ledger, &[with_key("order-17", buy(2, Some("Ann \"A\" Müller")))]);
            ask(&mut ledger, &[with_key("too many", buy(5000, None)), buy(1, None)]);
            ask(&mut ledger, &[with_key("more", Command::Restock { quantity: 7 }.into())]);
        },
        stock: stock(1046, 11, 9),
        keys: &[("order-17", 6), ("too many", 7)],
        since: 1,
    },
    Golden {
        shape: "rotated",
        make: |disk| {
            let mut ledger = open(disk, 0);
            for number in 0..160 {
                let buyer = (number % 3 == 0).then_some("user 4711");
                ask(&mut ledger, &[buy(1, buyer)]);
            }
        },
        stock: stock(840, 160, 160),
        keys: &[],
        since: 1,
    },
    Golden {
        shape: "adjusted",
        make: |disk| {
            let mut ledger = sell(disk);
            disk.put(
                &head_path(),
                b"{\"venue\": \"hall 1\", \"count\": 1040, \"sold\": 10, \"revision\": 5}\n",
            );
            ask(&mut ledger, &[buy(1, None)]);
        },
        stock: stock(1039, 11, 7),
        keys: &[],
        since: 1,
    },
    Golden {
        shape: "torn_tail",
        make: |disk| {
            drop(sell(disk));
            disk.damage(&Layout::around(&head_path()).segment(1), |bytes| {
                let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
                let torn = b"0badcafe {\"revision\":6,\"turn\":6,\"at_ms\":17954700";
                bytes[end..end + torn.len()].copy_from_slice(torn);
            });
        },
        stock: stock(1042, 8, 5),
        keys: &[],
        since: 1,
    },
    Golden {
        shape: "unpublished",
        make: |disk| {
            let mut ledger = sell(disk);
            let layout = Layout::around(&head_path());
            let (head, lock) = (disk.get(&layout.head), disk.get(&layout.lock));
            ask(&mut ledger, &[buy(3, None)]);
            // As if the server had been killed between the ledger and `db.txt`.
            disk.put(&layout.head, &head);
            disk.put(&layout.lock, &lock);
        },
        stock: stock(1039, 11, 6),
        keys: &[],
        since: 1,
    },
    Golden {
        shape: "box_office",
        make: |disk| {
            let mut ledger = sell(disk);
            let hold = |quantity, seconds| {
                let buyer = Some("Zoë".into());
                Request::from(Command::Hold { order: Order { quantity, buyer }, seconds })
            };
            // Revisions 6 to 9: three holds and a refusal.
            ask(&mut ledger, &[hold(2, 60), with_key("mine", hold(3, 1)), hold(4, 86_400)]);
            ask(&mut ledger, &[with_key("too many", hold(5000, 60))]);
            ask(
                &mut ledger,
                &[Command::Confirm { hold: 6 }.into(), Command::Release { hold: 8 }.into()],
            );
            let sale = |revision, quantity| SoldBefore { revision, quantity };
            ask(
                &mut ledger,
                &[Command::Refund(sale(2, 2)).into(), Command::Admit(sale(1, 1)).into()],
            );
            ask(&mut ledger, &[Command::SetSale { is_open: false }.into()]);
        },
        stock: Stock {
            held: 3,
            refunded: 2,
            admitted: 1,
            capacity: 1050,
            is_closed: true,
            ..stock(1039, 10, 14)
        },
        keys: &[],
        since: 2,
    },
];

fn buy(quantity: u64, buyer: Option<&str>) -> Request {
    Command::Buy(Order { quantity, buyer: buyer.map(Into::into) }).into()
}

fn with_key(key: &str, request: Request) -> Request {
    Request { key: Some(key.into()), ..request }
}

/// Opens the counter as a server does `after_ms` later.
fn open(disk: &SimDisk, after_ms: u64) -> FileSeller<SimDisk> {
    let now_ms: fn() -> u64 = match after_ms {
        0 => || WRITTEN_AT_MS,
        _ => || WRITTEN_AT_MS + 1000,
    };
    let random = || Ok(std::array::from_fn(|at| u8::try_from(at * 7 % 251).unwrap()));
    open_with(disk, Options { now_ms, random, ..options(disk.process()) }).unwrap()
}

fn ask(seller: &mut FileSeller<SimDisk>, requests: &[Request]) -> Vec<Outcome> {
    seller.ask(requests).unwrap()
}

/// Five changes in three turns: 8 tickets sold, 50 more put on sale.
fn sell(disk: &SimDisk) -> FileSeller<SimDisk> {
    let mut ledger = open(disk, 0);
    ask(&mut ledger, &[buy(1, None), buy(2, Some("user 4711")), buy(1, Some("Ünal"))]);
    ask(&mut ledger, &[buy(4, None)]);
    ask(&mut ledger, &[Command::Restock { quantity: 50 }.into(), buy(5000, None)]);
    ledger
}

/// The files of a counter, by their path below its folder.
type Files = BTreeMap<PathBuf, Vec<u8>>;

fn files_on(disk: &SimDisk) -> Files {
    let layout = Layout::around(&head_path());
    let names = disk.names_in(&layout.folder).into_iter();
    let kept = names.filter(|name| name == "LOCK" || Layout::first_revision(name).is_some());
    let paths = kept.map(|name| layout.folder.join(name)).chain([layout.head.clone()]);
    paths
        .map(|path| (path.strip_prefix(&layout.parent).unwrap().to_owned(), disk.get(&path)))
        .collect()
}

fn made(golden: &Golden) -> Files {
    let disk = SimDisk::new(1);
    disk.put(&head_path(), b"{\"count\": 1000}\n");
    (golden.make)(&disk);
    files_on(&disk)
}

fn kept(version: u32, shape: &str) -> Files {
    let root = place(version, shape);
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path.strip_prefix(&root).unwrap().to_owned(), bytes)
    };
    let ledger = root.join("db.txt.ledger");
    let names = fs::read_dir(&ledger).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
    let segments = names.map(|entry| entry.unwrap().path());
    segments.chain([root.join("db.txt")]).map(read).collect()
}

fn place(version: u32, shape: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/{version}/{shape}"))
}

/// The kept files on a disk that was started anew.
fn disk_with(files: &Files) -> SimDisk {
    let disk = SimDisk::new(1).another_process();
    for (path, bytes) in files {
        disk.put(&Layout::around(&head_path()).parent.join(path), bytes);
    }
    disk
}

fn write_where_missing(golden: &Golden) {
    let root = place(FORMAT_VERSION, golden.shape);
    if env::var_os("GOLDEN_WRITE").is_none() || root.exists() {
        return;
    }
    for (path, bytes) in made(golden) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn what_is_written_today_is_what_was_written_then() {
    for golden in &GOLDEN {
        write_where_missing(golden);
        let (made, kept) = (made(golden), kept(FORMAT_VERSION, golden.shape));
        assert_eq!(made.keys().collect::<Vec<_>>(), kept.keys().collect::<Vec<_>>());
        for (path, bytes) in &made {
            let (shape, path, kept) = (golden.shape, path.display(), &kept[path]);
            let (then, today) = (text(kept), text(bytes));
            assert!(bytes == kept, "{shape}/{path}, then:\n{then}\ntoday:\n{today}");
        }
    }
}

/// The bytes up to the zeros at their end, for people.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}

#[test]
fn a_kept_ledger_is_sold_on_from() {
    for version in 1..=FORMAT_VERSION {
        for golden in GOLDEN.iter().filter(|golden| golden.since <= version) {
            is_sold_on_from(golden, version);
        }
    }
}

fn is_sold_on_from(golden: &Golden, version: u32) {
    let &Golden { shape, stock, keys, .. } = golden;
    let disk = disk_with(&kept(version, shape));
    let mut ledger = open(&disk, 1000);
    assert_eq!(ledger.stock(), stock, "{version}/{shape}");
    for revision in 1..=stock.revision {
        let record = record(&disk, revision);
        assert_eq!(record.map(|record| record.revision), Some(revision), "{version}/{shape}");
    }
    for (key, revision) in keys {
        let answer = ask(&mut ledger, &[with_key(key, buy(1, None))]);
        assert_eq!(answer, [Outcome::Repeated { revision: *revision }], "{version}/{shape}: {key}");
    }
    // What was held lapses by itself now.
    let lapses = u64::from(stock.held > 0);
    let opened = u64::from(stock.is_closed);
    ask(&mut ledger, &[Command::SetSale { is_open: true }.into()]);
    let sale = sales(ask(&mut ledger, &[buy(1, None)])).next().unwrap();
    let next = (sale.first_ticket, sale.remaining, sale.revision);
    let revision = stock.revision + lapses + opened + 1;
    let expected = (stock.issued + 1, stock.remaining + stock.held - 1, revision);
    assert_eq!(next, expected, "{version}/{shape}");
}
