//! Segments made ahead of need: zeros on the disk that wait for a name.
//!
//! Filling a file with zeros and syncing it takes long; so another thread does
//! it while the segment before is in use. Sales sync their records to the same
//! disk, and wait behind whatever it has to write just then: so it is written
//! piece by piece, with pauses in which the sales have the disk for themselves. Where
//! syncs are slow it falls behind, and the pieces grow: else all the rest would be
//! written at once while the sales wait.
//!
//! # Invariants
//! - The next segment is done before the segment in use is full: it is always further
//!   than that one, or made without pauses.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use crate::ledger::file::{
    disk::{Disk, DiskFile},
    error::LogError,
};

/// How much is written and synced at once, in bytes.
const PIECE_BYTES: u64 = 256 << 10;

/// The same where it has fallen behind, at most.
const LATE_BYTES_MAX: u64 = 4 << 20;

/// How long the disk is left to others behind a piece.
const PAUSE: Duration = Duration::from_millis(10);

/// More than any segment can be used, per mille: somebody waits for the segment of zeros.
const AWAITED: u64 = u64::MAX;

/// A job for another thread.
pub type Job = Box<dyn FnOnce() + Send>;

/// A file of zeros, all of them on the disk.
pub struct Zeros<D: Disk> {
    /// The file.
    pub file: D::File,
    /// Where it stands until it gets its name.
    pub path: PathBuf,
}

/// Makes segments of zeros, ahead of need where there is time.
pub struct Preallocation<D: Disk> {
    disk: D,
    path: PathBuf,
    in_background: fn(Job) -> io::Result<()>,
    pause: fn(Duration),
    coming: Option<Coming<D>>,
}

/// A segment of zeros that another thread makes.
struct Coming<D: Disk> {
    zeros: mpsc::Receiver<Result<Zeros<D>, LogError>>,
    /// How much of the time for it is over, per mille, or [`AWAITED`].
    over: Arc<AtomicU64>,
}

/// How what is missing of a segment of zeros is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Haste {
    /// Piece by piece, with pauses.
    Calm,
    /// Piece by piece, one right behind the other, and longer ones: it has fallen behind by so many bytes.
    Late(u64),
    /// All at once: somebody waits for it.
    Awaited,
}

impl Haste {
    /// The haste with `filled` of `size` bytes where `over` per mille of the time are over.
    fn at(filled: u64, size: u64, over: u64) -> Self {
        if over == AWAITED {
            return Self::Awaited;
        }
        // It is to be done when four fifths of the time are over.
        let due = (u128::from(size) * u128::from(over) * 5).div_ceil(4 * 1000);
        match u64::try_from(due).unwrap_or(u64::MAX).saturating_sub(filled) {
            0 => Self::Calm,
            behind => Self::Late(behind),
        }
    }
}

/// How long segments are, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The first one: small, for a counter may stay small.
    pub first: u64,
    /// The longest one, of a busy counter.
    pub max: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { first: 1 << 20, max: 64 << 20 }
    }
}

impl Sizes {
    /// The length of the segment behind one of `size` bytes: they grow with the counter.
    pub fn after(self, size: u64) -> u64 {
        (size * 4).clamp(self.first, self.max)
    }
}

impl<D: Disk> Preallocation<D> {
    /// Makes segments of zeros at `path`, which is this process's own.
    ///
    /// A segment of zeros that is made `in_background` leaves the disk to others by `pause`.
    pub fn new(
        disk: &D,
        path: &Path,
        in_background: fn(Job) -> io::Result<()>,
        pause: fn(Duration),
    ) -> Self {
        Self { disk: disk.clone(), path: path.to_owned(), in_background, pause, coming: None }
    }

    /// Begins to make a segment of zeros of `size` bytes, or goes on with the one that is coming; it is due
    /// when `over` reaches 1000: per mille of the time that there is for it.
    pub fn prepare(&mut self, size: u64, over: u64) {
        if let Some(coming) = &self.coming {
            coming.over.store(over, Ordering::Relaxed);
            return;
        }
        let (sender, zeros) = mpsc::channel();
        let (disk, path, pause) = (self.disk.clone(), self.path.clone(), self.pause);
        let over = Arc::new(AtomicU64::new(over));
        let now_over = Arc::clone(&over);
        let job = move || {
            let zeros = fill(&disk, path, size, &mut |filled| {
                let haste = Haste::at(filled, size, now_over.load(Ordering::Relaxed));
                if haste == Haste::Calm {
                    pause(PAUSE);
                }
                haste
            });
            // Nobody receives it where the server ends first.
            let _ = sender.send(zeros);
        };
        match (self.in_background)(Box::new(job)) {
            Ok(()) => self.coming = Some(Coming { zeros, over }),
            Err(error) => tracing::debug!("no thread to prepare a segment: {error}"),
        }
    }

    /// The next segment that was prepared, or one of `size` bytes that is made now; where the disk has no room for
    /// it, one of `least` bytes.
    ///
    /// # Errors
    /// [`LogError::Io`], for example without room on the disk.
    pub fn take(&mut self, size: u64, least: u64) -> Result<Zeros<D>, LogError> {
        self.hurry();
        let now = |size| fill(&self.disk, self.path.clone(), size, &mut |_| Haste::Awaited);
        let coming = self.coming.take().and_then(|coming| coming.zeros.recv().ok());
        let zeros = match coming {
            // Whatever another thread met is no reason not to try.
            Some(Err(error)) if !error.is_without_room() => now(size),
            Some(zeros) => zeros,
            None => now(size),
        };
        zeros.or_else(|error| if error.is_without_room() { now(least) } else { Err(error) })
    }

    /// Somebody waits: the segment of zeros that is coming is made without any more pauses.
    fn hurry(&self) {
        if let Some(coming) = &self.coming {
            coming.over.store(AWAITED, Ordering::Relaxed);
        }
    }
}

/// Makes a file of `size` zeros at `path`; asks `next` how to go on behind each piece.
///
/// Where that fails nothing is left of it: whoever finds the disk full needs what room there is.
fn fill<D: Disk>(
    disk: &D,
    path: PathBuf,
    size: u64,
    next: &mut dyn FnMut(u64) -> Haste,
) -> Result<Zeros<D>, LogError> {
    let io = |action| {
        let path = path.clone();
        move |source| LogError::Io { action, path, source }
    };
    disk.remove(&path).map_err(io("remove"))?;
    let file = disk.create_new(&path).map_err(io("create"))?;
    match write_zeros(&file, size, next) {
        Ok(()) => Ok(Zeros { file, path }),
        Err((action, source)) => {
            // What can't be removed now is removed by the next one here.
            let _ = disk.remove(&path);
            Err(LogError::Io { action, path, source })
        }
    }
}

/// Fills `file` with `size` zeros and syncs them.
///
/// # Errors
/// What failed, and what the system says.
fn write_zeros(
    file: &impl DiskFile,
    size: u64,
    next: &mut dyn FnMut(u64) -> Haste,
) -> Result<(), (&'static str, io::Error)> {
    let write = |source| ("write", source);
    let sync = |source| ("sync", source);
    let zeros = vec![0; usize::try_from(PIECE_BYTES.min(size)).unwrap_or_default()];
    let (mut filled, mut haste) = (0, Haste::Calm);
    let (mut synced, mut piece) = (0, PIECE_BYTES);
    while filled < size {
        let length = zeros.len().min(usize::try_from(size - filled).unwrap_or(usize::MAX));
        file.write_at(&zeros[..length], filled).map_err(write)?;
        filled += length as u64;
        if filled == size {
            break;
        }
        // One sync at the end is the quickest, and the one that others notice.
        if haste != Haste::Awaited {
            if filled - synced < piece {
                continue;
            }
            file.sync().map_err(sync)?;
            synced = filled;
        }
        haste = next(filled);
        piece = match haste {
            Haste::Late(behind) => behind.clamp(PIECE_BYTES, LATE_BYTES_MAX),
            Haste::Calm | Haste::Awaited => PIECE_BYTES,
        };
    }
    file.sync().map_err(sync)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, AtomicUsize},
        thread,
    };

    use proptest::prelude::*;

    use super::*;
    use crate::{
        ledger::file::layout::Layout,
        simulation::{disk::SimDisk, file::Fault},
    };

    const SIZE: u64 = 8 * PIECE_BYTES;

    fn layout() -> Layout {
        Layout::around(Path::new("/shop/db.txt"))
    }

    fn temporary() -> PathBuf {
        layout().temporary_segment(1, 1)
    }

    #[test]
    fn a_piece_is_on_the_disk_before_the_next_one_is_begun() {
        let disk = SimDisk::new(1);
        let mut pieces = Vec::new();
        let zeros = fill(&disk, temporary(), SIZE, &mut |filled| {
            let copy = disk.copy();
            copy.sync_dir(&layout().folder).unwrap();
            copy.cut_power();
            assert!(copy.get(&temporary()).len() as u64 >= filled, "{filled}");
            pieces.push(filled);
            Haste::Calm
        });
        assert_eq!(zeros.unwrap().file.size().unwrap(), SIZE);
        assert_eq!(pieces, (1..8).map(|piece| piece * PIECE_BYTES).collect::<Vec<_>>());
    }

    #[test]
    fn a_segment_that_is_awaited_is_synced_once() {
        let calls = |haste| {
            let disk = SimDisk::new(1);
            fill(&disk, temporary(), SIZE, &mut |_| haste).unwrap();
            disk.calls()
        };
        // The first piece was synced before anybody was asked.
        assert_eq!(calls(Haste::Calm) - calls(Haste::Awaited), 6);
    }

    #[test]
    fn where_it_falls_behind_the_pieces_are_as_long_as_that_within_limits() {
        let (size, mut ends) = (200 * PIECE_BYTES, vec![0]);
        fill(&SimDisk::new(1), temporary(), size, &mut |filled| {
            ends.push(filled);
            match ends.len() {
                2 => Haste::Late(1),
                3 => Haste::Late(3 * PIECE_BYTES),
                4 => Haste::Late(size),
                _ => Haste::Calm,
            }
        })
        .unwrap();
        let pieces: Vec<_> =
            ends.windows(2).map(|ends| (ends[1] - ends[0]) / PIECE_BYTES).collect();
        assert_eq!(pieces[..6], [1, 1, 3, LATE_BYTES_MAX / PIECE_BYTES, 1, 1]);
    }

    proptest! {
        #[test]
        fn a_segment_that_does_not_pause_when_it_is_late_is_done_in_time(
            passed in prop::collection::vec(0..50_u64, 1..200),
        ) {
            let (mut over, mut filled) = (0, 0);
            for passed in passed {
                over = 1000.min(over + passed);
                if let Haste::Late(_) = Haste::at(filled, SIZE, over) {
                    filled += PIECE_BYTES;
                }
                prop_assert!(filled * 1000 >= SIZE * over, "{filled} at {over}");
            }
        }
    }

    #[test]
    fn nothing_is_late_before_any_time_is_over_nor_once_it_is_done() {
        assert_eq!(Haste::at(0, SIZE, 0), Haste::Calm);
        assert_eq!(Haste::at(PIECE_BYTES, SIZE, 100), Haste::Calm);
        let due = (SIZE * 101 * 5).div_ceil(4000);
        assert_eq!(Haste::at(PIECE_BYTES, SIZE, 101), Haste::Late(due - PIECE_BYTES));
        assert_eq!(Haste::at(SIZE, SIZE, 800), Haste::Calm);
        assert_eq!(Haste::at(SIZE, SIZE, AWAITED), Haste::Awaited);
    }

    #[test]
    fn a_segment_pauses_behind_each_piece_where_there_is_time_and_never_where_there_is_none() {
        static PAUSES: AtomicUsize = AtomicUsize::new(0);
        let pauses = |over| {
            let inline = |job: Job| {
                job();
                Ok(())
            };
            let pause = |_| {
                PAUSES.fetch_add(1, Ordering::SeqCst);
            };
            let disk = SimDisk::new(1);
            let mut preallocation = Preallocation::new(&disk, &temporary(), inline, pause);
            preallocation.prepare(SIZE, over);
            let zeros = preallocation.take(SIZE, SIZE).unwrap();
            assert_eq!(zeros.file.size().unwrap(), SIZE);
            PAUSES.swap(0, Ordering::SeqCst)
        };
        assert_eq!(pauses(0), 7);
        assert_eq!(pauses(400), 4);
        assert_eq!(pauses(1000), 0);
    }

    /// Prepares a segment on a disk whose next call but `calls` finds no room, and takes it.
    fn taken_without_room(calls: u64, prepare: bool) -> (SimDisk, Result<u64, LogError>) {
        let inline = |job: Job| {
            job();
            Ok(())
        };
        let disk = SimDisk::new(1);
        let mut preallocation = Preallocation::new(&disk, &temporary(), inline, |_| {});
        disk.plan(calls, Fault::NoSpace);
        if prepare {
            preallocation.prepare(SIZE, 0);
        }
        let taken = preallocation.take(SIZE, PIECE_BYTES);
        (disk, taken.map(|zeros| zeros.file.size().unwrap()))
    }

    #[test]
    fn where_there_is_no_room_for_a_segment_the_least_one_is_made() {
        let mut without_room = 0;
        for prepare in [true, false] {
            for calls in 1..20 {
                match taken_without_room(calls, prepare).1 {
                    Ok(size) => {
                        assert!([SIZE, PIECE_BYTES].contains(&size), "{size} bytes");
                        without_room += u32::from(size == PIECE_BYTES);
                    }
                    // A sync that failed: nobody tries that twice under the lock.
                    Err(error) => assert!(!prepare && !error.is_without_room(), "{error}"),
                }
            }
        }
        assert!(without_room >= 8, "{without_room} writes without room");
    }

    #[test]
    fn a_segment_that_was_begun_leaves_no_file_where_there_is_no_room() {
        for calls in 1..20 {
            let disk = SimDisk::new(1);
            disk.plan(calls, Fault::NoSpace);
            let zeros = fill(&disk, temporary(), SIZE, &mut |_| Haste::Calm);
            assert_eq!(disk.stat(&temporary()).is_ok(), zeros.is_ok(), "call {calls}");
        }
    }

    #[test]
    fn a_segment_that_falls_behind_or_is_awaited_pauses_no_more() {
        static PAUSES: AtomicUsize = AtomicUsize::new(0);
        static MAY_GO_ON: AtomicBool = AtomicBool::new(false);
        let hurries: [fn(&mut Preallocation<SimDisk>); 2] = [
            |preallocation| preallocation.prepare(SIZE, 1000),
            |preallocation| {
                preallocation.hurry();
            },
        ];
        for hurry in hurries {
            let thread = |job| thread::Builder::new().spawn(job).map(|_| ());
            let pause = |_| {
                PAUSES.fetch_add(1, Ordering::SeqCst);
                while !MAY_GO_ON.load(Ordering::SeqCst) {
                    thread::yield_now();
                }
            };
            let disk = SimDisk::new(1);
            let mut preallocation = Preallocation::new(&disk, &temporary(), thread, pause);
            preallocation.prepare(SIZE, 0);
            hurry(&mut preallocation);
            MAY_GO_ON.store(true, Ordering::SeqCst);
            while disk.stat(&temporary()).map_or(0, |stat| stat.size) < SIZE {
                thread::yield_now();
            }
            assert!(PAUSES.swap(0, Ordering::SeqCst) <= 1);
            MAY_GO_ON.store(false, Ordering::SeqCst);
        }
    }
}
