//! A file of the simulated disk: what processes see, and what a power cut leaves.

use std::collections::BTreeMap;

use rand::{RngExt as _, rngs::StdRng};

/// What a disk writes whole or not at all, in bytes.
pub(crate) const SECTOR: usize = 512;

type Sector = [u8; SECTOR];

/// A file, sector by sector.
#[derive(Default)]
pub(crate) struct SimFileState {
    live: BTreeMap<u64, Sector>,
    pub(crate) size: u64,
    durable_size: u64,
    /// The versions of a sector since its last sync, the durable one first.
    unsynced: BTreeMap<u64, Vec<Sector>>,
}

impl SimFileState {
    pub(crate) fn read(&self, offset: u64, length: usize) -> Vec<u8> {
        let end = self.size.min(offset + length as u64);
        let mut bytes = vec![0; usize::try_from(end.saturating_sub(offset)).unwrap()];
        let first = offset / SECTOR as u64;
        for (sector, content) in self.live.range(first..=end / SECTOR as u64) {
            let start = sector * SECTOR as u64;
            for (index, byte) in content.iter().enumerate() {
                let place = start + index as u64;
                if place >= offset && place < end {
                    bytes[usize::try_from(place - offset).unwrap()] = *byte;
                }
            }
        }
        bytes
    }

    pub(crate) fn write(&mut self, bytes: &[u8], offset: u64) {
        let mut written = 0;
        while written < bytes.len() {
            let place = offset + written as u64;
            let sector = place / SECTOR as u64;
            let within = usize::try_from(place % SECTOR as u64).unwrap();
            let length = (SECTOR - within).min(bytes.len() - written);
            let before = self.live.get(&sector).copied().unwrap_or([0; SECTOR]);
            let mut after = before;
            after[within..within + length].copy_from_slice(&bytes[written..written + length]);
            // A sector that a failed sync left behind has its durable version noted.
            if after != before || self.unsynced.contains_key(&sector) {
                self.unsynced.entry(sector).or_insert_with(|| vec![before]).push(after);
                self.live.insert(sector, after);
            }
            written += length;
        }
        self.size = self.size.max(offset + bytes.len() as u64);
    }

    pub(crate) fn truncate(&mut self, size: u64) {
        if size < self.size {
            let zeros = vec![0; usize::try_from(self.size - size).unwrap()];
            self.write(&zeros, size);
            self.size = size;
        }
    }

    pub(crate) fn sync(&mut self) {
        self.unsynced.clear();
        self.durable_size = self.size;
    }

    pub(crate) fn lose(&mut self, rng: &mut StdRng) {
        for (sector, versions) in std::mem::take(&mut self.unsynced) {
            let version = rng.random_range(0..versions.len());
            self.live.insert(sector, versions[version]);
        }
        if rng.random_bool(0.5) {
            self.size = self.durable_size;
        }
        let size = self.size;
        self.live.retain(|sector, _| sector * (SECTOR as u64) < size);
        self.durable_size = self.size;
    }

    /// A sync that fails: the pages count as clean from now on, but the disk has the old ones.
    pub(crate) fn fail_to_sync(&mut self) {
        for versions in self.unsynced.values_mut() {
            versions.truncate(1);
        }
    }
}
