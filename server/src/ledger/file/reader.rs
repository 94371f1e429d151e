//! Reading `db.txt` without its lock.
//!
//! An outside program may be in the middle of a truncate-and-write, so a
//! reading counts only when two in a row agree and parse.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::ledger::file::{
    disk::{Disk, DiskFile, FileId},
    format::head::{HEAD_BYTES_MAX, Head, HeadFault},
};

/// Why `db.txt` cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// The system does not let us.
    #[error("{}: {}", path.display(), reason(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What it says is no head.
    #[error("{}:{fault}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why, and where.
        fault: HeadFault,
    },
}

fn reason(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "not allowed to read and write it".to_owned(),
        io::ErrorKind::IsADirectory => "a folder, not a file".to_owned(),
        _ => source.to_string(),
    }
}

impl HeadError {
    /// The system refused something about the file at `path`.
    pub fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    /// The bytes of the file at `path` are no head.
    pub fn malformed(path: &Path, fault: HeadFault) -> Self {
        Self::Malformed { path: path.to_owned(), fault }
    }
}

/// Reads the `size` bytes of `file`, which stands at `path`; of a longer one than a head may
/// have just one byte more.
///
/// # Errors
/// [`HeadError::Io`].
pub fn read_bytes(path: &Path, file: &impl DiskFile, size: u64) -> Result<Vec<u8>, HeadError> {
    let size = usize::try_from(size).unwrap_or(usize::MAX).min(HEAD_BYTES_MAX + 1);
    let mut bytes = vec![0; size];
    let length = file.read_at(&mut bytes, 0).map_err(|source| HeadError::io(path, source))?;
    bytes.truncate(length);
    Ok(bytes)
}

/// Parses the bytes of the file at `path`.
///
/// # Errors
/// [`HeadError::Malformed`].
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Head, HeadError> {
    Head::parse(bytes).map_err(|fault| HeadError::malformed(path, fault))
}

/// A reader of the file under a path, whichever file that is by now.
#[derive(Debug)]
pub struct HeadReader<D: Disk> {
    disk: D,
    path: PathBuf,
    open: Option<(FileId, D::File)>,
    last: Option<(Vec<u8>, Head)>,
}

impl<D: Disk> HeadReader<D> {
    /// A reader that has not read yet.
    pub fn new(disk: D, path: &Path) -> Self {
        Self { disk, path: path.to_owned(), open: None, last: None }
    }

    /// Reads the head once: the same bytes as last time, or two readings that agree.
    ///
    /// # Errors
    /// [`HeadError`]; where somebody is writing just now, a later try succeeds.
    pub fn read(&mut self) -> Result<&Head, HeadError> {
        let bytes = self.bytes()?;
        if self.last.as_ref().is_none_or(|(last, _)| *last != bytes) {
            let head = parse(&self.path, &bytes)?;
            if self.bytes()? != bytes {
                let busy = io::Error::new(io::ErrorKind::WouldBlock, "somebody writes it just now");
                return Err(HeadError::io(&self.path, busy));
            }
            self.last = Some((bytes, head));
        }
        self.last.as_ref().map(|(_, head)| head).ok_or_else(|| {
            let nothing = io::Error::from(io::ErrorKind::UnexpectedEof);
            HeadError::io(&self.path, nothing)
        })
    }

    fn bytes(&mut self) -> Result<Vec<u8>, HeadError> {
        let error = |source| HeadError::io(&self.path, source);
        let stat = self.disk.stat(&self.path).map_err(error)?;
        let (id, file) = match self.open.take() {
            Some((id, file)) if id == stat.id => (id, file),
            _ => {
                let file = self.disk.open_to_read(&self.path).map_err(error)?;
                (file.id().map_err(error)?, file)
            }
        };
        let bytes = read_bytes(&self.path, &file, stat.size)?;
        self.open = Some((id, file));
        Ok(bytes)
    }
}
