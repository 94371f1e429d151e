//! The watermark in the lock file: up to where `db.txt` was written.
//!
//! `db.txt` itself carries its revision; the watermark serves where an outside
//! program left the revision out, to tell whether it had seen the last turn.
//! It is written after the head and without a sync, so it is true as long as
//! the machine runs; after a restart of the machine only what was synced counts.

use std::io;

use serde::{Deserialize, Serialize};

use crate::ledger::{
    file::disk::DiskFile,
    format::record_line::{decode, encode},
};

/// What stands in a backup for the start of the machine.
const BACKUP: &str = "backup";

/// How much of the lock file the watermark takes, in bytes.
const WATERMARK_BYTES: usize = 160;

/// Up to where the head was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// The time between two starts of the machine in which it was written.
    pub boot: String,
    /// The revision of the last head that was written.
    pub applied: u64,
    /// The revision of the last head that was synced.
    pub synced: u64,
}

impl Watermark {
    /// That of a backup, whose head was written at `published`.
    pub fn of_backup(published: u64) -> Self {
        Self { boot: BACKUP.to_owned(), applied: published, synced: published }
    }

    /// Whether it is a backup's, from which nobody has sold yet.
    pub fn is_of_backup(&self) -> bool {
        self.boot == BACKUP
    }

    /// Reads the watermark in `file`; a damaged or absent one says that nothing was written.
    pub fn read(file: &impl DiskFile) -> Self {
        Self::try_read(file).unwrap_or_default()
    }

    /// The same, where it matters what cannot be read.
    ///
    /// # Errors
    /// The system does not let it be read.
    pub fn try_read(file: &impl DiskFile) -> io::Result<Self> {
        let mut bytes = [0; WATERMARK_BYTES];
        let length = file.read_at(&mut bytes, 0)?;
        let line = bytes[..length].split(|byte| *byte == b'\n').next().unwrap_or_default();
        Ok(decode(line, 0).map_or_else(|_| Self::default(), |(watermark, _)| watermark))
    }

    /// The bytes of the watermark.
    pub fn image(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(WATERMARK_BYTES);
        // One that cannot be written counts as absent: it is three plain members.
        let _ = encode(self, 0, &mut bytes);
        bytes.resize(WATERMARK_BYTES, b' ');
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_watermark_fits() {
        let boot = "123e4567-e89b-12d3-a456-426614174000".to_owned();
        let watermark = Watermark { boot, applied: u64::MAX, synced: u64::MAX };
        let image = watermark.image();
        assert_eq!(image.len(), WATERMARK_BYTES);
        assert!(image.contains(&b'\n'));
    }
}
