//! Segments made ahead of need: zeros on the disk that wait for a name.
//!
//! Filling a file with zeros and syncing it takes long; so another thread does
//! it while the segment before is in use.

use std::{
    io,
    path::{Path, PathBuf},
    sync::mpsc,
};

use crate::ledger::file::{
    disk::{Disk, DiskFile},
    error::LogError,
};

/// How much is written at once, in bytes.
const CHUNK_BYTES: u64 = 1 << 20;

/// A job for another thread.
pub type Job = Box<dyn FnOnce() + Send>;

/// A file of zeros, all of them on the disk.
pub struct Zeros<D: Disk> {
    /// The file.
    pub file: D::File,
    /// Where it stands until it gets its name.
    pub path: PathBuf,
}

/// Makes spares, ahead of need where there is time.
pub struct Preallocation<D: Disk> {
    disk: D,
    path: PathBuf,
    in_background: fn(Job) -> io::Result<()>,
    coming: Option<mpsc::Receiver<Result<Zeros<D>, LogError>>>,
}

/// How long segments are, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The first one: small, for a counter may stay small.
    pub first: u64,
    /// The longest one, of a busy counter.
    pub max: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { first: 1 << 20, max: 64 << 20 }
    }
}

impl Sizes {
    /// The length of the segment behind one of `size` bytes: they grow with the counter.
    pub fn after(self, size: u64) -> u64 {
        (size * 4).clamp(self.first, self.max)
    }
}

impl<D: Disk> Preallocation<D> {
    /// Makes spares at `path`, which is this process's own.
    pub fn new(disk: &D, path: &Path, in_background: fn(Job) -> io::Result<()>) -> Self {
        Self { disk: disk.clone(), path: path.to_owned(), in_background, coming: None }
    }

    /// Begins to make a spare of `size` bytes, unless one is coming already.
    pub fn prepare(&mut self, size: u64) {
        if self.coming.is_some() {
            return;
        }
        let (sender, coming) = mpsc::channel();
        let (disk, path) = (self.disk.clone(), self.path.clone());
        let job = move || {
            // Nobody receives it where the server ends first.
            let _ = sender.send(fill(&disk, path, size));
        };
        match (self.in_background)(Box::new(job)) {
            Ok(()) => self.coming = Some(coming),
            Err(error) => tracing::debug!("no thread to prepare a segment: {error}"),
        }
    }

    /// The spare that was prepared, or one of `size` bytes that is made now.
    ///
    /// # Errors
    /// [`LogError::Io`], for example without room on the disk.
    pub fn take(&mut self, size: u64) -> Result<Zeros<D>, LogError> {
        match self.coming.take().and_then(|coming| coming.recv().ok()) {
            Some(Ok(spare)) => Ok(spare),
            Some(Err(_)) | None => fill(&self.disk, self.path.clone(), size),
        }
    }
}

fn fill<D: Disk>(disk: &D, path: PathBuf, size: u64) -> Result<Zeros<D>, LogError> {
    let io = |action| {
        let path = path.clone();
        move |source| LogError::Io { action, path, source }
    };
    disk.remove(&path).map_err(io("remove"))?;
    let file = disk.create_new(&path).map_err(io("create"))?;
    let zeros = vec![0; usize::try_from(CHUNK_BYTES.min(size)).unwrap_or_default()];
    let mut offset = 0;
    while offset < size {
        let length = zeros.len().min(usize::try_from(size - offset).unwrap_or(usize::MAX));
        file.write_at(&zeros[..length], offset).map_err(io("write"))?;
        offset += length as u64;
    }
    file.sync().map_err(io("sync"))?;
    Ok(Zeros { file, path })
}
