//! Reading beside the turns: the head without its lock, and single records.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::{
    domain::{Identity, Stock},
    ledger::{
        Archive, Cause, Found, Holder, Summary,
        file::{
            disk::Disk, format::head::Head, layout::Layout, locks::holders, log::lookup::Lookup,
            reader::HeadReader,
        },
    },
};

/// How many look records up at once: each may open a file.
const LOOKUPS_MAX: usize = 8;

/// What is read of a ledger in files.
pub struct FileArchive<D: Disk> {
    disk: D,
    layout: Layout,
    reader: Mutex<HeadReader<D>>,
    lookup: Arc<Lookup<D>>,
    looking: Arc<Semaphore>,
    identity: Identity,
}

impl<D: Disk> FileArchive<D> {
    /// The archive of the ledger of `layout`, whose tokens are made from `identity`.
    pub fn new(disk: &D, layout: &Layout, identity: Identity) -> Self {
        let reader = Mutex::new(HeadReader::new(disk.clone(), &layout.head));
        let lookup = Arc::new(Lookup::new(disk.clone(), layout.clone()));
        let looking = Arc::new(Semaphore::new(LOOKUPS_MAX));
        Self { disk: disk.clone(), layout: layout.clone(), reader, lookup, looking, identity }
    }

    /// Another one, for who reads the head for themselves; records are looked up together.
    pub fn another(&self) -> Self {
        let reader = Mutex::new(HeadReader::new(self.disk.clone(), &self.layout.head));
        let (disk, layout) = (self.disk.clone(), self.layout.clone());
        let (lookup, looking) = (Arc::clone(&self.lookup), Arc::clone(&self.looking));
        Self { disk, layout, reader, lookup, looking, identity: self.identity.clone() }
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

    fn identity(&self) -> Option<Identity> {
        Some(self.identity.clone())
    }

    fn summary(&self) -> Result<Summary, Cause> {
        let mut reader = self.reader();
        let head = reader.read().map_err(Cause::of)?;
        Ok(Summary { remaining: head.count, sold: head.sold })
    }

    fn records(self: Arc<Self>, first: u64, last: u64) -> Found {
        Box::pin(async move {
            let _permit = self.looking.acquire().await.map_err(Cause::of)?;
            let lookup = Arc::clone(&self.lookup);
            let found = spawn_blocking(move || lookup.records(first, last));
            found.await.map_err(Cause::of)?.map_err(Cause::of)
        })
    }

    fn holders(&self) -> Vec<Holder> {
        holders(&self.disk, &self.layout)
    }
}

/// Whether `head` says what `known` says.
fn says(head: &Head, known: Stock) -> bool {
    let Stock { remaining, issued: sold, revision, .. } = known;
    (head.count, head.sold, head.revision) == (remaining, Some(sold), Some(revision))
}
