//! Reading the whole ledger without changing anything: is it sound, and what does it say?

use crate::{
    domain::Stock,
    ledger::{
        LedgerError,
        file::{
            disk::Disk,
            format::head::Head,
            layout::Layout,
            log::{
                place::Place,
                segment::{Ending, Segment},
            },
            reader::{self, HeadError},
        },
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
/// [`LedgerError::Damaged`] with the first fault; [`LedgerError::Io`].
pub fn read_ledger<D: Disk>(disk: &D, layout: &Layout) -> Result<Option<Audit>, LedgerError> {
    if disk.stat(&layout.folder).is_err() {
        return Ok(None);
    }
    let names = disk.file_names(&layout.folder).map_err(|source| LedgerError::Io {
        action: "list",
        path: layout.folder.clone(),
        source,
    })?;
    let starts = names.iter().filter_map(|name| Layout::first_revision(name));
    let mut starts = starts.map(|start| Segment::open(disk, &layout.segment(start)));
    let Some(first) = starts.next().transpose()? else { return Ok(None) };
    let begin = first.header().revision;
    let (mut place, mut ending) = Place::at_the_start_of(first).read_to_the_end()?;
    let mut segments = 1;
    for segment in starts {
        let segment = segment?;
        match place.next(&segment)? {
            Some(position) => {
                let inventory = place.inventory;
                (place, ending) = Place { segment, position, inventory }.read_to_the_end()?;
            }
            // A server that was killed left it behind, and nobody went on in it.
            None if !segment.has_more(segment.records_start())? => {}
            None if ending == Ending::Broken => return Err(place.broken()),
            None => return Err(Place::<D::File>::unconnected(&segment)),
        }
        segments += 1;
    }
    let stock = place.inventory.stock();
    let torn_bytes = match ending {
        Ending::Sealed => 0,
        _ => place.segment.torn_tail(place.position, stock.revision + 1)?,
    };
    Ok(Some(Audit { segments, records: stock.revision - begin, stock, torn_bytes }))
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
