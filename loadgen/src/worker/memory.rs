//! Memory that two processes share: words and bytes, wherever they stand.

use std::{fs::File, io, sync::atomic::Ordering};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use vm_memory::{Bytes, FileOffset, MmapRegion, VolatileMemory};

/// How many bytes a word has.
pub(super) const WORD: usize = size_of::<u64>();

/// Why there is no such memory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MemoryError {
    /// The system gives none.
    #[error("the system gives no memory to share: {0}")]
    Refused(#[from] io::Error),
    /// What there is cannot be mapped.
    #[error("memory that is shared cannot be mapped: {0}")]
    NotMapped(#[from] vm_memory::mmap::MmapRegionError),
    /// There is less than that.
    #[error("memory that is shared has {0} bytes only")]
    Short(u64),
}

/// Memory that is mapped here, and perhaps elsewhere.
#[derive(Debug)]
pub(super) struct Memory(MmapRegion);

impl Memory {
    /// Memory of so many bytes, all 0; the file is for whoever is to share it. Only what was written
    /// once takes room.
    ///
    /// # Errors
    /// The system gives none.
    pub(super) fn make(length: usize) -> Result<(Self, File), MemoryError> {
        let file =
            File::from(memfd_create("loadgen", MemfdFlags::CLOEXEC).map_err(io::Error::from)?);
        ftruncate(&file, length as u64).map_err(io::Error::from)?;
        Ok((Self::map(file.try_clone()?, length)?, file))
    }

    /// The first `length` bytes of the memory that `file` is.
    ///
    /// # Errors
    /// It has less, or is none.
    pub(super) fn map(file: File, length: usize) -> Result<Self, MemoryError> {
        let given = file.metadata()?.len();
        if given < length as u64 {
            return Err(MemoryError::Short(given));
        }
        Ok(Self(MmapRegion::from_file(FileOffset::new(file, 0), length)?))
    }

    /// The word at `at`, which is aligned; whatever the other side has written before that word is
    /// seen from now on.
    pub(super) fn load(&self, at: usize) -> u64 {
        let word = self.0.as_volatile_slice().load(at, Ordering::Acquire);
        word.expect("words are inside, and aligned")
    }

    /// Writes `word` at `at`, which is aligned: behind all that was written before.
    pub(super) fn store(&self, at: usize, word: u64) {
        let stored = self.0.as_volatile_slice().store(word, at, Ordering::Release);
        stored.expect("words are inside, and aligned");
    }

    /// Writes `bytes` at `at`.
    pub(super) fn write(&self, bytes: &[u8], at: usize) {
        let written = self.0.as_volatile_slice().write_slice(bytes, at);
        written.expect("bytes are inside");
    }

    /// Fills `bytes` with those from `at` on.
    pub(super) fn read(&self, bytes: &mut [u8], at: usize) {
        let read = self.0.as_volatile_slice().read_slice(bytes, at);
        read.expect("bytes are inside");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_memory_is_told() {
        let (_, file) = Memory::make(64).unwrap();
        assert!(Memory::map(file.try_clone().unwrap(), 64).is_ok());
        for none in [file, File::open("/dev/null").unwrap()] {
            assert!(matches!(Memory::map(none, 65), Err(MemoryError::Short(_))));
        }
    }
}
