//! Snapshots: written beside the sales, read at a start in place of all that was before.
//!
//! One is made when a segment is full, of what the ledger has come to there, by
//! another thread and piece by piece, as segments of zeros are. A torn or lost one
//! costs time at the next start and nothing else: then an older one is read, or the
//! ledger from its beginning.
//!
//! # Invariants
//! - A snapshot has its name once all of it is on the disk, and so is every record that it is of.
//! - It is of the beginning of a segment to which those before lead on, seals and all, whatever a power cut takes: a start
//!   reads nothing of these, and would not find that a seal is missing.

use std::{
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    domain::Inventory,
    ledger::{
        file::{
            disk::{Disk, DiskFile},
            error::LogError,
            layout::Layout,
            log::{preallocation::Job, segment::Segment},
        },
        format::{base::Base, snapshot},
    },
};

/// How much is written and synced at once, in bytes.
const PIECE_BYTES: usize = 256 << 10;

/// How long the disk is left to others behind a piece.
const PAUSE: Duration = Duration::from_millis(10);

/// How many are kept: the one that was made before the last may be the last sound one.
const KEPT: usize = 2;

/// Makes the snapshots of one process.
pub struct Snapshots<D: Disk> {
    disk: D,
    layout: Layout,
    temporary: PathBuf,
    in_background: fn(Job) -> io::Result<()>,
    pause: fn(Duration),
    /// How much was written to the ledger since one was due, in bytes.
    written: u64,
    shared: Arc<Shared>,
}

/// What is shared with the thread that writes one.
#[derive(Debug, Default)]
struct Shared {
    is_running: AtomicBool,
    /// How long the last one is, in bytes.
    size: AtomicU64,
}

impl<D: Disk> Snapshots<D> {
    /// Snapshots of the ledger of `layout`, written to `temporary`, which is this process's own, until they
    /// have their names.
    pub fn new(
        disk: &D,
        layout: &Layout,
        temporary: &Path,
        in_background: fn(Job) -> io::Result<()>,
        pause: fn(Duration),
    ) -> Self {
        let (disk, layout, temporary) = (disk.clone(), layout.clone(), temporary.to_owned());
        let shared = Arc::default();
        Self { disk, layout, temporary, in_background, pause, written: 0, shared }
    }

    /// A segment of `size` bytes is full, and led on to the next.
    pub fn segment_is_full(&mut self, size: u64) {
        self.written += size;
    }

    /// Whether one is worth its while: as much was written to the ledger as will be to the snapshot.
    pub fn is_due(&self) -> bool {
        self.written > self.shared.size.load(Ordering::Relaxed)
            && !self.shared.is_running.load(Ordering::Acquire)
    }

    /// Writes `inventory`, from which the segment that begins with `at` goes on, while others sell.
    pub fn keep(&mut self, inventory: Inventory, at: Base) {
        self.written = 0;
        self.shared.is_running.store(true, Ordering::Release);
        let (disk, layout, shared) =
            (self.disk.clone(), self.layout.clone(), Arc::clone(&self.shared));
        let (temporary, pause) = (self.temporary.clone(), self.pause);
        let job = move || {
            match write(&disk, &layout, &temporary, pause, &inventory, &at) {
                Ok(size) => shared.size.store(size, Ordering::Relaxed),
                Err(error) => tracing::warn!("no snapshot of the ledger: {error}"),
            }
            shared.is_running.store(false, Ordering::Release);
        };
        if let Err(error) = (self.in_background)(Box::new(job)) {
            tracing::debug!("no thread to write a snapshot: {error}");
            self.shared.is_running.store(false, Ordering::Release);
        }
    }
}

/// Writes a snapshot, and gives its size in bytes; removes those that are not kept any more.
fn write<D: Disk>(
    disk: &D,
    layout: &Layout,
    temporary: &Path,
    pause: fn(Duration),
    inventory: &Inventory,
    at: &Base,
) -> Result<u64, LogError> {
    let io = |action, path: &Path| {
        let path = path.to_owned();
        move |source| LogError::Io { action, path, source }
    };
    disk.remove(temporary).map_err(io("remove", temporary))?;
    let file = disk.create_new(temporary).map_err(io("create", temporary))?;
    let pieces = Pieces { file: &file, offset: 0, pause };
    let mut out = BufWriter::with_capacity(PIECE_BYTES, pieces);
    let written = snapshot::write(inventory, at, &mut out).and_then(|()| out.flush());
    written.map_err(io("write", temporary))?;
    let size = out.get_ref().offset;
    let path = layout.snapshot(at.revision + 1);
    settle_what_leads_to(at, disk, layout)?;
    // IMPORTANT: every piece is synced by now: what has the name is whole.
    disk.rename(temporary, &path).map_err(io("name", &path))?;
    disk.sync_dir(&layout.folder).map_err(io("sync the folder of", &path))?;
    for start in starts(disk, layout)?.into_iter().rev().skip(KEPT) {
        let path = layout.snapshot(start);
        disk.remove(&path).map_err(io("remove", &path))?;
    }
    Ok(size)
}

/// Settles the segments that lead from the snapshot before on to the one that begins with `at`: seals are not synced as
/// they are written, for buyers would wait. A sync that failed may have been of any of them, so they are written again.
fn settle_what_leads_to<D: Disk>(at: &Base, disk: &D, layout: &Layout) -> Result<(), LogError> {
    let before = starts(disk, layout)?.into_iter().rev().find(|start| *start <= at.revision);
    let leading = before.unwrap_or(0)..=at.revision;
    for start in layout.starts(disk)?.into_iter().filter(|start| leading.contains(start)) {
        let path = layout.segment(start);
        match Segment::open(disk, &path) {
            Ok(segment) => segment.settle_end()?,
            // Nobody went on in it: another start has removed it.
            Err(LogError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The first revisions behind the snapshots that there are, in order.
///
/// # Errors
/// [`LogError::Io`].
pub fn starts<D: Disk>(disk: &D, layout: &Layout) -> Result<Vec<u64>, LogError> {
    let names = disk.file_names(&layout.folder).map_err(|source| {
        let path = layout.folder.clone();
        LogError::Io { action: "list", path, source }
    })?;
    let starts = names.iter().filter_map(|name| Layout::revision_behind_snapshot(name));
    let mut starts: Vec<_> = starts.collect();
    starts.sort_unstable();
    Ok(starts)
}

/// The last segment that goes on from a sound snapshot, and what that says.
pub fn newest<D: Disk>(
    disk: &D,
    layout: &Layout,
    names_max: usize,
) -> Option<(Segment<D::File>, Inventory)> {
    let starts = starts(disk, layout).unwrap_or_default();
    starts.into_iter().rev().find_map(|start| {
        let segment = Segment::open(disk, &layout.segment(start)).ok()?;
        match read(disk, layout, segment.header(), names_max) {
            Ok(inventory) => Some((segment, inventory)),
            Err(error) => {
                let path = layout.snapshot(start);
                tracing::warn!("{}: passed over: {error}", path.display());
                None
            }
        }
    })
}

/// The snapshot from which the segment that begins with `at` goes on.
///
/// # Errors
/// What the system says; [`io::ErrorKind::InvalidData`] where it is torn or of something else.
pub fn read<D: Disk>(
    disk: &D,
    layout: &Layout,
    at: &Base,
    names_max: usize,
) -> io::Result<Inventory> {
    let file = disk.open_to_read(&layout.snapshot(at.revision + 1))?;
    let pieces = Pieces { file: &file, offset: 0, pause: |_| {} };
    snapshot::read(BufReader::with_capacity(PIECE_BYTES, pieces), at, names_max)
}

/// A file that is read or written from its beginning to its end.
struct Pieces<'a, F> {
    file: &'a F,
    offset: u64,
    pause: fn(Duration),
}

impl<F: DiskFile> Read for Pieces<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.offset)?;
        self.offset += length as u64;
        Ok(length)
    }
}

impl<F: DiskFile> Write for Pieces<'_, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_at(bytes, self.offset)?;
        self.file.sync()?;
        if self.offset > 0 {
            (self.pause)(PAUSE);
        }
        self.offset += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
