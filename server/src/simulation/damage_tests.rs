//! A damaged ledger is refused and left alone, or recovered to a prefix; no sale is made up.
//!
//! The ledger has 64 KiB in several segments. Segments older than a day are
//! only read where they are among the last two, so each damage is done to the
//! ledger as it was when the damaged segment was the last, and when it was the
//! last but one; that keeps the sweep over every bit short.

use std::{ops::Range, path::PathBuf};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    domain::{Command, KEY_LIFE_MS, Order, Request, Stock},
    ledger::{
        file::{
            disk::Disk,
            error::{LogError, TurnError},
            format::head::Head,
            layout::Layout,
            options::Options,
        },
        format::record_line::{RecordLine, decode},
    },
    simulation::{
        disk::SimDisk,
        shop::{
            FileSeller, disk, head_path, open_with, options, records, setting, with_every_number,
        },
    },
};

/// A ledger before any damage, and what was written in it.
pub(super) struct Sound {
    disk: SimDisk,
    /// The segment that is damaged, and its bytes.
    path: PathBuf,
    bytes: Vec<u8>,
    /// Where the records of the segment end, the first one behind its header line.
    ends: Vec<usize>,
    /// The revision ahead of the segment's first record.
    before: u64,
    /// The first revision of the last turn of all.
    last_turn: u64,
    /// The stock at each revision.
    stocks: Vec<Stock>,
}

/// How much `db.txt` knows of the ledger.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    /// All of it.
    Everything,
    /// A power cut has left an old one.
    Half,
}

const KNOWN: [Known; 2] = [Known::Everything, Known::Half];

/// Opens as a server does that starts days after the last sale, and sees the disk through `wrap`.
fn open_later<D: Disk>(disk: &SimDisk, wrap: fn(SimDisk) -> D) -> Result<Stock, TurnError> {
    let later = Options { now_ms: || 7 + 2 * KEY_LIFE_MS, ..options(disk.process()) };
    open_with(&wrap(disk.clone()), later).map(|seller| seller.stock())
}

/// One turn of a few sales, some with a buyer and some with a key.
fn sell(seller: &mut FileSeller<SimDisk>, dice: &mut StdRng, number: u64) {
    let mut requests = Vec::new();
    for nth in 0..dice.random_range(1..3) {
        let buyer = dice.random_bool(0.5).then(|| "Ann \"A\" of \u{fc}b".into());
        let key = dice.random_bool(0.3).then(|| format!("{number}-{nth}").into());
        let command = Command::Buy(Order { quantity: 1, buyer });
        requests.push(Request { command, key });
    }
    seller.ask(&requests).unwrap();
}

/// A ledger that grows to `bytes`, each time that one of its segments is full.
fn ledgers(bytes: usize) -> Vec<SimDisk> {
    let disk = disk(1);
    let layout = Layout::around(&head_path());
    let mut dice = StdRng::seed_from_u64(1);
    let mut ledger = open_with(&disk, options(1)).unwrap();
    let (mut states, mut segments) = (Vec::new(), 0);
    for number in 0.. {
        let before = disk.copy();
        sell(&mut ledger, &mut dice, number);
        let names = disk.names_in(&layout.folder);
        let now = names.iter().filter(|name| name.ends_with(".segment")).count();
        if now > segments && segments > 0 {
            states.push(before);
        }
        segments = now;
        let total: usize = names.iter().map(|name| disk.get(&layout.folder.join(name)).len()).sum();
        if total >= bytes + (8 << 10) {
            return states;
        }
    }
    unreachable!("the loop ends by itself")
}

impl Sound {
    /// Looks at the segment `from_the_end` of the ledger on `disk`.
    fn look_at(disk: &SimDisk, from_the_end: usize) -> Option<Self> {
        let layout = Layout::around(&head_path());
        let names = disk.names_in(&layout.folder);
        let mut starts: Vec<u64> =
            names.iter().filter_map(|name| Layout::first_revision(name)).collect();
        starts.sort_unstable();
        let start = *starts.iter().rev().nth(from_the_end)?;
        let path = layout.segment(start);
        for name in names.iter().filter(|name| Layout::revision_behind_snapshot(name).is_some()) {
            // A start that has one reads no segment ahead of it, and finds no damage there.
            disk.damage(&layout.folder.join(name), Vec::clear);
        }
        let bytes = disk.get(&path);
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        let mut ends: Vec<_> =
            (0..used).filter(|at| bytes[*at] == b'\n').map(|at| at + 1).collect();
        if from_the_end > 0 {
            // The seal is no record.
            ends.pop();
        }
        let records = records(disk);
        let mut stocks = vec![Stock::new(1000, 0, 0)];
        stocks.extend((1..).zip(&records).map(|(revision, record)| {
            let remaining = record.remaining;
            Stock::new(remaining, 1000 - remaining, revision)
        }));
        let last = layout.segment(*starts.last()?);
        let last_line = |path: &PathBuf| {
            let bytes = disk.get(path);
            let mut lines: Vec<_> =
                bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            lines.pop();
            lines.into_iter().rev().find_map(|line| turn_of(&line))
        };
        let last_turn = last_line(&last).or_else(|| last_line(&path))?;
        disk.kill_all();
        Some(Self { disk: disk.copy(), path, bytes, ends, before: start - 1, last_turn, stocks })
    }

    fn last_revision(&self) -> u64 {
        self.stocks.len() as u64 - 1
    }

    /// The ledger with the head that `known` says.
    fn with_head(&self, known: Known) -> (SimDisk, u64) {
        let disk = self.disk.copy();
        let revision = match known {
            Known::Everything => self.last_revision(),
            Known::Half => {
                disk.put(&Layout::around(&head_path()).lock, b"");
                self.before / 2
            }
        };
        let stock = self.stocks[usize::try_from(revision).unwrap()];
        disk.put(&head_path(), &Head::of(stock, Vec::new()).image(0).unwrap());
        (disk, revision)
    }

    /// Opens the damaged ledger; `kept` is what of the head's ignorance excuses.
    fn check<D: Disk>(
        &self,
        wrap: fn(SimDisk) -> D,
        known: Known,
        case: &str,
        kept: u64,
        damage: impl Fn(&mut Vec<u8>),
    ) {
        let (disk, head) = self.with_head(known);
        let (names, text) = (segments(&disk), disk.get(&head_path()));
        disk.damage(&self.path, &damage);
        let damaged = disk.get(&self.path);
        let place = format!("{known:?}, {}, {case}", self.path.display());
        match open_later(&disk.another_process(), wrap) {
            Ok(stock) => {
                let revision = stock.revision;
                assert!(revision >= head && revision >= kept, "{place}: lost down to {revision}");
                assert_eq!(
                    Some(&stock),
                    self.stocks.get(usize::try_from(revision).unwrap()),
                    "{place}"
                );
                let lines = usize::try_from(revision.saturating_sub(self.before)).unwrap();
                let end = self.ends[lines.min(self.ends.len() - 1)];
                let bytes = disk.get(&self.path);
                // One without a record may have been made anew.
                let is_same = lines == 0 || bytes[..end] == self.bytes[..end];
                assert!(is_same, "{place}: other bytes");
            }
            Err(TurnError::Log(LogError::Damaged { .. }) | TurnError::HeadAhead { .. }) => {
                assert!(disk.get(&self.path) == damaged, "{place}: refused, but changed");
                assert_eq!(disk.get(&head_path()), text, "{place}: refused, but changed");
                assert_eq!(segments(&disk), names, "{place}: refused, but changed");
            }
            Err(error) => panic!("{place}: {error:?}"),
        }
    }

    /// Opens the ledger with one bit of the segment flipped.
    pub(super) fn check_flipped<D: Disk>(&self, wrap: fn(SimDisk) -> D, bit: usize) {
        for known in KNOWN {
            let flip = |bytes: &mut Vec<u8>| bytes[bit / 8] ^= 1 << (bit % 8);
            self.check(wrap, known, &format!("bit {bit}"), self.last_turn - 1, flip);
        }
    }

    /// How many bits the segment has.
    pub(super) fn bits(&self) -> usize {
        self.bytes.len() * 8
    }
}

fn segments(disk: &SimDisk) -> Vec<String> {
    let mut names = disk.names_in(&Layout::around(&head_path()).folder);
    names.retain(|name| Layout::first_revision(name).is_some());
    names
}

fn turn_of(line: &[u8]) -> Option<u64> {
    let chain = 0;
    let _ = decode::<RecordLine>(line, chain);
    serde_json::from_slice::<RecordLine>(line.get(9..)?).ok().map(|line| line.turn)
}

/// Every state of a ledger of 64 KiB, with a segment to damage.
pub(super) fn every_segment() -> Vec<Sound> {
    let states = ledgers(64 << 10);
    let looks = states.iter().flat_map(|disk| [Sound::look_at(disk, 0), Sound::look_at(disk, 1)]);
    looks.flatten().collect()
}

fn sweep(
    sounds: &[Sound],
    cases: impl Fn(&Sound) -> Range<usize>,
    check: impl Fn(&Sound, usize) + Sync,
) {
    let mut total = 0;
    for sound in sounds {
        let range = cases(sound);
        total += range.len();
        let (start, end) = (range.start as u64, range.end as u64);
        with_every_number(start..end, |case| check(sound, usize::try_from(case).unwrap()));
    }
    println!("{total} cases");
}

#[test]
fn no_truncation_makes_up_a_sale() {
    sweep(
        &every_segment(),
        |sound| 0..sound.bytes.len(),
        |sound, length| {
            for known in KNOWN {
                let case = format!("length {length}");
                sound.check(|disk| disk, known, &case, 0, |bytes| bytes.truncate(length));
            }
        },
    );
}

/// Which bits of a byte are flipped: one that `DAMAGE_SEED` chooses, or all with `DAMAGE_BITS=8`.
fn bits_of(byte: usize) -> impl Iterator<Item = usize> {
    let first = usize::try_from(setting("DAMAGE_SEED", 1)).unwrap().wrapping_mul(31) + byte * 7;
    let count = usize::try_from(setting("DAMAGE_BITS", 1)).unwrap();
    (0..count).map(move |nth| byte * 8 + (first + nth) % 8)
}

#[test]
fn no_flipped_bit_makes_up_a_sale_or_loses_one_that_is_not_of_the_last_turn() {
    let seed = setting("DAMAGE_SEED", 1);
    println!("seed {seed}; the same bits again: DAMAGE_SEED={seed}; every bit: DAMAGE_BITS=8");
    sweep(
        &every_segment(),
        |sound| 0..sound.bytes.len(),
        |sound, byte| {
            for bit in bits_of(byte) {
                sound.check_flipped(|disk| disk, bit);
            }
        },
    );
}
