//! A file of the simulated disk: what processes see, and what a power cut leaves.

use std::{collections::BTreeMap, ops::RangeInclusive};

/// What a disk writes whole or not at all, in bytes.
pub(crate) const SECTOR: usize = 512;

type Sector = [u8; SECTOR];

/// Accidents that follow from a seed: SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of `range`.
    pub(crate) fn within(&mut self, range: RangeInclusive<usize>) -> usize {
        let count = (range.end() - range.start()) as u64 + 1;
        range.start() + usize::try_from(self.next() % count).unwrap_or_default()
    }

    /// Heads or tails.
    pub(crate) fn toss(&mut self) -> bool {
        self.next() >> 63 == 1
    }
}

/// What happens at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This call and every later one fail: the process was killed in the middle of it.
    Die,
    /// A sync fails, and marks what it did not write as written (as Linux file systems do).
    FailedSync,
    /// There is no room.
    NoSpace,
}

/// A file: its bytes, and sector by sector what was there before.
#[derive(Clone, Default)]
pub(crate) struct SimFileState {
    live: Vec<u8>,
    durable_size: usize,
    /// The versions of a sector since its last sync, the durable one first.
    unsynced: BTreeMap<usize, Vec<Sector>>,
}

impl SimFileState {
    /// A file with these bytes, all of them durable.
    pub(crate) fn durable(bytes: Vec<u8>) -> Self {
        Self { durable_size: bytes.len(), live: bytes, unsynced: BTreeMap::new() }
    }

    pub(crate) fn size(&self) -> usize {
        self.live.len()
    }

    /// The bytes from `offset` on, at most `length`.
    pub(crate) fn read(&self, offset: usize, length: usize) -> &[u8] {
        let rest = self.live.get(offset..).unwrap_or_default();
        &rest[..length.min(rest.len())]
    }

    pub(crate) fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if self.live.len() < end {
            self.live.resize(end, 0);
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let place = end - rest.len();
            let length = (SECTOR - place % SECTOR).min(rest.len());
            let (now, later) = rest.split_at(length);
            self.write_in_a_sector(now, place);
            rest = later;
        }
    }

    fn write_in_a_sector(&mut self, bytes: &[u8], place: usize) {
        let sector = place / SECTOR;
        let is_same = self.live[place..place + bytes.len()] == *bytes;
        // A sector that a failed sync left behind has its durable version noted.
        if is_same && !self.unsynced.contains_key(&sector) {
            return;
        }
        let before = self.sector(sector);
        self.live[place..place + bytes.len()].copy_from_slice(bytes);
        let after = self.sector(sector);
        self.unsynced.entry(sector).or_insert_with(|| vec![before]).push(after);
    }

    fn sector(&self, sector: usize) -> Sector {
        let bytes = self.read(sector * SECTOR, SECTOR);
        let mut content = [0; SECTOR];
        content[..bytes.len()].copy_from_slice(bytes);
        content
    }

    pub(crate) fn truncate(&mut self, size: usize) {
        if let Some(length) = self.live.len().checked_sub(size) {
            self.write(&vec![0; length], size);
            self.live.truncate(size);
        }
    }

    pub(crate) fn sync(&mut self) {
        // What a failed sync marked as written is not written by the next one.
        self.unsynced.retain(|_, versions| versions.len() == 1);
        self.durable_size = self.live.len();
    }

    /// What a power cut leaves: of each sector any version since its last sync.
    pub(crate) fn lose(&mut self, dice: &mut Dice) {
        for (sector, versions) in std::mem::take(&mut self.unsynced) {
            let version = &versions[dice.within(0..=versions.len() - 1)];
            let start = sector * SECTOR;
            let end = self.live.len().min(start + SECTOR);
            self.live[start..end].copy_from_slice(&version[..end - start]);
        }
        if dice.toss() {
            self.live.truncate(self.durable_size);
        }
        self.durable_size = self.live.len();
    }

    /// A sync that fails: the pages count as clean from now on, but the disk has the old ones.
    pub(crate) fn fail_to_sync(&mut self) {
        for versions in self.unsynced.values_mut() {
            versions.truncate(1);
        }
    }
}
