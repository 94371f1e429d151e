//! Reading beside the turns: the head without its lock, and single records.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::spawn_blocking;

use crate::{
    domain::Stock,
    ledger::{
        Archive, Cause, Found, Holder, Summary,
        file::{
            disk::Disk, format::head::Head, layout::Layout, locks::holders, log::lookup::Lookup,
            reader::HeadReader,
        },
    },
};

/// What is read of a ledger in files.
pub struct FileArchive<D: Disk> {
    disk: D,
    layout: Layout,
    reader: Mutex<HeadReader<D>>,
    lookup: Lookup<D>,
}

impl<D: Disk> FileArchive<D> {
    /// The archive of the ledger of `layout`.
    pub fn new(disk: &D, layout: &Layout) -> Self {
        let reader = Mutex::new(HeadReader::new(disk.clone(), &layout.head));
        let lookup = Lookup::new(disk.clone(), layout.clone());
        Self { disk: disk.clone(), layout: layout.clone(), reader, lookup }
    }

    fn reader(&self) -> MutexGuard<'_, HeadReader<D>> {
        // A reader that panicked reads anew: it keeps nothing half done.
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Disk> Archive for FileArchive<D> {
    fn is_current(&self, known: Stock) -> bool {
        self.reader().read().is_ok_and(|head| says(head, known))
    }

    fn summary(&self) -> Result<Summary, Cause> {
        let mut reader = self.reader();
        let head = reader.read().map_err(Cause::of)?;
        Ok(Summary { remaining: head.count, sold: head.sold })
    }

    fn record(self: Arc<Self>, revision: u64) -> Found {
        Box::pin(async move {
            let found = spawn_blocking(move || self.lookup.record(revision));
            found.await.map_err(Cause::of)?.map_err(Cause::of)
        })
    }

    fn holders(&self) -> Vec<Holder> {
        holders(&self.disk, &self.layout)
    }
}

/// Whether `head` says what `known` says.
fn says(head: &Head, known: Stock) -> bool {
    let Stock { remaining, sold, revision } = known;
    (head.count, head.sold, head.revision) == (remaining, Some(sold), Some(revision))
}
