//! The two locks of a turn: `LOCK` keeps servers apart, `db.txt` everybody else.
//!
//! # Invariants
//! - `LOCK` first, `db.txt` second, always; outsiders only ever take `db.txt`.
//! - While both are held, the file that is locked is the file under the name:
//!   an editor may have put another in its place while we waited.

use std::io;

use crate::ledger::{
    LedgerError,
    file::{
        disk::{Disk, DiskFile, FileLock},
        layout::Layout,
        reader::HeadError,
    },
};

/// The two lock files of a counter.
pub struct Locks<D: Disk> {
    disk: D,
    layout: Layout,
    servers: D::Lock,
    head: D::Lock,
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
        let servers = disk.lockable(file.map_err(io("open"))?);
        let head = disk.lockable(open_head(disk, layout)?);
        Ok(Self { disk: disk.clone(), layout: layout.clone(), servers, head })
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
        work: impl FnOnce(&D::File, &D::File) -> Result<R, LedgerError>,
    ) -> Result<(R, bool), LedgerError> {
        let Self { disk, layout, servers, head } = self;
        let locked = |path: &std::path::Path| {
            let path = path.to_owned();
            move |source| LedgerError::Io { action: "lock", path, source }
        };
        let servers = servers.exclusive().map_err(locked(&layout.lock))?;
        if disk.file_id(&layout.lock).ok() != servers.id().ok() {
            return Err(LedgerError::Replaced { path: layout.lock.clone() });
        }
        loop {
            {
                let head = head.exclusive().map_err(locked(&layout.head))?;
                if is_in_place(disk, layout, &*head)? {
                    let result = work(&servers, &head)?;
                    return Ok((result, is_in_place(disk, layout, &*head).unwrap_or(false)));
                }
            }
            *head = disk.lockable(open_head(disk, layout)?);
        }
    }
}

/// Opens `db.txt`.
///
/// # Errors
/// [`LedgerError::Head`].
pub fn open_head<D: Disk>(disk: &D, layout: &Layout) -> Result<D::File, LedgerError> {
    disk.open(&layout.head).map_err(|source| HeadError::io(&layout.head, source).into())
}

/// Whether `head` is the file that stands under the name.
fn is_in_place<D: Disk>(disk: &D, layout: &Layout, head: &D::File) -> Result<bool, LedgerError> {
    let error = |source| HeadError::io(&layout.head, source);
    Ok(disk.file_id(&layout.head).map_err(error)? == head.id().map_err(error)?)
}
