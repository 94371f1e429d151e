//! The file ledger: the locks, the books, and a turn at them.

use std::{path::Path, sync::Arc};

use crate::{
    domain::Stock,
    ledger::{
        Draft, Ledger, LedgerError,
        file::{
            archive::FileArchive,
            books::Books,
            disk::{Disk, FileLock},
            layout::Layout,
            locks::{Locks, open_head},
            log::{lookup::Lookup, opening},
            options::Options,
            reader,
        },
    },
};

/// The ledger in files, opened and recovered.
pub struct FileLedger<D: Disk> {
    disk: D,
    layout: Layout,
    locks: Locks<D>,
    books: Books<D>,
}

impl<D: Disk> FileLedger<D> {
    /// Opens the counter at `head`, an absolute path without symbolic links, and recovers it.
    ///
    /// Waits for the locks as long as it takes, and calls `on_locked` once it holds them. A counter without a ledger gets one.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing was changed where `db.txt` is refused.
    pub fn open(
        disk: &D,
        head: &Path,
        options: Options,
        on_locked: impl FnOnce(),
    ) -> Result<Self, LedgerError> {
        let layout = Layout::around(head);
        let names = disk.file_names(&layout.folder).unwrap_or_default();
        if !names.iter().any(|name| Layout::first_revision(name).is_some()) {
            refuse_what_cannot_be_opened(disk, &layout)?;
        }
        disk.create_dir(&layout.folder).map_err(|source| LedgerError::Io {
            action: "create",
            path: layout.folder.clone(),
            source,
        })?;
        let mut locks = Locks::open(disk, &layout)?;
        let (books, _) = locks.hold(|held| {
            on_locked();
            let mut books = opening::open(disk, &layout, options, held)?;
            books.recover(held)?;
            Ok(books)
        })?;
        Ok(Self { disk: disk.clone(), layout, locks, books })
    }

    /// What stood on the counter when this process last looked.
    pub fn stock(&self) -> Stock {
        self.books.stock()
    }

    /// What finds single records of this ledger.
    pub fn lookup(&self) -> Lookup<D> {
        Lookup::new(self.disk.clone(), self.layout.clone())
    }

    /// What is read beside the turns.
    pub fn archive(&self) -> Arc<FileArchive<D>> {
        Arc::new(FileArchive::new(&self.disk, &self.layout))
    }

    /// The counter's secret key.
    pub fn key(&self) -> [u8; 32] {
        self.books.key()
    }
}

impl<D: Disk> Ledger for FileLedger<D> {
    fn turn(&mut self, decide: &mut dyn FnMut(&mut Draft<'_>)) -> Result<Stock, LedgerError> {
        let Self { locks, books, .. } = self;
        let (stock, in_place) = locks.hold(|held| books.turn(held, decide))?;
        if in_place {
            return Ok(stock);
        }
        // The records are durable; now the file that took the place of db.txt
        // has to learn of them. Where it cannot yet, the next turn tells it.
        tracing::warn!("{} was replaced during a sale", self.layout.head.display());
        match locks.hold(|held| books.turn(held, &mut |_| {})) {
            Ok((stock, _)) => Ok(stock),
            Err(error) if error.may_have_written() => Err(error),
            Err(_) => Ok(stock),
        }
    }

    fn rest(&mut self) -> Result<(), LedgerError> {
        let Self { locks, books, .. } = self;
        locks.hold(|held| books.rest(held)).map(|_| ())
    }
}

/// Refuses a counter that has no ledger yet, before anything is made beside it.
fn refuse_what_cannot_be_opened<D: Disk>(disk: &D, layout: &Layout) -> Result<(), LedgerError> {
    let (file, _) = open_head(disk, layout)?;
    let mut lock = disk.lockable(file);
    let io = |action| move |source| LedgerError::Io { action, path: layout.head.clone(), source };
    let file = lock.exclusive().map_err(io("lock"))?;
    let size = disk.stat(&layout.head).map_err(io("read"))?.size;
    let bytes = reader::read_bytes(&layout.head, &*file, size)?;
    opening::first_stock(layout, &reader::parse(&layout.head, &bytes)?).map(|_| ())
}
