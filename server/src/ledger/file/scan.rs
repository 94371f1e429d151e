//! Reading all of a ledger in files, to carry it elsewhere; [`audit`](super::audit) looks it over.

use crate::{
    domain::{Inventory, Record},
    ledger::{
        Cause, Fault, Scan,
        file::{
            disk::Disk,
            error::LogError,
            layout::Layout,
            log::{
                cursor::{Cursor, Step},
                segment::Segment,
            },
        },
        format::base::Base,
    },
};

/// How many records are read at once.
const RECORDS_MAX: u64 = 10_000;

/// A ledger in files that is read from its first record on.
pub struct FileScan<D: Disk> {
    disk: D,
    layout: Layout,
    base: Base,
    cursor: Cursor<D::File>,
}

impl<D: Disk> FileScan<D> {
    /// Ahead of the first record of the counter; `None` where it has no ledger.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn begin(disk: &D, layout: &Layout) -> Result<Option<Self>, LogError> {
        let Some(first) = layout.starts(disk)?.first().copied() else { return Ok(None) };
        let segment = Segment::open_to_read(disk, &layout.segment(first))?;
        let base = segment.header().clone();
        let (disk, layout, cursor) = (disk.clone(), layout.clone(), Cursor::at_start_of(segment));
        Ok(Some(Self { disk, layout, base, cursor }))
    }
}

impl<D: Disk> Scan for FileScan<D> {
    fn base(&self) -> &Base {
        &self.base
    }

    fn read_on(&mut self, last: u64) -> Result<Vec<Record>, Fault> {
        let Self { disk, layout, cursor, .. } = self;
        let until = last.min(cursor.stock().revision.saturating_add(RECORDS_MAX));
        let mut records = Vec::new();
        let read = cursor.read_on_unsealed(disk, layout, until, &mut |step| {
            if let Step::Record(record, _) = step {
                records.push(record);
            }
        });
        match read {
            Ok(_) => Ok(records),
            Err(error @ LogError::Io { .. }) => Err(Fault::Passing(Cause::of(error))),
            Err(error) => Err(Fault::Lasting(Cause::of(error))),
        }
    }

    /// Neither head nor snapshots are carried elsewhere.
    fn compare(&mut self, _folded: &Inventory) -> Result<(), Fault> {
        Ok(())
    }
}
