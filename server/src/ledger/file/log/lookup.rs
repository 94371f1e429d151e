//! Finding one record by its revision, without an index in memory.
//!
//! Lines stand in the order of their revisions, so a binary search over the
//! bytes of a segment finds one in a few dozen reads. Needs no lock: what has
//! been acknowledged does not change any more.
//!
//! Which segments there are is remembered, and the last few stay open: most
//! lookups neither list the folder nor open a file.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    domain::Record,
    ledger::{
        file::{
            disk::{Disk, DiskFile},
            error::LogError,
            layout::Layout,
            log::segment::{Ending, Position, Reading, Segment},
        },
        format::record_line::{LINE_BYTES_MAX, claimed_checksum},
    },
};

/// Up to how many bytes are read at once in the end.
const WINDOW_BYTES: u64 = 64 << 10;

/// How many segments stay open.
const OPEN_MAX: usize = 16;

/// Finds records in the segments of one counter.
#[derive(Debug)]
pub struct Lookup<D: Disk> {
    disk: D,
    layout: Layout,
    known: Mutex<Known<D::File>>,
}

/// What was found on the disk by earlier lookups.
#[derive(Debug)]
struct Known<F> {
    /// The first revisions of the segments, in order.
    starts: Vec<u64>,
    /// Those that are open, with their first revisions; the one that was used last is the last.
    open: Vec<(u64, Arc<Segment<F>>)>,
}

impl<F> Known<F> {
    /// The last segment that can have `revision`.
    fn start_up_to(&self, revision: u64) -> Option<u64> {
        let behind = self.starts.partition_point(|start| *start <= revision);
        self.starts[..behind].last().copied()
    }

    /// The first segment that has only what is behind `revision`.
    fn start_behind(&self, revision: u64) -> Option<u64> {
        let behind = self.starts.partition_point(|start| *start <= revision);
        self.starts.get(behind).copied()
    }

    /// The open segment that begins with `start`.
    fn segment(&mut self, start: u64) -> Option<Arc<Segment<F>>> {
        let place = self.open.iter().position(|(open, _)| *open == start)?;
        self.open[place..].rotate_left(1);
        self.open.last().map(|(_, segment)| Arc::clone(segment))
    }

    /// Keeps `segment` open, in place of the one that was not used for the longest time.
    fn keep(&mut self, start: u64, segment: &Arc<Segment<F>>) {
        self.open.retain(|(open, _)| *open != start);
        if self.open.len() == OPEN_MAX {
            self.open.remove(0);
        }
        self.open.push((start, Arc::clone(segment)));
    }
}

/// Where a record stands.
type Place<F> = (Arc<Segment<F>>, Position);

impl<D: Disk> Lookup<D> {
    /// A lookup in the ledger of `layout`.
    pub fn new(disk: D, layout: Layout) -> Self {
        let known = Mutex::new(Known { starts: Vec::new(), open: Vec::new() });
        Self { disk, layout, known }
    }

    /// The records from revision `first` to `last`, in order; fewer where the ledger has not all of them, as where a
    /// segment is missing: what is behind it is found.
    ///
    /// # Errors
    /// [`LogError::Io`]; [`LogError::DamagedRecord`] where a line is not sound.
    pub fn records(&self, first: u64, last: u64) -> Result<Vec<Record>, LogError> {
        let mut found: Vec<Record> = Vec::new();
        let mut next = first;
        while next <= last {
            let Some((segment, mut position)) = self.place(next)? else {
                match self.known().start_behind(next).filter(|start| *start <= last) {
                    Some(start) => next = start,
                    None => break,
                }
                continue;
            };
            let before = next;
            let records = (last - next).saturating_add(1);
            let read = segment.read_a_few(&mut position, records, &mut |record| {
                next = record.revision + 1;
                found.push(record);
                Ok(if next > last { Reading::Stops } else { Reading::GoesOn })
            });
            let ending = read.map_err(|error| of_record(error, next))?;
            match ending {
                Ending::Broken if next == before => {
                    let reason = "no sound record".to_owned();
                    let path = segment.path().to_owned();
                    return Err(LogError::DamagedRecord { path, revision: next, reason });
                }
                Ending::Sealed | Ending::Stopped if next > before => {}
                _ => break,
            }
        }
        Ok(found)
    }

    /// Where the record at `revision` stands; `None` where the ledger does not have it.
    fn place(&self, revision: u64) -> Result<Option<Place<D::File>>, LogError> {
        if let Ok(Some(place)) = self.search_known(revision) {
            return Ok(Some(place));
        }
        // There may be more by now, or another file under a name that is known.
        let starts = self.layout.starts(&self.disk)?;
        *self.known() = Known { starts, open: Vec::new() };
        self.search_known(revision)
    }

    /// Looks for the record in the segments that are known.
    fn search_known(&self, revision: u64) -> Result<Option<Place<D::File>>, LogError> {
        let mut upto = Some(revision);
        while let Some(start) = upto.and_then(|upto| self.known().start_up_to(upto)) {
            let segment = self.segment(start)?;
            let found = search(&segment, revision)?;
            // The last segment that can have it has it, but for one that a killed
            // server made and nobody went on in.
            if found.is_some() || segment.has_more(segment.records_start())? {
                return Ok(found.map(|position| (segment, position)));
            }
            upto = start.checked_sub(1);
        }
        Ok(None)
    }

    fn segment(&self, start: u64) -> Result<Arc<Segment<D::File>>, LogError> {
        if let Some(segment) = self.known().segment(start) {
            return Ok(segment);
        }
        // Whoever looks for another record need not wait for this.
        let segment = Segment::open_to_read(&self.disk, &self.layout.segment(start))?;
        let segment = Arc::new(segment);
        self.known().keep(start, &segment);
        Ok(segment)
    }

    fn known(&self) -> MutexGuard<'_, Known<D::File>> {
        // A lookup that panicked leaves nothing half done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was found wrong where the record at `revision` should stand: nobody knows on which line that is.
fn of_record(error: LogError, revision: u64) -> LogError {
    match error {
        LogError::Damaged { path, reason, .. } => {
            LogError::DamagedRecord { path, revision, reason }
        }
        other => other,
    }
}

/// Halves the segment until a window is left that has the record, and the line before it.
fn search<F: DiskFile>(segment: &Segment<F>, revision: u64) -> Result<Option<Position>, LogError> {
    let two_lines = 2 * LINE_BYTES_MAX as u64;
    let (mut low, mut high) = (0, segment.size());
    while high - low > WINDOW_BYTES {
        let middle = low + (high - low) / 2;
        let bytes = segment.read(middle, 2 * LINE_BYTES_MAX)?;
        let found = bytes.split(|byte| *byte == b'\n').nth(1).and_then(revision_of);
        if found.is_some_and(|found| found < revision) {
            low = middle;
        } else {
            high = middle + two_lines;
        }
    }
    let length = usize::try_from(high + two_lines - low).unwrap_or(usize::MAX);
    let bytes = segment.read(low, length)?;
    let (mut before, mut offset): (&[u8], u64) = (&[], low);
    for line in bytes.split(|byte| *byte == b'\n') {
        if revision_of(line) == Some(revision) {
            let chain = claimed_checksum(before).unwrap_or_default();
            return Ok(Some(Position { offset, line: 0, chain }));
        }
        offset += line.len() as u64 + 1;
        before = line;
    }
    Ok(None)
}

/// The revision that a line says it has; whether that is sound is another question.
fn revision_of(line: &[u8]) -> Option<u64> {
    let digits = line.get(9..)?.strip_prefix(b"{\"revision\":")?;
    let end = digits.iter().position(|byte| *byte == b',')?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

#[cfg(test)]
impl<D: Disk> Lookup<D> {
    /// The record at `revision`.
    pub(crate) fn record(&self, revision: u64) -> Result<Option<Record>, LogError> {
        self.records(revision, revision).map(|mut records| records.pop())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::{
        domain::{Change, Stock},
        ledger::{
            Batch as _,
            file::{
                disk::RealDisk,
                log::{
                    batch::FileBatch, cursor::Cursor, preallocation::Preallocation,
                    segment::Segment,
                },
            },
            format::base::Base,
        },
        simulation::disk::SimDisk,
    };

    const SIZE: u64 = 4 << 10;

    fn record(revision: u64) -> Record {
        Record {
            revision,
            at_ms: revision,
            remaining: 6 + revision,
            change: Change::Restocked { quantity: 1 },
            key: None,
        }
    }

    /// Makes the segment with the records from `first` to `last`, of `size` bytes.
    fn make_segment<D: Disk>(disk: &D, layout: &Layout, (first, last): (u64, u64), size: u64) {
        let stock = Stock::new(5 + first, 0, first - 1);
        let path = layout.temporary_segment(1, 1);
        let zeros = Preallocation::new(disk, &path, |_| Ok(()), |_| {}).take(size, size).unwrap();
        let header = Base::of([0; 32], 0, stock, 0);
        let segment = Segment::create(disk, layout, &zeros, &header).unwrap();
        let mut batch = FileBatch::at(&Cursor::at_start_of(segment));
        assert!((first..=last).all(|revision| batch.push(&record(revision))));
        let segment = Segment::open(disk, &layout.segment(first)).unwrap();
        segment.write(&batch.lines, batch.start.offset, true).unwrap();
    }

    /// A lookup on a simulated disk without segments.
    fn lookup() -> Lookup<SimDisk> {
        Lookup::new(SimDisk::new(1), Layout::around(Path::new("/shop/db.txt")))
    }

    fn make(lookup: &Lookup<SimDisk>, records: (u64, u64)) {
        make_segment(&lookup.disk, &lookup.layout, records, SIZE);
    }

    #[track_caller]
    fn assert_found<D: Disk>(lookup: &Lookup<D>, revision: u64) {
        assert_eq!(lookup.record(revision).unwrap(), Some(record(revision)), "{revision}");
    }

    #[test]
    fn every_record_of_a_ledger_is_found_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::around(&folder.path().join("db.txt"));
        RealDisk.create_dir(&layout.folder).unwrap();
        make_segment(&RealDisk, &layout, (5, 3004), 1 << 20);
        let lookup = Lookup::new(RealDisk, layout);
        (5..=3004).for_each(|revision| assert_found(&lookup, revision));
        for revision in [0, 4, 3005, u64::MAX] {
            assert_eq!(lookup.record(revision).unwrap(), None, "{revision}");
        }
    }

    #[test]
    fn what_is_behind_a_missing_segment_is_found() {
        let lookup = lookup();
        make(&lookup, (5, 8));
        make(&lookup, (12, 15));
        let found = |first, last| {
            let records = lookup.records(first, last).unwrap();
            records.iter().map(|record| record.revision).collect::<Vec<_>>()
        };
        assert_eq!((found(1, 8), found(9, 20)), (vec![5, 6, 7, 8], vec![12, 13, 14, 15]));
        assert_eq!((found(1, 4), found(9, 11), found(16, 20)), Default::default());
    }

    #[test]
    fn the_second_lookup_neither_lists_nor_opens() {
        let lookup = lookup();
        make(&lookup, (1, 8));
        let calls = |revision| {
            let before = lookup.disk.calls();
            assert_found(&lookup, revision);
            lookup.disk.calls() - before
        };
        assert_eq!(
            (calls(5), calls(5), calls(3)),
            (6, 2, 2),
            "list, open, size, the header, search, read"
        );
    }

    #[test]
    fn of_a_thousand_segments_no_more_than_a_few_stay_open() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::around(&folder.path().join("db.txt"));
        RealDisk.create_dir(&layout.folder).unwrap();
        let simulated = lookup();
        for revision in 1..=1000 {
            make(&simulated, (revision, revision));
            let name = layout.segment(revision);
            let bytes = simulated.disk.get(&simulated.layout.segment(revision));
            fs::write(name, bytes).unwrap();
        }
        let lookup = Lookup::new(RealDisk, layout);
        for revision in (1..=1000).chain((1..=1000).rev()) {
            assert_found(&lookup, revision);
        }
        let open = fs::read_dir("/proc/self/fd").unwrap().flatten();
        let open = open.filter_map(|open| fs::read_link(open.path()).ok());
        let open = open.filter(|path| path.starts_with(folder.path())).count();
        assert!((1..=OPEN_MAX).contains(&open), "{open}");
    }

    #[test]
    fn the_segment_that_was_not_used_for_the_longest_time_is_closed() {
        let lookup = lookup();
        let last = OPEN_MAX as u64 + 1;
        (1..=last).for_each(|revision| make(&lookup, (revision, revision)));
        (1..last).for_each(|revision| assert_found(&lookup, revision));
        assert_found(&lookup, 1);
        assert_found(&lookup, last);
        let mut open: Vec<_> = lookup.known().open.iter().map(|(start, _)| *start).collect();
        open.sort_unstable();
        assert_eq!(open, [1].into_iter().chain(3..=last).collect::<Vec<_>>());
    }

    #[test]
    fn a_segment_that_was_made_since_is_found() {
        let lookup = lookup();
        make(&lookup, (1, 8));
        assert_found(&lookup, 8);
        make(&lookup, (9, 16));
        assert_found(&lookup, 9);
        assert_found(&lookup, 8);
    }

    #[test]
    fn a_segment_that_a_killed_server_made_is_passed_over_until_it_is_gone_or_replaced() {
        let lookup = lookup();
        make(&lookup, (1, 8));
        // Nothing stands in it.
        make(&lookup, (9, 8));
        assert_eq!(lookup.record(9).unwrap(), None);
        assert_found(&lookup, 8);
        // Whoever was at the end of the one before made it again, and went on in it.
        make(&lookup, (9, 16));
        assert_found(&lookup, 9);

        make(&lookup, (12, 11));
        assert_found(&lookup, 15);
        lookup.disk.remove(&lookup.layout.segment(12)).unwrap();
        lookup.known().open.clear();
        assert_found(&lookup, 15);
    }

    #[test]
    fn a_record_that_is_not_there_is_not_looked_for_in_every_segment() {
        let lookup = lookup();
        (1..=100).for_each(|revision| make(&lookup, (revision, revision)));
        assert_eq!(lookup.record(101).unwrap(), None);
        assert_eq!(lookup.known().open.len(), 1);
    }
}
