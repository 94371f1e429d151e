//! The two locks of a turn: `LOCK` keeps servers apart, `db.txt` everybody else.
//!
//! # Invariants
//! - `LOCK` first, `db.txt` second, always; outsiders only ever take `db.txt`.
//! - While both are held, the file that is locked is the file under the name:
//!   an editor may have put another in its place while we waited.

use std::{io, path::Path, process};

use crate::ledger::{
    Holder,
    file::{
        disk::{Disk, DiskFile, FileId, FileLock},
        error::{LogError, TurnError},
        layout::Layout,
        reader::HeadError,
    },
};

/// The two lock files of a counter.
pub struct Locks<D: Disk> {
    disk: D,
    layout: Layout,
    servers: D::Lock,
    servers_id: FileId,
    head: D::Lock,
    head_id: FileId,
}

/// Both locks, held; `db.txt` is free first when this ends.
pub struct Held<'a, D: Disk> {
    /// `db.txt`.
    pub head: <D::Lock as FileLock>::Held<'a>,
    /// `LOCK`.
    pub servers: <D::Lock as FileLock>::Held<'a>,
    /// How long `db.txt` was when it was locked, in bytes.
    pub head_size: u64,
    disk: &'a D,
    layout: &'a Layout,
    head_id: FileId,
}

impl<D: Disk> Locks<D> {
    /// Opens both files; makes `LOCK` where it is missing.
    ///
    /// # Errors
    /// [`TurnError`].
    pub fn open(disk: &D, layout: &Layout) -> Result<Self, TurnError> {
        let path = &layout.lock;
        let io = |action| move |source| LogError::Io { action, path: path.clone(), source };
        let file = match disk.create_new(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => disk.open(path),
            created => created,
        };
        let file = file.map_err(io("open"))?;
        let servers_id = file.id().map_err(io("open"))?;
        let (head, head_id) = open_head(disk, layout)?;
        let (disk, layout) = (disk.clone(), layout.clone());
        let (servers, head) = (disk.lockable(file), disk.lockable(head));
        Ok(Self { disk, layout, servers, servers_id, head, head_id })
    }

    /// Takes both locks: `LOCK`, then `db.txt`.
    ///
    /// Waits as long as it takes, in the order in which the kernel serves those who wait.
    ///
    /// # Errors
    /// [`TurnError::Moved`] where `LOCK` was taken away; [`TurnError::Replaced`] where another file was put in the
    /// place of `db.txt` while we waited: then another try finds it; [`TurnError::Head`] and
    /// [`LogError::Io`].
    pub fn hold(&mut self) -> Result<Held<'_, D>, TurnError> {
        let Self { disk, layout, servers, servers_id, head, head_id } = self;
        let locked = |path: &Path| {
            let path = path.to_owned();
            move |source| LogError::Io { action: "lock", path, source }
        };
        let servers = servers.exclusive().map_err(locked(&layout.lock))?;
        if disk.stat(&layout.lock).ok().is_none_or(|stat| stat.id != *servers_id) {
            return Err(TurnError::Moved { path: layout.lock.clone() });
        }
        let stat = || disk.stat(&layout.head).map_err(|source| HeadError::io(&layout.head, source));
        if stat()?.id != *head_id {
            let (file, id) = open_head(disk, layout)?;
            (*head, *head_id) = (disk.lockable(file), id);
        }
        let head = head.exclusive().map_err(locked(&layout.head))?;
        // IMPORTANT: once more, with the lock held: an editor may have put another file there
        // while we waited, and nobody who comes after waits for the lock of this one.
        let found = stat()?;
        if found.id != *head_id {
            return Err(TurnError::Replaced { path: layout.head.clone() });
        }
        Ok(Held { head, servers, head_size: found.size, disk, layout, head_id: *head_id })
    }
}

impl<D: Disk> Held<'_, D> {
    /// Whether the file that is locked is still the one under the name `db.txt`.
    pub fn is_in_place(&self) -> bool {
        self.disk.stat(&self.layout.head).is_ok_and(|found| found.id == self.head_id)
    }
}

/// Opens `db.txt`.
///
/// # Errors
/// [`HeadError`].
pub fn open_head<D: Disk>(disk: &D, layout: &Layout) -> Result<(D::File, FileId), HeadError> {
    let error = |source| HeadError::io(&layout.head, source);
    let file = disk.open(&layout.head).map_err(error)?;
    let id = file.id().map_err(error)?;
    Ok((file, id))
}

/// Who else holds a lock of the counter.
pub fn holders<D: Disk>(disk: &D, layout: &Layout) -> Vec<Holder> {
    let files = [&layout.head, &layout.lock].map(|path| disk.stat(path).ok().map(|stat| stat.id));
    let holders = files.into_iter().flatten().flat_map(|file| disk.lock_holders(file));
    let mut holders: Vec<_> = holders.filter(|holder| holder.process != process::id()).collect();
    holders.sort_unstable();
    holders.dedup();
    holders
}
