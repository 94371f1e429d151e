//! Reading the whole ledger without changing anything: is it sound, and what does it say?

use crate::{
    domain::Stock,
    ledger::file::{
        disk::Disk,
        error::LogError,
        format::head::Head,
        layout::Layout,
        log::{
            cursor::{Cursor, Step, left_behind},
            segment::{Ending, Segment},
        },
        reader::{self, HeadError},
    },
};

/// What the segments of a counter say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audit {
    /// How many segments there are.
    pub segments: usize,
    /// How many records they have.
    pub records: u64,
    /// The stock after the last of them.
    pub stock: Stock,
    /// How many bytes a crash left behind the last record; the next start drops them.
    pub torn_bytes: usize,
}

/// Reads every segment of the counter; `None` where it has no ledger.
///
/// # Errors
/// [`LogError::Damaged`] with the first fault; [`LogError::Io`].
pub fn read_ledger<D: Disk>(disk: &D, layout: &Layout) -> Result<Option<Audit>, LogError> {
    let starts = layout.starts(disk)?;
    let Some(first) = starts.first() else { return Ok(None) };
    let mut cursor = Cursor::at_start_of(Segment::open_to_read(disk, &layout.segment(*first))?);
    let begin = cursor.stock().revision;
    let mut unread = starts[1..].to_vec();
    let mut each = |step| {
        if let Step::Segment(start) = step {
            unread.retain(|unread| *unread != start);
        }
    };
    let ending = loop {
        let ending = cursor.read_on(disk, layout, u64::MAX, &mut each)?;
        if cursor.enter_unannounced(disk, layout, &mut each)?.is_none() {
            break ending;
        }
    };
    let (segment, position, stock) = (cursor.segment(), cursor.position(), cursor.stock());
    if let (Ending::Broken, Some(_)) = (ending, unread.last()) {
        let (path, line) = (segment.path().to_owned(), position.line);
        return Err(LogError::Damaged { path, line, reason: "no sound record".to_owned() });
    }
    left_behind(disk, layout, unread, &cursor)?;
    let torn_bytes = segment.torn_tail(position, stock.revision + 1)?;
    let (segments, records) = (starts.len(), stock.revision - begin);
    Ok(Some(Audit { segments, records, stock, torn_bytes }))
}

/// Reads `db.txt`.
///
/// # Errors
/// [`HeadError`].
pub fn read_head<D: Disk>(disk: &D, layout: &Layout) -> Result<Head, HeadError> {
    let path = &layout.head;
    let error = |source| HeadError::io(path, source);
    let file = disk.open_to_read(path).map_err(error)?;
    let size = disk.stat(path).map_err(error)?.size;
    reader::parse(path, &reader::read_bytes(path, &file, size)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::shop::{buy, disk, head_path, open};

    #[test]
    fn a_ledger_of_many_segments_is_read_where_nothing_can_be_written() {
        let disk = disk(1);
        let mut seller = open(&disk).unwrap();
        for _ in 0..100 {
            buy(&mut seller, &[1]).unwrap();
        }
        disk.make_read_only();
        let audit = read_ledger(&disk, &Layout::around(&head_path())).unwrap().unwrap();
        assert!(audit.segments > 2, "{audit:?}");
        assert_eq!(audit.records, 100);
    }
}
