//! The ledger in files as an engine.

use std::path::Path;

use crate::{
    domain::{Clock, Identity, Inventory, Trial},
    ledger::{
        Batch, Engine, Fault, News,
        file::{
            archive::FileArchive,
            disk::{Disk, FileLock},
            error::{LogError, TurnError},
            layout::Layout,
            locks::{Locks, open_head},
            log::batch::FileBatch,
            opening::{self, Ahead},
            options::Options,
            reader::{self, HeadError},
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
    /// Where there is a ledger already: its locks, which nobody holds here yet, and what was read of it.
    found: Option<(Locks<D>, Option<Ahead<D::File>>)>,
}

impl<D: Disk> Opening<D> {
    /// Reads the ledger of the counter at `head`, an absolute path without symbolic links, while others sell.
    ///
    /// # Errors
    /// [`TurnError`]; nothing was changed.
    pub fn read(disk: &D, head: &Path, options: Options) -> Result<Self, TurnError> {
        let layout = Layout::around(head);
        let starts = layout.starts(disk)?;
        let found = if starts.is_empty() {
            None
        } else {
            // IMPORTANT: opened first: who takes the locks finds whether the ledger is still the one that was read.
            let locks = Locks::open(disk, &layout)?;
            Some((locks, opening::read_ahead(disk, &layout, &starts, &options)))
        };
        Ok(Self { disk: disk.clone(), layout, options, found })
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
        let Self { disk, layout, options, found } = self;
        let (mut locks, ahead) = match found {
            Some(found) => found,
            None => (make_locks(&disk, &layout)?, None),
        };
        let held = locks.hold()?;
        on_locked();
        let now_ms = options.now_ms;
        let opened = opening::open(&disk, &layout, options, ahead, &held)?;
        let (mut progress, mut inventory, behind) = opened;
        let mut turn = FileTurn::new(&mut progress, held);
        turn.recover(behind)?;
        let at_ms = Clock::new(inventory.at_ms()).told(now_ms());
        take_over_the_head(&mut turn, &mut inventory, at_ms)?;
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

impl<D: Disk> Engine for FileEngine<D> {
    type Batch = FileBatch;
    type Turn<'a> = FileTurn<'a, 'a, D>;

    fn begin(&mut self) -> Result<FileTurn<'_, '_, D>, Fault> {
        let Self { locks, progress } = self;
        Ok(FileTurn::new(progress, locks.hold()?))
    }

    fn rest(&mut self) -> Result<(), Fault> {
        let Self { locks, progress } = self;
        Ok(FileTurn::new(progress, locks.hold()?).rest()?)
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
