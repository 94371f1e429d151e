//! The ledger in files as an engine.

use std::{io, path::Path};

use crate::{
    domain::{COUNT_MAX, Clock, Identity, Inventory, Record, Trial, epoch_of},
    ledger::{
        Batch, Engine, Fault, News,
        file::{
            archive::FileArchive,
            disk::{Disk, FileLock},
            error::{LogError, TurnError},
            layout::Layout,
            locks::{Locks, open_head},
            log::{batch::FileBatch, cursor::Behind},
            opening::{self, Ahead},
            options::Options,
            reader::{self, HeadError},
            repair::lost_by,
            turn::{FileTurn, Progress},
        },
    },
};

/// The ledger in files, opened and recovered.
pub struct FileEngine<D: Disk> {
    locks: Locks<D>,
    progress: Progress<D>,
}

/// A counter in files of which all was read that needs no lock.
pub struct Opening<D: Disk> {
    disk: D,
    layout: Layout,
    options: Options,
    /// Where there is a ledger already: its locks, which nobody holds here yet.
    locks: Option<Locks<D>>,
    /// What was read of it.
    ahead: Option<Ahead<D::File>>,
}

impl<D: Disk> Opening<D> {
    /// Reads the ledger of the counter at `head`, an absolute path without symbolic links, while others sell.
    ///
    /// # Errors
    /// [`TurnError`]; nothing was changed.
    pub fn read(disk: &D, head: &Path, options: Options) -> Result<Self, TurnError> {
        let layout = Layout::around(head);
        let starts = layout.starts(disk)?;
        let (mut locks, mut ahead) = (None, None);
        if !starts.is_empty() {
            // IMPORTANT: opened first: who takes the locks finds whether the ledger is still the one that was read.
            locks = Some(Locks::open(disk, &layout)?);
            ahead = opening::read_ahead(disk, &layout, &starts, &options)?;
        }
        Ok(Self { disk: disk.clone(), layout, options, locks, ahead })
    }

    /// Reads what came meanwhile, and recovers the counter. One without a ledger gets one.
    ///
    /// Waits for the locks as long as it takes, and calls `on_locked` once it holds them. Gives the engine and what is
    /// durable in it.
    ///
    /// # Errors
    /// [`TurnError`]; nothing was changed where `db.txt` is refused.
    pub fn recover(
        self,
        on_locked: impl FnOnce(),
    ) -> Result<(FileEngine<D>, Inventory), TurnError> {
        let random = self.options.random;
        self.recover_and(on_locked, |turn, inventory, at_ms, seen| {
            let may_lack_records = turn.may_lack_records()?;
            turn.recover(seen)?;
            take_over_the_head(turn, inventory, at_ms)?;
            if may_lack_records {
                begin_another_life(turn, inventory, at_ms, random, (0, COUNT_MAX))?;
            }
            Ok(())
        })
    }

    /// As [`Opening::recover`], and begins another life of the ledger, of whose end nothing is known but that `sold`
    /// numbers at least were given out, or as many as `db.txt` says where that is ahead.
    ///
    /// What was sold, held or refunded in the records that are lost is not known again: no receipt and no token of
    /// theirs is given out a second time.
    ///
    /// # Errors
    /// As [`Opening::recover`].
    pub fn begin_anew(
        self,
        on_locked: impl FnOnce(),
        sold: u64,
    ) -> Result<(FileEngine<D>, Inventory), TurnError> {
        let random = self.options.random;
        self.recover_and(on_locked, |turn, inventory, at_ms, seen| {
            let bounds = match turn.recover_what_is_left(seen)? {
                Some(head) => lost_by(&head, sold),
                None => {
                    turn.recover(seen)?;
                    take_over_the_head(turn, inventory, at_ms)?;
                    (sold, COUNT_MAX)
                }
            };
            begin_another_life(turn, inventory, at_ms, random, bounds)
        })
    }

    /// Takes the locks and lets `go_on` bring head and ledger together; it is told what was seen behind the records
    /// before.
    fn recover_and(
        self,
        on_locked: impl FnOnce(),
        go_on: impl FnOnce(
            &mut FileTurn<'_, '_, D>,
            &mut Inventory,
            u64,
            Option<Behind>,
        ) -> Result<(), TurnError>,
    ) -> Result<(FileEngine<D>, Inventory), TurnError> {
        let Self { disk, layout, options, locks, ahead } = self;
        let mut locks = match locks {
            Some(locks) => locks,
            None => make_locks(&disk, &layout)?,
        };
        let held = locks.hold()?;
        on_locked();
        let now_ms = options.now_ms;
        let opened = opening::open(&disk, &layout, options, ahead, &held)?;
        let (mut progress, mut inventory, behind) = opened;
        let mut turn = FileTurn::new(&mut progress, held);
        let at_ms = Clock::new(inventory.at_ms()).told(now_ms());
        go_on(&mut turn, &mut inventory, at_ms, behind)?;
        turn.rest()?;
        drop(turn);
        Ok((FileEngine { locks, progress }, inventory))
    }
}

/// The locks of a counter that has no ledger yet.
fn make_locks<D: Disk>(disk: &D, layout: &Layout) -> Result<Locks<D>, TurnError> {
    refuse_what_cannot_be_opened(disk, layout)?;
    disk.create_dir(&layout.folder).map_err(|source| LogError::Io {
        action: "create",
        path: layout.folder.clone(),
        source,
    })?;
    Locks::open(disk, layout)
}

impl<D: Disk> FileEngine<D> {
    /// Opens the counter at `head`, an absolute path without symbolic links, and recovers it, as [`Opening`] does.
    ///
    /// # Errors
    /// [`TurnError`]; nothing was changed where `db.txt` is refused.
    pub fn open(disk: &D, head: &Path, options: Options) -> Result<(Self, Inventory), TurnError> {
        Opening::read(disk, head, options)?.recover(|| {})
    }

    /// What is read beside the turns of a ledger that has come to `inventory`.
    pub fn archive(&self, inventory: &Inventory) -> FileArchive<D> {
        let key = self.progress.cursor.segment().header().key;
        let identity = Identity { key, epochs: inventory.epochs().to_vec() };
        FileArchive::new(&self.progress.disk, &self.progress.layout, identity)
    }
}

/// Brings head and ledger together, whatever ended the last writer or was written since.
fn take_over_the_head<D: Disk>(
    turn: &mut FileTurn<'_, '_, D>,
    inventory: &mut Inventory,
    at_ms: u64,
) -> Result<(), TurnError> {
    let mut edited = None;
    turn.learn(&mut |news| match news {
        News::Edited { remaining, sold } => edited = Some((remaining, sold)),
        News::Record { .. } | News::Snapshot(_) => {
            unreachable!("all records were read, and the locks are held")
        }
    })?;
    let mut batch = turn.empty_batch()?;
    if let Some((remaining, sold)) = edited {
        let record = Trial::of(inventory, at_ms).adjustment(remaining, sold);
        assert!(batch.push(&record), "an empty batch has room for an adjustment");
        turn.commit(&batch)?;
        assert_eq!(inventory.fold(&record), Ok(()), "an adjustment follows from its own stock");
    }
    turn.show_if_due()
}

/// Begins another life of the ledger, in which so many numbers at least were given out, and so many tickets at most are
/// left.
fn begin_another_life<D: Disk>(
    turn: &mut FileTurn<'_, '_, D>,
    inventory: &mut Inventory,
    at_ms: u64,
    random: fn() -> io::Result<[u8; 32]>,
    bounds: (u64, u64),
) -> Result<(), TurnError> {
    let path = turn.layout().folder.clone();
    let io = |source| LogError::Io { action: "draw a name for the life of", path, source };
    let epoch = epoch_of(random().map_err(io)?);
    let records = Trial::of(inventory, at_ms).restoration(inventory, epoch, bounds);
    append_all(turn, inventory, &records)
}

/// Appends `records`, however many, and shows them in the head only once all are there.
fn append_all<D: Disk>(
    turn: &mut FileTurn<'_, '_, D>,
    inventory: &mut Inventory,
    records: &[Record],
) -> Result<(), TurnError> {
    let mut rest = records;
    while !rest.is_empty() {
        let mut batch = turn.empty_batch()?;
        let taken = rest.iter().take_while(|record| batch.push(record)).count();
        assert!(taken > 0, "an empty batch has room for any record");
        turn.append_unseen(&batch)?;
        let (done, behind) = rest.split_at(taken);
        for record in done {
            assert_eq!(inventory.fold(record), Ok(()), "it goes on from what is there");
        }
        rest = behind;
    }
    turn.show()
}

impl<D: Disk> Engine for FileEngine<D> {
    type Batch = FileBatch;
    type Turn<'a> = FileTurn<'a, 'a, D>;

    fn begin(&mut self) -> Result<FileTurn<'_, '_, D>, Fault> {
        let Self { locks, progress } = self;
        Ok(FileTurn::begin(progress, locks.hold()?)?)
    }

    fn rest(&mut self) -> Result<(), Fault> {
        let Self { locks, progress } = self;
        Ok(FileTurn::begin(progress, locks.hold()?)?.rest()?)
    }
}

/// Refuses a counter that has no ledger yet, before anything is made beside it.
fn refuse_what_cannot_be_opened<D: Disk>(disk: &D, layout: &Layout) -> Result<(), TurnError> {
    let path = &layout.head;
    let (file, _) = open_head(disk, layout)?;
    let mut lock = disk.lockable(file);
    let io = |action| move |source| LogError::Io { action, path: path.clone(), source };
    let file = lock.exclusive().map_err(io("lock"))?;
    let size = disk.stat(path).map_err(|source| HeadError::io(path, source))?.size;
    let bytes = reader::read_bytes(path, &*file, size)?;
    opening::first_stock(layout, &reader::parse(path, &bytes)?).map(|_| ())
}
