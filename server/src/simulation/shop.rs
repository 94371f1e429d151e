//! A shop on a simulated disk: what the tests of the ledger open, buy and read there.

use std::{
    cell::Cell,
    ops::Range,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use crate::{
    domain::{Command, Inventory, Order, Outcome, Record, Sale},
    ledger::{
        file::{
            disk::Disk,
            engine::FileEngine,
            error::TurnError,
            format::head::Head,
            layout::Layout,
            log::{lookup::Lookup, preallocation::Sizes},
            options::Options,
        },
        format::{
            base::Base,
            record_line::{RecordLine, decode},
        },
    },
    simulation::{
        disk::SimDisk,
        seller::{Seller, Untold},
    },
};

/// How many tickets a shop begins with.
pub(crate) const TICKETS: u64 = 1000;

/// Where the counter of a shop stands.
pub(crate) fn head_path() -> PathBuf {
    PathBuf::from("/shop/db.txt")
}

/// How a shop opens its ledger: small segments, a clock that stands still.
pub(crate) fn options(process: u32) -> Options {
    Options {
        names_max: usize::MAX,
        synced: true,
        process,
        sizes: Sizes { first: 4 << 10, max: 8 << 10 },
        now_ms,
        random: || Ok([7; 32]),
        in_background: |job| {
            job();
            Ok(())
        },
        pause: |_| {},
    }
}

thread_local! {
    /// What every clock of a life says: a life is lived on one thread.
    static NOW_MS: Cell<u64> = const { Cell::new(7) };
}

/// The time, in milliseconds since 1970 UTC.
pub(crate) fn now_ms() -> u64 {
    NOW_MS.get()
}

/// Sets all clocks of this thread.
pub(crate) fn set_now_ms(now_ms: u64) {
    NOW_MS.set(now_ms);
}

/// A seller from the ledger in files.
pub(crate) type FileSeller<D> = Seller<FileEngine<D>>;

pub(crate) fn open(disk: &SimDisk) -> Result<FileSeller<SimDisk>, TurnError> {
    open_with(disk, options(disk.process()))
}

pub(crate) fn open_with<D: Disk>(disk: &D, options: Options) -> Result<FileSeller<D>, TurnError> {
    let now_ms = options.now_ms;
    let (engine, inventory) = FileEngine::open(disk, &head_path(), options)?;
    Ok(Seller::new(engine, inventory, now_ms))
}

/// The record at `revision` of the ledger on `disk`.
pub(crate) fn record(disk: &SimDisk, revision: u64) -> Option<Record> {
    Lookup::new(disk.clone(), Layout::around(&head_path())).record(revision).unwrap()
}

/// A disk with a counter of [`TICKETS`].
pub(crate) fn disk(seed: u64) -> SimDisk {
    let disk = SimDisk::new(seed);
    disk.put(&head_path(), format!("{{\"count\": {TICKETS}}}\n").as_bytes());
    disk
}

/// Buys in one turn, as often as `quantities` has entries and as there is room.
pub(crate) fn buy<D: Disk>(
    seller: &mut FileSeller<D>,
    quantities: &[u64],
) -> Result<Vec<Outcome>, Untold> {
    let order = |quantity: &u64| Command::Buy(Order { quantity: *quantity, buyer: None }).into();
    seller.ask(&quantities.iter().map(order).collect::<Vec<_>>())
}

/// The first revisions of the segments on `disk`.
pub(crate) fn segments(disk: &SimDisk) -> Vec<u64> {
    Layout::around(&head_path()).starts(&disk.another_process()).unwrap()
}

/// Which sale of one ticket, each in a turn of its own, is the first one of the second segment.
pub(crate) fn sale_that_begins_a_segment() -> u64 {
    let disk = disk(1);
    let mut seller = open(&disk).unwrap();
    loop {
        let sale = sales(buy(&mut seller, &[1]).unwrap()).next().unwrap();
        if segments(&disk).len() == 2 {
            return sale.revision;
        }
    }
}

/// The sales among `outcomes`.
pub(crate) fn sales(outcomes: Vec<Outcome>) -> impl Iterator<Item = Sale> {
    outcomes.into_iter().filter_map(|outcome| match outcome {
        Outcome::Sold(sale) => Some(sale),
        _ => None,
    })
}

/// What `db.txt` says.
pub(crate) fn head_in(disk: &SimDisk) -> Head {
    Head::parse(&disk.get(&head_path())).unwrap()
}

/// All records on the disk, read line by line without the ledger's own reader.
pub(crate) fn records(disk: &SimDisk) -> Vec<Record> {
    let layout = Layout::around(&head_path());
    let mut records: Vec<Record> = Vec::new();
    let mut inventory: Option<Inventory> = None;
    let mut chain = 0;
    for name in disk.names_in(&layout.folder) {
        if Layout::first_revision(&name).is_none() {
            continue;
        }
        let bytes = disk.get(&layout.folder.join(name));
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let (header, header_chain) = decode::<Base>(lines.next().unwrap(), 0).unwrap();
        let before = inventory.get_or_insert_with(|| header.inventory(usize::MAX));
        if header.after != chain || header.revision != before.stock().revision {
            continue;
        }
        chain = header_chain;
        while let Some(Ok((line, next))) =
            lines.next().map(|line| decode::<RecordLine>(line, chain))
        {
            before.fold(&line.record).unwrap();
            records.push(line.record);
            chain = next;
        }
    }
    records
}

/// What was left when the ledger on the disk began.
pub(crate) fn count_at_the_start(disk: &SimDisk) -> u64 {
    let bytes = disk.get(&Layout::around(&head_path()).segment(1));
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap();
    decode::<Base>(line, 0).unwrap().0.count
}

/// A number from the environment, to repeat a run or to make it longer.
pub(crate) fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |value| {
        value.parse().unwrap_or_else(|cause| panic!("{name} is no number: {cause}"))
    })
}

/// Runs `check` with the seeds from `CRASH_SEED` on, as many as `lives` says.
pub(crate) fn with_every_seed(lives: u64, check: impl Fn(u64) + Sync) {
    let first = setting("CRASH_SEED", 0);
    with_every_number(first..first + lives, check);
}

/// Runs `check` with every number of `range`, on every processor.
pub(crate) fn with_every_number(range: Range<u64>, check: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(range.start);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= range.end {
                        break;
                    }
                    check(number);
                }
            });
        }
    });
}
