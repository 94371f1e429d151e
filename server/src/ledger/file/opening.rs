//! Opening the ledger in files: from which segment on it is read, and what a crash left behind.
//!
//! What was acknowledged does not change any more: so it is read without a lock, while others sell ([`read_ahead`]).
//! What they have added then is read with the locks held, and only then anything is taken for torn, or for damage.
//!
//! A server that was killed between making a segment and sealing the one
//! before leaves a segment without records behind. It is taken over where it
//! goes on from the end of the one before, and removed where others have gone
//! on without it.

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use crate::{
    domain::{Inconsistent, Inventory, KEY_LIFE_MS, Stock},
    ledger::{
        file::{
            disk::{Disk, DiskFile},
            error::{LogError, TurnError},
            format::head::Head,
            layout::Layout,
            locks::Held,
            log::{
                cursor::{Behind, Cursor, Step, left_behind},
                preallocation::Preallocation,
                segment::{Ending, Segment},
                snapshots::{self, Snapshots},
            },
            options::Options,
            reader,
            turn::Progress,
        },
        format::base::Base,
    },
};

/// How often a start that takes long says how far it is.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// What was read of a ledger without a lock.
pub(super) struct Ahead<F> {
    reading: Reading<F>,
    behind: Behind,
}

/// A ledger that is opened: a place in it, what its records have come to, and what stands behind it where that was
/// looked at before the locks were taken.
pub(super) type Opened<D> = (Progress<D>, Inventory, Option<Behind>);

/// Reads a ledger with segments at `starts` to where it ends by now; gives nothing where that does not fit together: with
/// the locks held it is seen what that is.
///
/// # Errors
/// [`LogError::Io`].
pub(super) fn read_ahead<D: Disk>(
    disk: &D,
    layout: &Layout,
    starts: &[u64],
    options: &Options,
) -> Result<Option<Ahead<D::File>>, LogError> {
    let read = || {
        let mut reading = Reading::begin(disk, layout, starts, options)?;
        reading.read_on(disk, layout)?;
        let behind = reading.cursor.look_behind()?;
        Ok(Ahead { reading, behind })
    };
    match read() {
        Ok(ahead) => Ok(Some(ahead)),
        Err(LogError::Io { action, path, source }) if source.kind() != ErrorKind::NotFound => {
            Err(LogError::Io { action, path, source })
        }
        // A sale that is half written, or a segment that another start has just removed; or damage.
        Err(_) => Ok(None),
    }
}

/// Opens the ledger of the counter, of which `ahead` was read before, or begins a new one.
pub(super) fn open<D: Disk>(
    disk: &D,
    layout: &Layout,
    options: Options,
    ahead: Option<Ahead<D::File>>,
    held: &Held<'_, D>,
) -> Result<Opened<D>, TurnError> {
    let io = |action| {
        let path = layout.folder.clone();
        move |source| LogError::Io { action, path, source }
    };
    let names = disk.file_names(&layout.folder).map_err(io("list"))?;
    for name in &names {
        // Of the same number, as in two containers, is another life; its file is not missed by one
        // that runs: it makes another.
        let is_left = |maker| maker == options.process || !disk.is_running(maker);
        if Layout::maker_of_temporary(name).is_some_and(is_left) {
            disk.remove(&layout.folder.join(name)).map_err(io("clean"))?;
        }
    }
    let random = (options.random)().map_err(io("draw a key for"))?;
    let nonce = random.iter().fold(0, |nonce: u64, byte| nonce.rotate_left(8) ^ u64::from(*byte));
    let temporary = layout.temporary_segment(options.process, nonce);
    let mut preallocation =
        Preallocation::new(disk, &temporary, options.in_background, options.pause);
    let (in_background, pause) = (options.in_background, options.pause);
    let temporary = layout.temporary_snapshot(options.process, nonce);
    let snapshots = Snapshots::new(disk, layout, &temporary, in_background, pause);
    // IMPORTANT: whoever named a segment may have been killed before its name
    // was on the disk; nothing must be sold in it, nor a seal lead to it, until it is.
    for folder in [&layout.folder, &layout.parent] {
        disk.sync_dir(folder).map_err(io("sync"))?;
    }
    // Where nobody can tell, what others wrote counts as written before a power cut.
    let boot = disk.boot_id().unwrap_or_else(|| format!("{}-{nonce:016x}", options.process));
    let starts = layout.starts(disk)?;
    let (cursor, inventory, behind) = if starts.is_empty() {
        let (stock, at_ms) = (stock_of_head(layout, held)?, (options.now_ms)());
        let key = (options.random)().map_err(io("draw a key for"))?;
        let header = Base::of(key, 0, stock, at_ms);
        let zeros = preallocation.take(options.sizes.first, options.sizes.first)?;
        let segment = Segment::create(disk, layout, &zeros, &header)?;
        (Cursor::at_start_of(segment), header.inventory(options.names_max), None)
    } else {
        let ahead = ahead.filter(|ahead| ahead.reading.cursor.segment().is_in_place(disk));
        let (reading, behind) = match ahead {
            Some(Ahead { reading, behind }) => (reading, Some(behind)),
            None => (Reading::begin(disk, layout, &starts, &options)?, None),
        };
        let (Reading { cursor, inventory, .. }, behind) =
            reading.recover(disk, layout, &starts, behind)?;
        (cursor, inventory, behind)
    };
    if let Some(first) = starts.first().filter(|first| **first > 1) {
        let (folder, missing) = (layout.folder.display(), first - 1);
        tracing::warn!(
            "{folder}: the records up to revision {missing} are missing: receipts of what they sold are not known; \
             put the segments back from a backup"
        );
    }
    let progress = Progress {
        disk: disk.clone(),
        layout: layout.clone(),
        options,
        boot,
        preallocation,
        snapshots,
        cursor,
        image: None,
        foreign: Vec::new(),
        shown: 0,
        synced: None,
        is_settled: false,
    };
    Ok((progress, inventory, behind))
}

fn stock_of_head<D: Disk>(layout: &Layout, held: &Held<'_, D>) -> Result<Stock, TurnError> {
    let bytes = reader::read_bytes(&layout.head, &*held.head, held.head_size)?;
    first_stock(layout, &reader::parse(&layout.head, &bytes)?)
}

/// The stock that a ledger starts from when `head` is all there is.
pub(super) fn first_stock(layout: &Layout, head: &Head) -> Result<Stock, TurnError> {
    match head.revision {
        None | Some(0) => Ok(Stock::new(head.count, head.sold.unwrap_or(0), 0)),
        Some(revision) => Err(TurnError::HeadAhead {
            path: layout.head.clone(),
            folder: layout.folder.clone(),
            head: revision,
            ledger: 0,
        }),
    }
}

/// A reading of what a start has to know: what is behind the last snapshot, or, where that is more, the segments of the
/// last day, for their keys, and at least the last two; one is open at a time.
struct Reading<F> {
    cursor: Cursor<F>,
    inventory: Inventory,
    /// The revision ahead of the first segment that is read.
    from: u64,
    /// The first revisions of those behind it that were read.
    entered: Vec<u64>,
    /// How many there were to read as it began.
    segments: usize,
    told: Instant,
    fault: Option<Inconsistent>,
}

impl<F: DiskFile> Reading<F> {
    fn begin<D: Disk<File = F>>(
        disk: &D,
        layout: &Layout,
        starts: &[u64],
        options: &Options,
    ) -> Result<Self, LogError> {
        let (first, inventory) = match snapshots::newest(disk, layout, options.names_max) {
            Some(kept) => kept,
            None => {
                let first = first_of_the_last_day(disk, layout, starts, (options.now_ms)())?;
                let inventory = first.header().inventory(options.names_max);
                (first, inventory)
            }
        };
        let from = first.header().revision;
        let segments = starts.iter().filter(|start| **start > from).count();
        let (cursor, entered, told) = (Cursor::at_start_of(first), Vec::new(), Instant::now());
        Ok(Self { cursor, inventory, from, entered, segments, told, fault: None })
    }

    /// Reads on, through sealed segments, to where the ledger ends by now.
    fn read_on<D: Disk<File = F>>(
        &mut self,
        disk: &D,
        layout: &Layout,
    ) -> Result<Ending, LogError> {
        let Self { cursor, inventory, entered, segments, told, fault, .. } = self;
        cursor.read_on(disk, layout, u64::MAX, &mut |step| match step {
            Step::Record(record, _) => {
                if let Err(found) = inventory.fold(&record) {
                    fault.get_or_insert(found);
                }
            }
            Step::Segment(start) => {
                entered.push(start);
                if told.elapsed() >= TELL_EVERY {
                    *told = Instant::now();
                    let read = entered.len() + 1;
                    tracing::info!("reading the ledger: {read} of {segments} segments");
                }
            }
        })
    }

    /// Reads to the end, and mends what servers have left that were killed between making a segment and sealing the one
    /// before. Whoever calls holds the locks; `behind` is given back where it is still of use.
    fn recover<D: Disk<File = F>>(
        mut self,
        disk: &D,
        layout: &Layout,
        starts: &[u64],
        mut behind: Option<Behind>,
    ) -> Result<(Self, Option<Behind>), TurnError> {
        loop {
            let ending = self.read_on(disk, layout)?;
            let entered = &mut self.entered;
            let mut each = |step| {
                if let Step::Segment(start) = step {
                    entered.push(start);
                }
            };
            let unannounced = self.cursor.enter_unannounced(disk, layout, &mut each)?;
            let Some((ended, position)) = unannounced else { break };
            // It may be of another start of the machine, and anything behind its end.
            behind = None;
            if ending != Ending::Sealed {
                // The one who made it was killed; whoever is still at the end of
                // the segment before must learn that it goes on here.
                ended.seal(position, self.cursor.stock().revision + 1)?;
            }
        }
        assert_eq!(self.fault, None, "the cursor has found that every record follows");
        let unread = starts.iter().copied();
        let unread = unread.filter(|start| *start > self.from + 1 && !self.entered.contains(start));
        for path in left_behind(disk, layout, unread, &self.cursor)? {
            disk.remove(&path).map_err(|source| LogError::Io { action: "remove", path, source })?;
        }
        Ok((self, behind))
    }
}

/// The first segment that has to be read where there is no snapshot.
fn first_of_the_last_day<D: Disk>(
    disk: &D,
    layout: &Layout,
    starts: &[u64],
    now_ms: u64,
) -> Result<Segment<D::File>, LogError> {
    let mut first = starts.len();
    let mut now_ms = now_ms;
    loop {
        first -= 1;
        let segment = Segment::open(disk, &layout.segment(starts[first]))?;
        // The ledger's time goes on from its last record, also where the clock was ahead once.
        now_ms = now_ms.max(segment.header().at_ms);
        let is_old = segment.header().at_ms + KEY_LIFE_MS < now_ms;
        let is_enough = is_old && segment.header().is_beginning() && starts.len() - first >= 2;
        if first == 0 && !segment.header().is_beginning() {
            let reason =
                "what was before it is missing, and there is no snapshot of that".to_owned();
            let path = segment.path().to_owned();
            return Err(LogError::Damaged { path, line: 1, reason });
        }
        if first == 0 || is_enough {
            return Ok(segment);
        }
    }
}
