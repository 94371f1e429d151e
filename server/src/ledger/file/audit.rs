//! Reading the whole ledger without changing anything: is it sound, and what does it say?
//!
//! All of it is folded, from the first record on, and held against what was kept of it
//! on the way. What is acknowledged does not change any more, so most of the reading
//! needs no lock: only its end does.

use std::{io, path::PathBuf};

use crate::{
    domain::{Change, Inventory, Record, SaleStatus, Stock},
    ledger::file::{
        disk::Disk,
        error::LogError,
        format::{head::Head, watermark::Watermark},
        layout::Layout,
        log::{
            cursor::{Behind, Cursor, Step, left_behind},
            lookup::Lookup,
            segment::{Ending, Segment},
            snapshots,
        },
        reader::{self, HeadError},
    },
};

/// What the segments of a counter say.
#[derive(Clone, Debug)]
pub struct Audit {
    /// How many segments there are.
    pub segments: usize,
    /// How many records they have.
    pub records: u64,
    /// The stock after the last of them.
    pub stock: Stock,
    /// All that they come to.
    pub inventory: Inventory,
    /// How many bytes a crash left behind the last record; the next start drops them.
    pub torn_bytes: usize,
    /// Snapshots that are torn: the next start passes them over.
    pub torn_snapshots: Vec<PathBuf>,
    /// Whether it is a backup, from which nobody has sold yet.
    pub is_backup: bool,
    /// The first revisions of the segments that were read, in order.
    pub entered: Vec<u64>,
    /// Where the last record ends.
    pub end: End,
}

/// A place at the end of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The first revision of the segment.
    pub start: u64,
    /// The offset in it, in bytes.
    pub offset: u64,
}

/// A reading of the whole ledger, which goes on as the ledger grows.
pub struct Auditor<D: Disk> {
    disk: D,
    layout: Layout,
    lookup: Lookup<D>,
    cursor: Cursor<D::File>,
    ending: Ending,
    folded: Folded,
    /// What stood behind the end when that was looked at last.
    seen: Option<Behind>,
}

/// What was read so far.
struct Folded {
    inventory: Inventory,
    /// The first revisions of the segments that were read.
    entered: Vec<u64>,
    /// The sales that were refunded or admitted since they were last looked at, and the records of that.
    ended: Vec<(Record, u64, u64)>,
    torn_snapshots: Vec<PathBuf>,
    fault: Option<LogError>,
}

impl<D: Disk> Auditor<D> {
    /// Ahead of the first record of the counter; `None` where it has no ledger.
    ///
    /// # Errors
    /// [`LogError`]; [`LogError::Damaged`] where segments are missing ahead of the first one that is there.
    pub fn begin(disk: &D, layout: &Layout) -> Result<Option<Self>, LogError> {
        let starts = layout.starts(disk)?;
        let Some(first) = starts.first() else { return Ok(None) };
        let segment = Segment::open_to_read(disk, &layout.segment(*first))?;
        let header = segment.header();
        if !header.is_first() {
            let reason = format!("the records up to revision `{}` are missing", header.revision);
            let path = segment.path().to_owned();
            return Err(LogError::Damaged { path, line: 1, reason });
        }
        let folded = Folded {
            inventory: header.inventory(usize::MAX),
            entered: vec![*first],
            ended: Vec::new(),
            torn_snapshots: Vec::new(),
            fault: None,
        };
        let (disk, layout) = (disk.clone(), layout.clone());
        let lookup = Lookup::new(disk.clone(), layout.clone());
        let (cursor, ending) = (Cursor::at_start_of(segment), Ending::Clean);
        Ok(Some(Self { disk, layout, lookup, cursor, ending, folded, seen: None }))
    }

    /// Reads on to where the ledger ends by now, and what stands behind that: nobody has to be kept out.
    ///
    /// # Errors
    /// [`LogError::Damaged`] or [`LogError::DamagedRecord`] with the first fault; [`LogError::Io`].
    pub fn read_on(&mut self) -> Result<(), LogError> {
        self.read_records()?;
        self.seen = Some(self.cursor.look_behind()?);
        Ok(())
    }

    fn read_records(&mut self) -> Result<(), LogError> {
        let Self { disk, layout, cursor, folded, .. } = self;
        let mut each = |step| folded.take(disk, layout, step);
        self.ending = cursor.read_on_unsealed(disk, layout, u64::MAX, &mut each)?;
        if let Some(fault) = self.folded.fault.take() {
            return Err(fault);
        }
        for (record, sale, quantity) in std::mem::take(&mut self.folded.ended) {
            self.check_end(&record, sale, quantity)?;
        }
        Ok(())
    }

    /// Holds what ended a sale against the sale.
    fn check_end(&self, record: &Record, sale: u64, quantity: u64) -> Result<(), LogError> {
        let sold = self.lookup.records(sale, sale)?;
        let is_of_it = |change: &Change| matches!(change, Change::Sold { quantity: sold, .. } if *sold == quantity);
        if sold.first().is_some_and(|sold| is_of_it(&sold.change)) {
            return Ok(());
        }
        let reason =
            format!("it is of `{quantity}` tickets of revision `{sale}`, which sold others");
        let path = self.layout.folder.clone();
        Err(LogError::DamagedRecord { path, revision: record.revision, reason })
    }

    /// What was read, to its end; whoever calls keeps everybody out, for as long as it takes to read what has grown
    /// since [`Auditor::read_on`].
    ///
    /// # Errors
    /// As [`Auditor::read_on`].
    pub fn finish(mut self) -> Result<Audit, LogError> {
        self.read_records()?;
        let Self { disk, layout, cursor, ending, folded, seen, .. } = self;
        let starts = layout.starts(&disk)?;
        let unread = starts.iter().filter(|start| !folded.entered.contains(start)).copied();
        let unread: Vec<u64> = unread.collect();
        let (segment, position, stock) = (cursor.segment(), cursor.position(), cursor.stock());
        let is_behind = |start: &u64| *start > segment.header().revision + 1;
        if ending == Ending::Broken && unread.iter().any(is_behind) {
            let (path, line) = (segment.path().to_owned(), position.line);
            return Err(LogError::Damaged { path, line, reason: "no sound record".to_owned() });
        }
        left_behind(&disk, &layout, unread, &cursor)?;
        Ok(Audit {
            segments: starts.len(),
            records: stock.revision + 1 - folded.entered.first().copied().unwrap_or(1),
            stock,
            torn_bytes: cursor.torn_tail(seen)?,
            torn_snapshots: folded.torn_snapshots,
            is_backup: disk
                .open_to_read(&layout.lock)
                .is_ok_and(|file| Watermark::read(&file).is_of_backup()),
            inventory: folded.inventory,
            end: End { start: segment.header().revision + 1, offset: position.offset },
            entered: folded.entered,
        })
    }

    /// What stands on the counter where the reading is.
    pub fn stock(&self) -> Stock {
        self.cursor.stock()
    }
}

impl Folded {
    /// Takes in what is met on the way; the first fault is kept.
    fn take<D: Disk>(&mut self, disk: &D, layout: &Layout, step: Step) {
        let taken = match step {
            Step::Record(record, _) => self.fold(layout, record),
            Step::Segment(start) => {
                self.entered.push(start);
                self.compare(disk, layout, start)
            }
        };
        if let Err(fault) = taken {
            self.fault.get_or_insert(fault);
        }
    }

    fn fold(&mut self, layout: &Layout, record: Record) -> Result<(), LogError> {
        self.inventory.fold(&record).map_err(|fault| {
            let (path, reason) = (layout.folder.clone(), fault.to_string());
            LogError::DamagedRecord { path, revision: record.revision, reason }
        })?;
        if let Change::Refunded { sale, quantity } | Change::Admitted { sale, quantity } =
            record.change
        {
            self.ended.push((record, sale, quantity));
        }
        Ok(())
    }

    /// Holds the snapshot at the beginning of a segment, where there is one, against what was read.
    fn compare<D: Disk>(&mut self, disk: &D, layout: &Layout, start: u64) -> Result<(), LogError> {
        let path = layout.snapshot(start);
        if disk.stat(&path).is_err() {
            return Ok(());
        }
        let segment = Segment::open_to_read(disk, &layout.segment(start))?;
        let Ok(kept) = snapshots::read(disk, layout, segment.header(), usize::MAX) else {
            self.torn_snapshots.push(path);
            return Ok(());
        };
        let read = &self.inventory;
        let has_same_sales = kept.memory().sales == read.memory().sales
            && read.sales().all(|(sale, status): (u64, SaleStatus)| kept.status(sale) == status);
        if kept.holds().eq(read.holds()) && has_same_sales && kept.epochs() == read.epochs() {
            return Ok(());
        }
        let reason = "the snapshot is not what the records come to".to_owned();
        Err(LogError::Damaged { path, line: 1, reason })
    }
}

/// Reads every segment of the counter; `None` where it has no ledger.
///
/// The caller keeps everybody out.
///
/// # Errors
/// As [`Auditor::read_on`].
pub fn read_ledger<D: Disk>(disk: &D, layout: &Layout) -> Result<Option<Audit>, LogError> {
    Auditor::begin(disk, layout)?.map(Auditor::finish).transpose()
}

/// Reads `db.txt`.
///
/// # Errors
/// [`HeadError`].
pub fn read_head<D: Disk>(disk: &D, layout: &Layout) -> Result<Head, HeadError> {
    read_head_bytes(disk, layout).and_then(|bytes| reader::parse(&layout.head, &bytes))
}

/// Reads the bytes of `db.txt`.
///
/// # Errors
/// [`HeadError`].
pub fn read_head_bytes<D: Disk>(disk: &D, layout: &Layout) -> Result<Vec<u8>, HeadError> {
    let path = &layout.head;
    let error = |source: io::Error| HeadError::io(path, source);
    let file = disk.open_to_read(path).map_err(error)?;
    let size = disk.stat(path).map_err(error)?.size;
    reader::read_bytes(path, &file, size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ledger::{
            file::{locks::Locks, log::preallocation::Sizes, options::Options},
            format::{base::Base, snapshot},
        },
        simulation::{
            disk::SimDisk,
            shop::{buy, disk, head_path, open, open_with, options},
        },
    };

    fn disk_with_a_hundred_sales() -> SimDisk {
        let disk = disk(1);
        let mut seller = open(&disk).unwrap();
        for _ in 0..100 {
            buy(&mut seller, &[1]).unwrap();
        }
        disk
    }

    /// The path of the last snapshot, and the first line of the segment that goes on from it.
    fn last_snapshot(disk: &SimDisk) -> (PathBuf, Base) {
        let layout = Layout::around(&head_path());
        let start = *snapshots::starts(disk, &layout).unwrap().last().unwrap();
        let segment = Segment::open_to_read(disk, &layout.segment(start)).unwrap();
        (layout.snapshot(start), segment.header().clone())
    }

    fn audit(disk: &SimDisk) -> Result<Option<Audit>, LogError> {
        read_ledger(disk, &Layout::around(&head_path()))
    }

    #[test]
    fn a_ledger_of_many_segments_is_read_where_nothing_can_be_written() {
        let disk = disk_with_a_hundred_sales();
        disk.make_read_only();
        let audit = audit(&disk).unwrap().unwrap();
        assert!(audit.segments > 2, "{audit:?}");
        assert_eq!(audit.records, 100);
        assert_eq!(audit.torn_snapshots, [] as [PathBuf; 0]);
    }

    #[test]
    fn a_ledger_without_its_first_segments_is_not_whole() {
        let disk = disk_with_a_hundred_sales();
        let layout = Layout::around(&head_path());
        let starts = layout.starts(&disk).unwrap();
        for missing in 1..starts.len() {
            let disk = disk.copy();
            for start in &starts[..missing] {
                disk.remove(&layout.segment(*start)).unwrap();
            }
            let found = audit(&disk);
            let first = layout.segment(starts[missing]);
            assert!(
                matches!(&found, Err(LogError::Damaged { path, line: 1, .. }) if *path == first),
                "{missing}: {found:?}"
            );
        }
    }

    #[test]
    fn what_is_sold_while_the_ledger_is_read_is_read_at_its_end() {
        let disk = disk(1);
        let mut seller = open(&disk).unwrap();
        buy(&mut seller, &[1]).unwrap();
        let layout = Layout::around(&head_path());
        let mut auditor = Auditor::begin(&disk, &layout).unwrap().unwrap();
        for sold in 2..100 {
            auditor.read_on().unwrap();
            buy(&mut seller, &[1]).unwrap();
            assert_eq!(auditor.stock().revision, sold - 1);
        }
        assert_eq!(auditor.finish().unwrap().records, 99);
    }

    /// The bytes that a look at the counter on `disk` reads while it keeps everybody out, where `meanwhile` happens
    /// ahead of that; and what it finds.
    fn read_under_lock(disk: &SimDisk, meanwhile: impl FnOnce()) -> (u64, Audit) {
        let (disk, layout) = (disk.another_process(), Layout::around(&head_path()));
        let mut auditor = Auditor::begin(&disk, &layout).unwrap().unwrap();
        auditor.read_on().unwrap();
        meanwhile();
        let before = disk.read_under_lock();
        let mut locks = Locks::open(&disk, &layout).unwrap();
        let held = locks.hold().unwrap();
        let audit = auditor.finish().unwrap();
        drop(held);
        (disk.read_under_lock() - before, audit)
    }

    #[test]
    fn how_much_is_read_while_others_are_kept_out_does_not_depend_on_how_long_a_segment_is() {
        let disk = disk(1);
        let sizes = Sizes { first: 4 << 20, max: 4 << 20 };
        let mut seller = open_with(&disk, Options { sizes, ..options(1) }).unwrap();
        buy(&mut seller, &[1]).unwrap();

        let (read, audit) = read_under_lock(&disk, || drop(buy(&mut seller, &[1; 9]).unwrap()));

        assert_eq!((audit.records, audit.torn_bytes), (10, 0));
        assert!(read < 512 << 10, "{read} bytes");
    }

    #[test]
    fn what_a_crash_tears_is_found_whenever_that_is() {
        let path = Layout::around(&head_path()).segment(1);
        // Whether the first tear is there before the reading, whether the next comes behind that, with blocks of zeros
        // ahead of a tear in the first case: a power cut leaves such.
        for (before, meanwhile, torn) in [
            (None, None, 0),
            (Some(0), None, 4),
            (Some(9000), None, 9004),
            (None, Some(0), 4),
            (Some(9000), Some(0), 9004),
        ] {
            let disk = disk(1);
            let sizes = Sizes { first: 64 << 10, max: 64 << 10 };
            let mut seller = open_with(&disk, Options { sizes, ..options(1) }).unwrap();
            buy(&mut seller, &[1]).unwrap();
            let tear = |behind: Option<usize>| {
                disk.damage(&path, |bytes| {
                    let end = bytes.iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
                    let Some(behind) = behind else { return };
                    bytes[end + behind..end + behind + 4].copy_from_slice(b"torn");
                });
            };
            tear(before);
            let (_, audit) = read_under_lock(&disk, || tear(meanwhile));
            assert_eq!(audit.torn_bytes, torn, "{before:?}, {meanwhile:?}");
        }
    }

    #[test]
    fn a_torn_snapshot_is_named_and_is_no_fault() {
        let disk = disk_with_a_hundred_sales();
        let (path, _) = last_snapshot(&disk);
        disk.damage(&path, |bytes| bytes.truncate(9));
        assert_eq!(audit(&disk).unwrap().unwrap().torn_snapshots, [path]);
    }

    #[test]
    fn a_snapshot_that_says_what_the_records_do_not_is_damage() {
        let disk = disk_with_a_hundred_sales();
        let (path, at) = last_snapshot(&disk);
        let layout = Layout::around(&head_path());
        let mut kept = snapshots::read(&disk, &layout, &at, usize::MAX).unwrap();
        // As if it had been taken ahead of the sync of what it is of, and that was lost.
        kept.restore_sale(1, SaleStatus::Refunded { revision: at.revision });
        let mut bytes = Vec::new();
        snapshot::write(&kept, &at, &mut bytes).unwrap();
        disk.damage(&path, |snapshot| *snapshot = bytes);
        let found = audit(&disk);
        assert!(matches!(&found, Err(LogError::Damaged { path: at, .. }) if *at == path));
    }
}
