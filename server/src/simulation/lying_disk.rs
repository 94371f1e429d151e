//! A disk that lies: what would break if the ledger, or the disk, skipped one of its steps.

use std::{
    io, mem,
    ops::Deref,
    path::Path,
    sync::{Arc, Mutex},
};

use crate::{
    ledger::{
        Holder,
        file::{
            disk::{Disk, DiskFile, FileId, FileLock, FileStat},
            layout::Layout,
        },
        format::record_line::with_fitting_checksums,
    },
    simulation::{
        disk::{SimDisk, SimFile, SimHeld},
        shop::head_path,
    },
};

/// The step that is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// A sync of a file does nothing.
    NoSync,
    /// A sync of a folder does nothing.
    NoFolderSync,
    /// A sync that failed is tried again, and what that says counts.
    SyncAgain,
    /// `db.txt` always seems to be the file that was opened first.
    SameFile,
    /// What is written to the ledger is written and synced behind the next write of `db.txt`.
    HeadFirst,
    /// Every line of a segment is read with the checksum that fits it.
    FittingChecksums,
    /// Nobody can tell one start of the machine from another.
    NoBootId,
    /// Every start of the machine seems to be the same.
    SameBoot,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Head,
    Segment,
    Other,
}

/// Writes that are held back: the file, the bytes, and where they go.
type HeldBack = Arc<Mutex<Vec<(Arc<SimFile>, Vec<u8>, u64)>>>;

/// A simulated disk with one lie.
#[derive(Clone)]
pub(crate) struct LyingDisk {
    disk: SimDisk,
    lie: Lie,
    first: FileId,
    held_back: HeldBack,
}

/// A file on it.
pub(crate) struct LyingFile {
    file: Arc<SimFile>,
    lie: Lie,
    content: Content,
    held_back: HeldBack,
}

/// Its lock, held.
pub(crate) struct LyingHeld<'a>(&'a LyingFile, #[expect(dead_code)] SimHeld<'a>);

impl LyingDisk {
    pub(crate) fn new(disk: SimDisk, lie: Lie) -> Self {
        let first = disk.stat(&head_path()).map_or(FileId { device: 0, inode: 0 }, |stat| stat.id);
        Self { disk, lie, first, held_back: Arc::default() }
    }

    fn file(&self, path: &Path, file: io::Result<SimFile>) -> io::Result<LyingFile> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let content = if path == head_path() {
            Content::Head
        } else if Layout::first_revision(name).is_some() {
            Content::Segment
        } else {
            Content::Other
        };
        let (file, held_back) = (Arc::new(file?), Arc::clone(&self.held_back));
        Ok(LyingFile { file, lie: self.lie, content, held_back })
    }
}

impl Disk for LyingDisk {
    type File = LyingFile;
    type Lock = LyingFile;

    fn open(&self, path: &Path) -> io::Result<LyingFile> {
        self.file(path, self.disk.open(path))
    }

    fn open_to_read(&self, path: &Path) -> io::Result<LyingFile> {
        self.file(path, self.disk.open_to_read(path))
    }

    fn create_new(&self, path: &Path) -> io::Result<LyingFile> {
        self.file(path, self.disk.create_new(path))
    }

    fn create_new_for_all(&self, path: &Path) -> io::Result<LyingFile> {
        self.file(path, self.disk.create_new_for_all(path))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dir(path)
    }

    fn file_names(&self, path: &Path) -> io::Result<Vec<String>> {
        self.disk.file_names(path)
    }

    fn stat(&self, path: &Path) -> io::Result<FileStat> {
        let stat = self.disk.stat(path)?;
        let lies = self.lie == Lie::SameFile && path == head_path();
        Ok(if lies { FileStat { id: self.first, ..stat } } else { stat })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        if self.lie == Lie::NoFolderSync { Ok(()) } else { self.disk.sync_dir(path) }
    }

    fn lockable(&self, file: LyingFile) -> LyingFile {
        file
    }

    fn lock_holders(&self, file: FileId) -> Vec<Holder> {
        self.disk.lock_holders(file)
    }

    fn is_running(&self, process: u32) -> bool {
        self.disk.is_running(process)
    }

    fn boot_id(&self) -> Option<String> {
        match self.lie {
            Lie::NoBootId => None,
            Lie::SameBoot => Some(String::new()),
            _ => self.disk.boot_id(),
        }
    }
}

impl DiskFile for LyingFile {
    fn id(&self) -> io::Result<FileId> {
        self.file.id()
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if (self.lie, self.content) != (Lie::FittingChecksums, Content::Segment) {
            return self.file.read_at(buffer, offset);
        }
        let mut bytes = vec![0; usize::try_from(self.file.size()?).unwrap()];
        self.file.read_at(&mut bytes, 0)?;
        let bytes = with_fitting_checksums(&bytes);
        let rest = bytes.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.lie == Lie::HeadFirst && self.content == Content::Segment {
            let held_back = (Arc::clone(&self.file), bytes.to_vec(), offset);
            self.held_back.lock().unwrap().push(held_back);
            return Ok(());
        }
        self.file.write_at(bytes, offset)?;
        if self.lie == Lie::HeadFirst && self.content == Content::Head {
            for (file, bytes, offset) in mem::take(&mut *self.held_back.lock().unwrap()) {
                file.write_at(&bytes, offset)?;
                file.sync()?;
            }
        }
        Ok(())
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.file.truncate(size)
    }

    fn sync(&self) -> io::Result<()> {
        match self.lie {
            Lie::NoSync => Ok(()),
            Lie::SyncAgain => self.file.sync().or_else(|_| self.file.sync()),
            _ => self.file.sync(),
        }
    }
}

impl FileLock for LyingFile {
    type File = Self;
    type Held<'a> = LyingHeld<'a>;

    fn exclusive(&mut self) -> io::Result<LyingHeld<'_>> {
        Ok(LyingHeld(self, self.file.hold()?))
    }

    fn try_exclusive(&mut self) -> io::Result<LyingHeld<'_>> {
        self.exclusive()
    }
}

impl Deref for LyingHeld<'_> {
    type Target = LyingFile;

    fn deref(&self) -> &LyingFile {
        self.0
    }
}
