//! Opening the books: which segments are to be read, and from where on.
//!
//! A server that was killed between making a segment and sealing the one
//! before leaves a segment without records behind. It is taken over where it
//! goes on from the end of the one before, and removed where others have gone
//! on without it.

use crate::{
    domain::{Inventory, KEY_LIFE_MS, Stock},
    ledger::{
        LedgerError,
        file::{
            books::Books,
            disk::{Disk, DiskFile},
            format::{head::Head, segment_header::Header},
            layout::Layout,
            locks::Held,
            log::{
                place::Place,
                preallocation::Spares,
                segment::{Ending, Segment},
            },
            options::Options,
            reader::{self, HeadError},
        },
    },
};

/// Opens the books of the counter, or begins new ones.
pub(in crate::ledger::file) fn open<D: Disk>(
    disk: &D,
    layout: &Layout,
    options: Options,
    held: &Held<'_, D::File>,
) -> Result<Books<D>, LedgerError> {
    let io = |action| {
        let path = layout.folder.clone();
        move |source| LedgerError::Io { action, path, source }
    };
    let names = disk.file_names(&layout.folder).map_err(io("list"))?;
    for name in &names {
        if Layout::drafting_process(name).is_some_and(|process| !disk.is_running(process)) {
            disk.remove(&layout.folder.join(name)).map_err(io("clean"))?;
        }
    }
    let random = (options.random)().map_err(io("draw a key for"))?;
    let nonce = random.iter().fold(0, |nonce: u64, byte| nonce.rotate_left(8) ^ u64::from(*byte));
    // Where nobody can tell, what others wrote counts as written before a power cut.
    let boot = disk.boot_id().unwrap_or_else(|| format!("{}-{nonce:016x}", options.process));
    let draft = layout.segment_draft(options.process, nonce);
    let mut spares = Spares::new(disk, &draft, options.in_background);
    // IMPORTANT: whoever named a segment may have been killed before its name
    // was on the disk; nothing must be sold in it, nor a seal lead to it, until it is.
    for folder in [&layout.folder, &layout.parent] {
        disk.sync_dir(folder).map_err(io("sync"))?;
    }
    let starts: Vec<u64> = names.iter().filter_map(|name| Layout::first_revision(name)).collect();
    let place = if starts.is_empty() {
        let stock = stock_of_head(layout, held)?;
        let inventory = Inventory::new(stock, (options.now_ms)());
        let key = (options.random)().map_err(io("draw a key for"))?;
        let header = Header::of(key, 0, &inventory);
        let spare = spares.take(options.sizes.first)?;
        let segment = Segment::create(disk, layout, &spare, &header)?;
        Place::at_the_start_of(segment)
    } else {
        read_the_last_day(disk, layout, &starts, (options.now_ms)())?
    };
    Ok(Books::new(disk, layout, options, boot, spares, place))
}

fn stock_of_head<F: DiskFile>(layout: &Layout, held: &Held<'_, F>) -> Result<Stock, LedgerError> {
    let bytes = reader::read_bytes(&layout.head, held.head, held.head_size)?;
    first_stock(layout, &reader::parse(&layout.head, &bytes)?)
}

/// The stock that a ledger starts from when `head` is all there is.
pub(in crate::ledger::file) fn first_stock(
    layout: &Layout,
    head: &Head,
) -> Result<Stock, LedgerError> {
    match head.revision {
        None | Some(0) => {
            Ok(Stock { remaining: head.count, sold: head.sold.unwrap_or(0), revision: 0 })
        }
        Some(revision) => Err(LedgerError::HeadAhead {
            path: layout.head.clone(),
            folder: layout.folder.clone(),
            head: revision,
            ledger: 0,
        }),
    }
}

/// Reads the segments of the last day, for their keys, and at least the last two.
fn read_the_last_day<D: Disk>(
    disk: &D,
    layout: &Layout,
    starts: &[u64],
    now_ms: u64,
) -> Result<Place<D::File>, LedgerError> {
    let mut segments = Vec::new();
    for start in starts.iter().rev() {
        let segment = Segment::open(disk, &layout.segment(*start))?;
        let is_old = segment.header().at_ms + KEY_LIFE_MS < now_ms;
        segments.push(segment);
        if is_old && segments.len() >= 2 {
            break;
        }
    }
    segments.reverse();
    let mut place: Option<Place<D::File>> = None;
    for segment in segments {
        let next = match place {
            None => Place::at_the_start_of(segment),
            Some(before) => follow(disk, before, segment)?,
        };
        place = Some(next.read_to_the_end()?.0);
    }
    place.ok_or_else(|| HeadError::io(&layout.folder, std::io::ErrorKind::NotFound.into()).into())
}

/// Goes on in `segment` if it goes on from `before`; removes it if it was left behind.
fn follow<D: Disk>(
    disk: &D,
    before: Place<D::File>,
    segment: Segment<D::File>,
) -> Result<Place<D::File>, LedgerError> {
    if let Some(place) = before.next(&segment)? {
        let Place { segment: ended, position, .. } = &before;
        if ended.ending_at(*position)? != Ending::Sealed {
            // The one who made it was killed; whoever is still at the end of
            // the segment before must learn that it goes on here.
            ended.seal(*position, segment.header().revision + 1)?;
        }
        return Ok(Place { segment, position: place, inventory: before.inventory });
    }
    let is_left_behind = before.inventory.stock().revision > segment.header().revision;
    if !is_left_behind || segment.has_more(segment.records_start())? {
        return Err(Place::<D::File>::unconnected(&segment));
    }
    let path = segment.path().to_owned();
    disk.remove(&path).map_err(|source| LedgerError::Io { action: "remove", path, source })?;
    Ok(before)
}
