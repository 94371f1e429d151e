//! The two locks of a turn: `LOCK` keeps servers apart, `db.txt` everybody else.
//!
//! # Invariants
//! - `LOCK` first, `db.txt` second, always; outsiders only ever take `db.txt`.
//! - While both are held, the file that is locked is the file under the name:
//!   an editor may have put another in its place while we waited.

use std::{io, path::Path, process};

use crate::ledger::{
    Holder, LedgerError,
    file::{
        disk::{Disk, DiskFile, FileId, FileLock},
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

/// The files of a turn, both locks held.
pub struct Held<'a, F> {
    /// `LOCK`.
    pub servers: &'a F,
    /// `db.txt`.
    pub head: &'a F,
    /// How long `db.txt` was when it was locked, in bytes.
    pub head_size: u64,
}

impl<D: Disk> Locks<D> {
    /// Opens both files; makes `LOCK` where it is missing.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn open(disk: &D, layout: &Layout) -> Result<Self, LedgerError> {
        let path = &layout.lock;
        let io = |action| move |source| LedgerError::Io { action, path: path.clone(), source };
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

    /// Holds both locks while `work` has the files: `LOCK`, then `db.txt`.
    ///
    /// Waits as long as it takes, in the order in which the kernel serves those
    /// who wait. Gives the result of `work` and whether `db.txt` was still the
    /// file under its name when `work` was done.
    ///
    /// # Errors
    /// What `work` gives; [`LedgerError::Replaced`] where `LOCK` was taken
    /// away; [`LedgerError::Head`] and [`LedgerError::Io`].
    pub fn hold<R>(
        &mut self,
        work: impl FnOnce(&Held<'_, D::File>) -> Result<R, LedgerError>,
    ) -> Result<(R, bool), LedgerError> {
        let Self { disk, layout, servers, servers_id, head, head_id } = self;
        let locked = |path: &Path| {
            let path = path.to_owned();
            move |source| LedgerError::Io { action: "lock", path, source }
        };
        let servers = servers.exclusive().map_err(locked(&layout.lock))?;
        if disk.stat(&layout.lock).ok().is_none_or(|stat| stat.id != *servers_id) {
            return Err(LedgerError::Replaced { path: layout.lock.clone() });
        }
        let stat = |path: &Path| disk.stat(path).map_err(|source| HeadError::io(path, source));
        loop {
            {
                let head = head.exclusive().map_err(locked(&layout.head))?;
                let found = stat(&layout.head)?;
                if found.id == *head_id {
                    let held = Held { servers: &*servers, head: &*head, head_size: found.size };
                    let result = work(&held)?;
                    let in_place = stat(&layout.head).is_ok_and(|found| found.id == *head_id);
                    return Ok((result, in_place));
                }
            }
            let (file, id) = open_head(disk, layout)?;
            (*head, *head_id) = (disk.lockable(file), id);
        }
    }
}

/// Opens `db.txt`.
///
/// # Errors
/// [`LedgerError::Head`].
pub fn open_head<D: Disk>(disk: &D, layout: &Layout) -> Result<(D::File, FileId), LedgerError> {
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
