//! The file system of this machine.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io, iter,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, fchown},
    },
    path::Path,
};

use fd_lock::{RwLock, RwLockWriteGuard};
use rustix::{
    fs::{CWD, OFlags, RenameFlags, renameat_with},
    io::Errno,
    process::{Pid, test_kill_process},
};

use crate::ledger::{
    Holder,
    file::disk::{Disk, DiskFile, FileId, FileLock, FileStat},
};

/// How often `/proc/locks` is read for a lock that is not in it.
const READINGS_MAX: usize = 3;

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

/// An open file of this machine.
#[derive(Debug)]
pub struct RealFile(File);

impl Disk for RealDisk {
    type File = RealFile;
    type Lock = RwLock<RealFile>;

    fn open(&self, path: &Path) -> io::Result<RealFile> {
        regular_file(OpenOptions::new().read(true).write(true), path)
    }

    fn open_to_read(&self, path: &Path) -> io::Result<RealFile> {
        regular_file(OpenOptions::new().read(true), path)
    }

    fn create_new(&self, path: &Path) -> io::Result<RealFile> {
        new_file(path, 0o600)
    }

    fn create_new_for_all(&self, path: &Path) -> io::Result<RealFile> {
        new_file(path, 0o644)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => {
                give_away(&opened(OpenOptions::new().read(true), OFlags::NOFOLLOW, path)?, path)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            failed => failed,
        }
    }

    fn file_names(&self, path: &Path) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
        let names = entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        Ok(names)
    }

    fn stat(&self, path: &Path) -> io::Result<FileStat> {
        let metadata = fs::metadata(path)?;
        Ok(FileStat { id: FileId::of(&metadata), size: metadata.len() })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn lockable(&self, file: RealFile) -> Self::Lock {
        RwLock::new(file)
    }

    fn lock_holders(&self, file: FileId) -> Vec<Holder> {
        let holders = || -> Vec<Holder> {
            let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
            let takers = locks.lines().filter_map(|line| taker(line, file));
            takers.flat_map(|process| self.holders_after(process, file)).collect()
        };
        // It is read in pieces, and locks that come and go in between move others past whoever reads.
        let mut readings = iter::repeat_with(holders).take(READINGS_MAX);
        readings.find(|found| !found.is_empty()).unwrap_or_default()
    }

    fn is_running(&self, process: u32) -> bool {
        let process = i32::try_from(process).ok().and_then(Pid::from_raw);
        // Not by `/proc`, which may hide the processes of other users (hidepid, `ProtectProc=`).
        process.is_some_and(|process| is_there(test_kill_process(process)))
    }

    fn boot_id(&self) -> Option<String> {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(id.trim().to_owned()).filter(|id| !id.is_empty())
    }
}

fn new_file(path: &Path, mode: u32) -> io::Result<RealFile> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(mode).open(path)?;
    give_away(&file, path)?;
    Ok(RealFile(file))
}

/// Gives what was just made at `path` to the owner of its folder: what root makes in the folder of a service is the
/// service's. Where only its maker can have it, it stays the maker's.
fn give_away(made: &File, path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let owner = fs::metadata(folder.unwrap_or(Path::new(".")))?;
    if made.metadata()?.uid() == owner.uid() {
        return Ok(());
    }
    match fchown(made, Some(owner.uid()), Some(owner.gid())) {
        // Of who is not root, or knows no such user in its namespace.
        Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::PERM | Errno::INVAL)) => {
            Ok(())
        }
        given => given,
    }
}

fn opened(options: &mut OpenOptions, flags: OFlags, path: &Path) -> io::Result<File> {
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    options.custom_flags(flags).open(path)
}

/// Opens a regular file; `O_NONBLOCK` because opening a FIFO would wait for its other end.
fn regular_file(options: &mut OpenOptions, path: &Path) -> io::Result<RealFile> {
    let file = opened(options, OFlags::NONBLOCK, path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(RealFile(file))
}

impl RealDisk {
    /// Gives the folder at `from` the name `to`, which nothing has.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] where something has that name; else what the system says.
    pub fn rename_folder_to_new(self, from: &Path, to: &Path) -> io::Result<()> {
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // Not every file system knows that; then a folder takes the place of an empty one, and of nothing else.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                fs::rename(from, to).map_err(|error| match error.kind() {
                    io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory => {
                        io::ErrorKind::AlreadyExists.into()
                    }
                    _ => error,
                })
            }
            renamed => Ok(renamed?),
        }
    }

    /// Who holds the lock that `process` took: a lock outlives its taker in whatever that one started.
    fn holders_after(self, process: u32, file: FileId) -> Vec<Holder> {
        if self.is_running(process) {
            return vec![Holder { process, has_ended: false }];
        }
        let heirs = || {
            let processes = fs::read_dir("/proc")?.flatten();
            let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
            let heirs = numbers.filter(|heir| holds_open(*heir, file));
            Ok::<_, io::Error>(heirs.map(|process| Holder { process, has_ended: false }).collect())
        };
        match heirs() {
            Ok(heirs) if !Vec::is_empty(&heirs) => heirs,
            // Those of other users do not show what they have open.
            _ => vec![Holder { process, has_ended: true }],
        }
    }
}

/// Whether there is a process that took a signal so, or may not be sent one, as another user's.
fn is_there(signalled: Result<(), Errno>) -> bool {
    matches!(signalled, Ok(()) | Err(Errno::PERM))
}

/// Whether `process` has the locked `file` open, lock and all (see proc_pid_fdinfo(5)).
fn holds_open(process: u32, file: FileId) -> bool {
    let infos = fs::read_dir(format!("/proc/{process}/fdinfo")).into_iter().flatten().flatten();
    let mut texts = infos.filter_map(|info| fs::read_to_string(info.path()).ok());
    texts.any(|text| {
        let mut locks = text.lines().filter_map(|line| line.strip_prefix("lock:"));
        locks.any(|line| taker(line.trim_start(), file).is_some())
    })
}

/// The process id of a line of `/proc/locks` that is about `file`, as in
/// `2: FLOCK  ADVISORY  WRITE 4711 fe:00:6552 0 EOF` (see proc(5)).
fn taker(line: &str, file: FileId) -> Option<u32> {
    let mut words = line.split_ascii_whitespace().skip(1);
    if words.next() != Some("FLOCK") {
        return None;
    }
    let process = words.nth(2)?.parse().ok()?;
    let mut place = words.next()?.split(':');
    let major = u32::from_str_radix(place.next()?, 16).ok()?;
    let minor = u32::from_str_radix(place.next()?, 16).ok()?;
    let inode: u64 = place.next()?.parse().ok()?;
    let device = rustix::fs::makedev(major, minor);
    (FileId { device, inode } == file).then_some(process)
}

impl FileId {
    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

impl DiskFile for RealFile {
    fn id(&self) -> io::Result<FileId> {
        self.0.metadata().map(|metadata| FileId::of(&metadata))
    }

    fn size(&self) -> io::Result<u64> {
        self.0.metadata().map(|metadata| metadata.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.0.read_at(&mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(more) => filled += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.0.set_len(size)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

impl AsFd for RealFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl FileLock for RwLock<RealFile> {
    type File = RealFile;
    type Held<'a> = RwLockWriteGuard<'a, RealFile>;

    fn exclusive(&mut self) -> io::Result<Self::Held<'_>> {
        self.write()
    }

    fn try_exclusive(&mut self) -> io::Result<Self::Held<'_>> {
        self.try_write()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_lock_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.txt");
        let mut lock: RwLock<_> = RealDisk.lockable(RealDisk.create_new(&path).unwrap());
        let id = RealDisk.stat(&path).unwrap().id;
        assert!(RealDisk.lock_holders(id).is_empty());
        let held = lock.write().unwrap();
        assert_eq!(
            RealDisk.lock_holders(id),
            [Holder { process: std::process::id(), has_ended: false }]
        );
        drop(held);
        assert!(RealDisk.lock_holders(id).is_empty());
    }

    #[test]
    fn a_process_that_may_not_be_sent_a_signal_is_running() {
        assert!(is_there(Ok(())) && is_there(Err(Errno::PERM)) && !is_there(Err(Errno::SRCH)));
        assert!(RealDisk.is_running(std::process::id()) && RealDisk.is_running(1));
        assert!(!RealDisk.is_running(0) && !RealDisk.is_running(u32::MAX));
    }

    #[test]
    fn two_openings_of_a_file_exclude_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.txt");
        let mut one: RwLock<_> = RealDisk.lockable(RealDisk.create_new(&path).unwrap());
        let mut other: RwLock<_> = RealDisk.lockable(RealDisk.open(&path).unwrap());
        let held = one.exclusive().unwrap();
        let refused = other.try_exclusive().err().map(|error| error.kind());
        assert_eq!(refused, Some(io::ErrorKind::WouldBlock));
        drop(held);
        assert!(other.try_exclusive().is_ok());
    }

    #[test]
    fn a_folder_takes_no_name_that_something_has_not_even_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        fs::create_dir(&from).unwrap();
        fs::write(from.join("whole"), "").unwrap();
        fs::create_dir(&to).unwrap();
        let refused = RealDisk.rename_folder_to_new(&from, &to).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_dir(&to).unwrap().count(), 0);
        fs::remove_dir(&to).unwrap();
        RealDisk.rename_folder_to_new(&from, &to).unwrap();
        assert!(to.join("whole").exists() && !from.exists());
    }

    #[test]
    fn a_fifo_and_a_folder_are_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        rustix::fs::mkfifoat(CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
        for path in [fifo.as_path(), folder.path()] {
            assert!(RealDisk.open(path).is_err());
            assert!(RealDisk.open_to_read(path).is_err());
        }
    }
}
