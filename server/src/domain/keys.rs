//! Which idempotency keys were seen, and at which revision the answer stands.
//!
//! The answer itself is in the ledger, in the record that has the key; here is
//! only what it takes to find it: 24 bytes a key in the order of their coming,
//! and a hash table of 4-byte places in that order. The hash is SipHash-1-3
//! with 128 bits of output and a secret key (Aumasson and Bernstein, 2012), so
//! that nobody can make two keys collide.

use std::collections::VecDeque;

use hashbrown::HashTable;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

/// How long a key is remembered, in milliseconds.
pub const KEY_LIFE_MS: u64 = 24 * 60 * 60 * 1000;

/// The longest key, in characters.
pub const KEY_CHARS_MAX: usize = 255;

/// How exactly the time of a key is kept, in milliseconds.
const MOMENT_MS: u64 = 60 * 1000;

/// The keys of the last 24 hours.
#[derive(Clone)]
pub(super) struct Remembered {
    hasher: SipHasher13,
    /// The places, counted from the first key ever, of the keys in `order`.
    table: HashTable<u32>,
    order: VecDeque<Seen>,
    /// How many keys have been forgotten: the place of the front of `order`.
    forgotten: u32,
    /// For each minute the place of its first key.
    moments: VecDeque<(u64, u32)>,
}

#[derive(Clone, Copy)]
struct Seen {
    hash: (u64, u64),
    revision: u64,
}

impl Remembered {
    /// No keys yet; `secret` keeps outsiders from making keys that collide.
    pub(super) fn new(secret: [u8; 16]) -> Self {
        Self {
            hasher: SipHasher13::new_with_key(&secret),
            table: HashTable::new(),
            order: VecDeque::new(),
            forgotten: 0,
            moments: VecDeque::new(),
        }
    }

    /// The revision of the record that has `key`, if it was seen within [`KEY_LIFE_MS`].
    pub(super) fn revision_of(&self, key: &str, now_ms: u64) -> Option<u64> {
        let hash = self.hash(key);
        let place = self.table.find(hash.0, |place| self.seen(*place).hash == hash)?;
        let first_alive = self.first_alive(now_ms);
        // Places are counted modulo 2^32; fewer than 2^31 are alive at once.
        let is_alive = place.wrapping_sub(first_alive) < u32::MAX / 2;
        is_alive.then(|| self.seen(*place).revision)
    }

    /// Notes that the record at `revision`, made at `at_ms`, has `key`.
    pub(super) fn note(&mut self, key: &str, revision: u64, at_ms: u64) {
        self.forget_before(at_ms);
        let hash = self.hash(key);
        let place =
            self.forgotten.wrapping_add(u32::try_from(self.order.len()).unwrap_or(u32::MAX));
        self.order.push_back(Seen { hash, revision });
        if self.moments.back().is_none_or(|(moment, _)| at_ms >= moment + MOMENT_MS) {
            self.moments.push_back((at_ms, place));
        }
        let (order, forgotten) = (&self.order, self.forgotten);
        self.table.insert_unique(hash.0, place, |place| {
            order[place.wrapping_sub(forgotten) as usize].hash.0
        });
    }

    /// How many keys are remembered.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// The place of the first key that is not older than [`KEY_LIFE_MS`], a minute at most.
    fn first_alive(&self, now_ms: u64) -> u32 {
        // A minute is over when the next one has begun.
        let expired = |next: &(u64, u32)| next.0 + KEY_LIFE_MS < now_ms;
        let expired = self.moments.iter().skip(1).take_while(|next| expired(next)).last();
        expired.map_or(self.forgotten, |(_, place)| *place)
    }

    fn forget_before(&mut self, now_ms: u64) {
        let first_alive = self.first_alive(now_ms);
        while self.forgotten != first_alive {
            let Some(seen) = self.order.pop_front() else { break };
            let place = self.forgotten;
            if let Ok(entry) = self.table.find_entry(seen.hash.0, |found| *found == place) {
                entry.remove();
            }
            self.forgotten = self.forgotten.wrapping_add(1);
        }
        while self.moments.get(1).is_some_and(|next| next.0 + KEY_LIFE_MS < now_ms) {
            self.moments.pop_front();
        }
    }

    fn seen(&self, place: u32) -> Seen {
        self.order[place.wrapping_sub(self.forgotten) as usize]
    }

    fn hash(&self, key: &str) -> (u64, u64) {
        use std::hash::Hasher as _;
        let mut hasher = self.hasher;
        hasher.write(key.as_bytes());
        let hash = hasher.finish128();
        (hash.h1, hash.h2)
    }
}

impl std::fmt::Debug for Remembered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} keys", self.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_remembered_for_a_day() {
        let mut keys = Remembered::new([1; 16]);
        keys.note("a", 1, 1_000);
        assert_eq!(keys.revision_of("a", 1_000), Some(1));
        assert_eq!(keys.revision_of("b", 1_000), None);
        keys.note("b", 2, 1_000 + KEY_LIFE_MS);
        assert_eq!(keys.revision_of("a", 1_000 + KEY_LIFE_MS), Some(1));
        keys.note("c", 3, 2_000 + 2 * KEY_LIFE_MS);
        assert_eq!(keys.revision_of("a", 2_000 + 2 * KEY_LIFE_MS), None);
        assert_eq!(keys.revision_of("c", 2_000 + 2 * KEY_LIFE_MS), Some(3));
        assert!(keys.len() <= 2, "{keys:?}");
    }

    #[test]
    fn a_million_keys_take_at_most_eighty_bytes_each() {
        let mut keys = Remembered::new([1; 16]);
        let mut worst = 0;
        for revision in 1..=1_000_000_u64 {
            keys.note(&revision.to_string(), revision, 0);
            if revision > 10_000 {
                let order = keys.order.capacity() * size_of::<Seen>();
                // Four bytes a place, one of control.
                let table = keys.table.capacity() * 8 / 7 * 5;
                worst = worst.max((order + table) / keys.len());
            }
        }
        assert!(worst <= 80, "{worst} bytes a key");
    }

    proptest! {
        #[test]
        fn it_says_what_a_plain_list_of_keys_would_say(
            steps in prop::collection::vec((0..40_u8, 0..KEY_LIFE_MS / 8), 0..200),
        ) {
            let mut keys = Remembered::new([1; 16]);
            let mut list: Vec<(u8, u64, u64)> = Vec::new();
            let mut now_ms = 0;
            for (revision, (key, later)) in (1..).zip(steps) {
                now_ms += later;
                let found = keys.revision_of(&key.to_string(), now_ms);
                let noted = list.iter().rev().find(|(other, _, _)| *other == key);
                match (found, noted) {
                    (Some(found), noted) => {
                        prop_assert_eq!(Some(found), noted.map(|(_, revision, _)| *revision));
                    }
                    (None, Some((_, _, at_ms))) => prop_assert!(at_ms + KEY_LIFE_MS < now_ms),
                    (None, None) => {}
                }
                if found.is_none() {
                    keys.note(&key.to_string(), revision, now_ms);
                    list.push((key, revision, now_ms));
                }
            }
        }
    }
}
