//! The only door to the file system: what the file ledger asks of a disk.
//!
//! The same ledger runs on [`super::RealDisk`] and, in tests, on a
//! simulated disk that crashes, tears writes and fails syncs on command.

use std::{io, ops::Deref, path::Path};

use crate::ledger::Holder;

/// A file system.
pub trait Disk: Clone + Send + Sync + 'static {
    /// An open file.
    type File: DiskFile;
    /// An open file with its advisory lock.
    type Lock: FileLock<File = Self::File>;

    /// Opens the existing regular file at `path` to read and write; never creates, never waits.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::InvalidInput`] for what is no regular file.
    fn open(&self, path: &Path) -> io::Result<Self::File>;

    /// Opens the existing regular file at `path` to read only; never waits.
    ///
    /// # Errors
    /// As [`Disk::open`].
    fn open_to_read(&self, path: &Path) -> io::Result<Self::File>;

    /// Creates the file at `path` with mode `0600`; where root does, for the owner of its folder.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] where it exists; else what the system says.
    fn create_new(&self, path: &Path) -> io::Result<Self::File>;

    /// As [`Disk::create_new`], with mode `0644`: what everybody may read.
    ///
    /// # Errors
    /// As [`Disk::create_new`].
    fn create_new_for_all(&self, path: &Path) -> io::Result<Self::File>;

    /// Creates the folder at `path` with mode `0700`, as [`Disk::create_new`] a file; one that exists is fine.
    ///
    /// # Errors
    /// What the system says.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// The names in the folder at `path`, sorted.
    ///
    /// # Errors
    /// What the system says.
    fn file_names(&self, path: &Path) -> io::Result<Vec<String>>;

    /// Which file stands at `path` now, and how long it is.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::NotFound`] where there is none.
    fn stat(&self, path: &Path) -> io::Result<FileStat>;

    /// Gives the file at `from` the name `to`, in place of what has that name.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives the file at `from` the name `to` as well.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] where something has that name; else what the system says.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes the file at `path`; one that is not there is fine.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in the folder at `path` survive a power cut.
    ///
    /// # Errors
    /// What the system says; the names may or may not survive then.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Gives `file` its lock.
    fn lockable(&self, file: Self::File) -> Self::Lock;

    /// Who holds an advisory lock on the file; empty where that cannot be told.
    fn lock_holders(&self, file: FileId) -> Vec<Holder>;

    /// Whether the process `process` is running.
    fn is_running(&self, process: u32) -> bool;

    /// The name of the time since the machine last started; what was written
    /// without a sync survives as long as it does not change. `None` where it cannot be told.
    fn boot_id(&self) -> Option<String>;
}

/// An open file. All offsets and lengths are in bytes.
pub trait DiskFile: Send + Sync {
    /// Which file this is, whatever stands under its name by now.
    ///
    /// # Errors
    /// What the system says.
    fn id(&self) -> io::Result<FileId>;

    /// How long the file is, in bytes.
    ///
    /// # Errors
    /// What the system says.
    fn size(&self) -> io::Result<u64>;

    /// Reads at `offset` into `buffer` until it is full or the file ends, and says how much.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`.
    ///
    /// A killed process leaves it whole or undone where `bytes` is short; a
    /// power cut may leave any part of it until [`DiskFile::sync`].
    ///
    /// # Errors
    /// What the system says; any part may have been written then.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts the file off behind `size` bytes.
    ///
    /// # Errors
    /// What the system says.
    fn truncate(&self, size: u64) -> io::Result<()>;

    /// Makes what was written survive a power cut (`fdatasync`).
    ///
    /// # Errors
    /// What the system says. IMPORTANT: never call it again to make up for
    /// that; the second call can succeed although the bytes are lost.
    fn sync(&self) -> io::Result<()>;
}

/// An advisory lock on a file (`flock`): it binds those who ask for it.
pub trait FileLock: Send {
    /// The file.
    type File: DiskFile;
    /// The lock, held: it ends with this value.
    type Held<'a>: Deref<Target = Self::File>
    where
        Self: 'a;

    /// Waits until this is the only holder.
    ///
    /// # Errors
    /// What the system says, [`io::ErrorKind::Interrupted`] included.
    fn exclusive(&mut self) -> io::Result<Self::Held<'_>>;

    /// Becomes the only holder now, or not at all.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] where somebody else holds it.
    fn try_exclusive(&mut self) -> io::Result<Self::Held<'_>>;
}

/// Which file: two names, or two openings, of the same file have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    /// The device.
    pub device: u64,
    /// The file's number on the device.
    pub inode: u64,
}

/// What stands under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStat {
    /// Which file.
    pub id: FileId,
    /// Its length, in bytes.
    pub size: u64,
}
