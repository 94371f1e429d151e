//! A counter in files: found or created, and opened.

use std::{
    io,
    path::{Path, PathBuf},
    process, thread,
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

use crate::{
    domain::{Inventory, Stock},
    ledger::file::{
        creation,
        disk::{Disk, DiskFile, RealDisk},
        engine::{FileEngine, Opening},
        error::{OpenError, TurnError},
        format::head::Head,
        layout::Layout,
        locks::holders,
        log::preallocation::{Job, Sizes},
        options::Options,
        reader::{self, HeadError},
    },
    run::{
        RunError,
        machine::{now_ms, random},
        real_path::real_path_of,
    },
};

/// Finds the counter's file, or creates it with `init` tickets; gives its path without symbolic links.
pub(super) fn locate(db: &Path, init: Option<u64>) -> Result<PathBuf, RunError> {
    let path = real_path_of(db)?;
    if let Some(count) = init {
        let layout = Layout::around(&path);
        creation::clean(&RealDisk, &layout, process::id());
        if [&layout.head, &layout.folder].iter().all(|path| is_missing(path)) {
            create(&layout, count)
                .map_err(|source| RunError::Init { path: db.to_owned(), source })?;
        }
    }
    let found = RealDisk.stat(&path).map_err(|source| HeadError::io(db, source));
    found.map_err(OpenError::from)?;
    Ok(path)
}

fn is_missing(path: &Path) -> bool {
    RealDisk.stat(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn create(layout: &Layout, count: u64) -> io::Result<()> {
    let nonce = random()?.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    creation::create(&RealDisk, layout, count, (process::id(), nonce))
}

/// What the counter's file says.
pub(super) fn read_head(path: &Path) -> Result<Head, OpenError> {
    let file = RealDisk.open(path).map_err(|source| HeadError::io(path, source))?;
    let size = file.size().map_err(|source| HeadError::io(path, source))?;
    Ok(reader::parse(path, &reader::read_bytes(path, &file, size)?)?)
}

/// Opens and recovers the ledger, unless somebody holds the locks for longer than `patience`.
pub(super) async fn open_ledger(
    path: &Path,
    synced: bool,
    patience: Duration,
    names_max: usize,
) -> Result<Opened, RunError> {
    let (head, options) = (path.to_owned(), options(synced, names_max));
    let read = move || Opening::read(&RealDisk, &head, options);
    wait_for_the_locks(path, patience, read, Opening::recover).await
}

/// Opens the ledger as another life of it, in which `sold` numbers at least were given out; gives what stands on the
/// counter.
pub(super) fn open_anew(path: &Path, patience: Duration, sold: u64) -> Result<Stock, RunError> {
    let (head, options) = (path.to_owned(), options(true, usize::MAX));
    let read = move || Opening::read(&RealDisk, &head, options);
    let begin_anew =
        move |opening: Opening<RealDisk>, on_locked| opening.begin_anew(on_locked, sold);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (_, inventory) = runtime.block_on(wait_for_the_locks(path, patience, read, begin_anew))?;
    Ok(inventory.stock())
}

fn options(synced: bool, names_max: usize) -> Options {
    let (process, sizes, pause) = (process::id(), Sizes::default(), thread::sleep);
    Options { synced, process, names_max, sizes, now_ms, random, in_background, pause }
}

/// What is called once the locks are held.
type OnLocked = Box<dyn FnOnce()>;

/// A counter that is open, and what is durable in it.
type Opened = (FileEngine<RealDisk>, Inventory);

/// Reads the counter at `path` and recovers it, unless somebody holds the locks for longer than `patience`.
async fn wait_for_the_locks(
    path: &Path,
    patience: Duration,
    read: impl FnOnce() -> Result<Opening<RealDisk>, TurnError> + Send + 'static,
    recover: impl FnOnce(Opening<RealDisk>, OnLocked) -> Result<Opened, TurnError> + Send + 'static,
) -> Result<Opened, RunError> {
    let (on_read, was_read) = oneshot::channel();
    let (on_locked, locked) = oneshot::channel();
    let (on_opened, opened) = oneshot::channel();
    // The kernel's queue for a lock has no time limit: so another thread waits in it.
    thread::Builder::new().name("opening".to_owned()).spawn(move || {
        let opening = read();
        // Nobody receives any of these any more where the server was told to end.
        let _ = on_read.send(());
        let on_locked = Box::new(|| {
            let _ = on_locked.send(());
        });
        let _ = on_opened.send(opening.and_then(|opening| recover(opening, on_locked)));
    })?;
    // A long ledger takes its time to be read, and nobody is waited for until then.
    let _ = was_read.await;
    // An opening that failed before it had the locks drops the sender: that is no time-out.
    if timeout(patience, locked).await.is_err() {
        let holders = holders(&RealDisk, &Layout::around(path));
        let path = path.to_owned();
        return Err(OpenError::Locked { path, waited: patience, holders }.into());
    }
    Ok(opened
        .await
        .map_err(|_| io::Error::other("the thread that opens the ledger stopped"))?
        .map_err(OpenError::from)?)
}

fn in_background(job: Job) -> io::Result<()> {
    thread::Builder::new().name("preallocation".to_owned()).spawn(job).map(|_| ())
}
