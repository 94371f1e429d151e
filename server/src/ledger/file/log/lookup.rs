//! Finding one record by its revision, without an index in memory.
//!
//! Lines stand in the order of their revisions, so a binary search over the
//! bytes of a segment finds one in a few dozen reads. Needs no lock: what has
//! been acknowledged does not change any more.

use std::{io, path::Path};

use crate::{
    domain::Record,
    ledger::file::{
        disk::{Disk, DiskFile},
        error::LogError,
        format::record_line::{LINE_BYTES_MAX, RecordLine, claimed_checksum, decode},
        layout::Layout,
    },
};

/// Up to how many bytes are read at once in the end.
const WINDOW_BYTES: u64 = 64 << 10;

/// Finds records in the segments of one counter.
#[derive(Clone, Debug)]
pub struct Lookup<D> {
    disk: D,
    layout: Layout,
}

impl<D: Disk> Lookup<D> {
    /// A lookup in the ledger of `layout`.
    pub fn new(disk: D, layout: Layout) -> Self {
        Self { disk, layout }
    }

    /// The record at `revision`; `None` where the ledger does not have it.
    ///
    /// # Errors
    /// [`LogError::Io`]; [`LogError::DamagedRecord`] where its line is not sound.
    pub fn record(&self, revision: u64) -> Result<Option<Record>, LogError> {
        let folder = &self.layout.folder;
        let names = self.disk.file_names(folder).map_err(io("list", folder))?;
        let mut starts: Vec<_> =
            names.iter().filter_map(|name| Layout::first_revision(name)).collect();
        starts.sort_unstable();
        // The last segment that can have it has it, but for one that a killed
        // server made and nobody went on in.
        for start in starts.into_iter().rev().filter(|start| *start <= revision) {
            let path = self.layout.segment(start);
            let file = self.disk.open_to_read(&path).map_err(io("open", &path))?;
            if let Some(record) = search(&file, &path, revision)? {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LogError {
    let path = path.to_owned();
    move |source| LogError::Io { action, path, source }
}

/// Halves the file until a window is left that has the record, and the line before it.
fn search(file: &impl DiskFile, path: &Path, revision: u64) -> Result<Option<Record>, LogError> {
    let two_lines = 2 * LINE_BYTES_MAX as u64;
    let (mut low, mut high) = (0, file.size().map_err(io("read", path))?);
    while high - low > WINDOW_BYTES {
        let middle = low + (high - low) / 2;
        let bytes = read(file, path, middle, middle + two_lines)?;
        let found = bytes.split(|byte| *byte == b'\n').nth(1).and_then(revision_of);
        if found.is_some_and(|found| found < revision) {
            low = middle;
        } else {
            high = middle + two_lines;
        }
    }
    let bytes = read(file, path, low, high + two_lines)?;
    let mut before: &[u8] = &[];
    for line in bytes.split(|byte| *byte == b'\n') {
        if revision_of(line) == Some(revision) {
            return sound(line, before, path, revision).map(Some);
        }
        before = line;
    }
    Ok(None)
}

fn read(file: &impl DiskFile, path: &Path, from: u64, to: u64) -> Result<Vec<u8>, LogError> {
    let mut bytes = vec![0; usize::try_from(to - from).unwrap_or(usize::MAX)];
    let length = file.read_at(&mut bytes, from).map_err(io("read", path))?;
    bytes.truncate(length);
    Ok(bytes)
}

/// The revision that a line says it has; whether that is sound is another question.
fn revision_of(line: &[u8]) -> Option<u64> {
    let digits = line.get(9..)?.strip_prefix(b"{\"revision\":")?;
    let end = digits.iter().position(|byte| *byte == b',')?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

fn sound(line: &[u8], before: &[u8], path: &Path, revision: u64) -> Result<Record, LogError> {
    let damaged = |reason| LogError::DamagedRecord { path: path.to_owned(), revision, reason };
    let chain = claimed_checksum(before).unwrap_or_default();
    let (line, _) =
        decode::<RecordLine>(line, chain).map_err(|fault| damaged(fault.to_string()))?;
    line.into_record().ok_or_else(|| damaged("not exactly one change".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Change, Stock},
        ledger::Batch as _,
        ledger::file::{
            disk::RealDisk,
            format::segment_header::SegmentHeader,
            log::{
                batch::FileBatch, cursor::Cursor, preallocation::Preallocation, segment::Segment,
            },
        },
    };

    #[test]
    fn every_record_of_a_ledger_is_found_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::around(&folder.path().join("db.txt"));
        RealDisk.create_dir(&layout.folder).unwrap();
        let start = Stock { remaining: 10, sold: 0, revision: 4 };
        let path = layout.segment_draft(1, 1);
        let zeros = Preallocation::new(&RealDisk, &path, |_| Ok(()), |_| {}).take(1 << 20).unwrap();
        let header = SegmentHeader::of([0; 32], 0, start, 0);
        let segment = Segment::create(&RealDisk, &layout, &zeros, &header).unwrap();
        let record = |revision: u64| Record {
            revision,
            at_ms: revision,
            remaining: 6 + revision,
            change: Change::Restocked { quantity: 1 },
            key: None,
        };
        let mut batch = FileBatch::at(&Cursor::at_start_of(segment));
        assert!((5..=3004).all(|revision| batch.push(&record(revision))));
        let segment = Segment::open(&RealDisk, &layout.segment(5)).unwrap();
        segment.write(&batch.lines, batch.start.offset, true).unwrap();
        let lookup = Lookup::new(RealDisk, layout);
        for revision in 5..=3004 {
            assert_eq!(lookup.record(revision).unwrap(), Some(record(revision)), "{revision}");
        }
        for revision in [0, 4, 3005, u64::MAX] {
            assert_eq!(lookup.record(revision).unwrap(), None, "{revision}");
        }
    }
}
