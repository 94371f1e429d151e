//! Which requests were seen, by name, and at which revision the answer stands.
//!
//! A name is an idempotency key with the call that it came with, or the hold that a request
//! ended. The answer itself is in the ledger, in the record of the request; here is
//! only what it takes to find it: 32 bytes a name in the order of their coming,
//! and a hash table of 4-byte places in that order. The hash is SipHash-1-3
//! with 128 bits of output and a secret key (Aumasson and Bernstein, 2012), so
//! that nobody can make two keys collide.
//!
//! The table grows bucket by bucket (linear hashing; Litwin, 1980), and keys
//! are forgotten a few at a time, so that no call ever has much to do: it is
//! made while everybody else waits for the lock.

use std::mem;

use siphasher::sip128::{Hasher128 as _, SipHasher13};

use crate::domain::pieces::Pieces;

/// How long a key is remembered, in milliseconds.
pub const KEY_LIFE_MS: u64 = 24 * 60 * 60 * 1000;

/// The longest key, in characters.
pub const KEY_CHARS_MAX: usize = 255;

/// How exactly the time of a key is kept, in milliseconds.
const MINUTE_MS: u64 = 60 * 1000;

/// How many expired keys are forgotten for each one that comes; 2, so that a crowd of them shrinks.
const FORGOTTEN_AT_ONCE: usize = 2;

/// By what a repetition of a request is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name<'a> {
    /// The key of a purchase.
    Buy(&'a str),
    /// The key of a hold.
    Hold(&'a str),
    /// The key of a restock.
    Restock(&'a str),
    /// The hold that was confirmed, released, or is over; by its revision.
    EndOf(u64),
}

/// What stands for a name: 128 bits that nobody without the secret can make collide.
pub(super) type Hash = (u64, u64);

/// Makes the hashes of names.
#[derive(Clone, Copy)]
pub(super) struct Hasher(SipHasher13);

impl Hasher {
    pub(super) fn hash(&self, name: Name<'_>) -> Hash {
        use std::hash::Hasher as _;

        let number;
        let (call, text) = match name {
            Name::Buy(key) => (0, key.as_bytes()),
            Name::Hold(key) => (1, key.as_bytes()),
            Name::Restock(key) => (2, key.as_bytes()),
            Name::EndOf(hold) => {
                number = hold.to_le_bytes();
                (3, &number[..])
            }
        };
        let mut hasher = self.0;
        hasher.write_u8(call);
        hasher.write(text);
        let hash = hasher.finish128();
        (hash.h1, hash.h2)
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the secret.
        f.write_str("Hasher")
    }
}

/// A request that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenName {
    /// What stands for its name.
    pub hash: (u64, u64),
    /// The record that has the answer.
    pub revision: u64,
    /// When it was seen, in minutes since 1970 UTC.
    pub minute: u32,
}

/// The names of the last 24 hours.
#[derive(Clone)]
pub(super) struct Remembered {
    hasher: Hasher,
    /// How many are kept; the oldest is forgotten first.
    names_max: usize,
    /// How many were forgotten before their time.
    forgotten_early: u64,
    order: Pieces<Seen>,
    /// The place of the front of `order`; places are counted modulo 2^32 from the first key ever.
    first: u32,
    /// For each bucket the place of its latest key; where it has none, any other place.
    latest: Pieces<u32>,
}

#[derive(Clone, Copy)]
struct Seen {
    hash: Hash,
    revision: u64,
    /// The place of the key before it in its bucket: forgotten, or its own, where it is the first.
    before: u32,
    minute: u32,
}

impl Remembered {
    /// No names yet, and never more than `names_max`; `secret` keeps outsiders from making keys that
    /// collide.
    pub(super) fn new(secret: [u8; 16], names_max: usize) -> Self {
        let mut latest = Pieces::new();
        latest.push_back(0);
        let hasher = Hasher(SipHasher13::new_with_key(&secret));
        Self { hasher, names_max, forgotten_early: 0, order: Pieces::new(), first: 0, latest }
    }

    /// What makes the hashes of its names.
    pub(super) fn hasher(&self) -> Hasher {
        self.hasher
    }

    /// The revision of the record whose name has this `hash`, if it was seen within [`KEY_LIFE_MS`].
    ///
    /// While there are not too many, a name is never forgotten early, and a minute late at most.
    pub(super) fn revision_of(&self, hash: Hash, now_ms: u64) -> Option<u64> {
        let mut place = self.latest_in(self.bucket(hash));
        while let Some(seen) = place.and_then(|place| self.seen(place)) {
            if seen.hash == hash {
                return (!seen.is_expired(now_ms)).then_some(seen.revision);
            }
            place = place.and_then(|place| self.before(place));
        }
        None
    }

    /// Notes that the record at `revision`, made at `at_ms`, has the name with this `hash`.
    pub(super) fn note(&mut self, hash: Hash, revision: u64, at_ms: u64) {
        for _ in 0..FORGOTTEN_AT_ONCE {
            if self.order.get(0).is_some_and(|seen| seen.is_expired(at_ms)) {
                self.forget_the_oldest();
            }
        }
        self.make_room();
        if self.latest.len() <= self.order.len() {
            self.split_a_bucket();
        }
        let bucket = self.bucket(hash);
        let place = self.next_place();
        let before = self.latest_in(bucket).unwrap_or(place);
        self.order.push_back(Seen { hash, revision, before, minute: minute(at_ms) });
        self.set_latest(bucket, place);
    }

    /// The place of the next name that comes.
    fn next_place(&self) -> u32 {
        self.first.wrapping_add(u32::try_from(self.order.len()).unwrap_or(u32::MAX))
    }

    fn forget_the_oldest(&mut self) {
        if self.order.pop_front().is_some() {
            self.first = self.first.wrapping_add(1);
        }
    }

    /// All names, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = SeenName> {
        self.order.iter().map(|seen| {
            let Seen { hash, revision, minute, .. } = *seen;
            SeenName { hash, revision, minute }
        })
    }

    /// Notes what [`Remembered::iter`] gave elsewhere, in that order and in any blocks.
    ///
    /// What one by one would be all over the memory is done in one pass behind the last of them.
    ///
    /// # Errors
    /// The first error of `blocks`; what came before it is noted.
    pub(super) fn restore<E>(
        &mut self,
        blocks: impl IntoIterator<Item = Result<Vec<SeenName>, E>>,
    ) -> Result<(), E> {
        let noted = blocks.into_iter().try_for_each(|names| {
            for SeenName { hash, revision, minute } in names? {
                self.make_room();
                let before = self.next_place();
                self.order.push_back(Seen { hash, revision, before, minute });
            }
            Ok(())
        });
        self.make_buckets();
        noted
    }

    /// Makes room for one name more.
    fn make_room(&mut self) {
        if self.order.len() >= self.names_max {
            self.forget_the_oldest();
            self.forgotten_early += 1;
        }
    }

    /// Puts all names into buckets made anew, and makes as many again for those who come next.
    fn make_buckets(&mut self) {
        let names = self.order.len();
        let buckets = names.saturating_mul(2).min(self.names_max).max(names + 1);
        // By the number of a name in the order, from 1; 0 for none.
        let mut latest = vec![0_u32; buckets];
        let place = |number: u32| self.first.wrapping_add(number).wrapping_sub(1);
        for (number, seen) in (1..).zip(self.order.iter_mut()) {
            let before = mem::replace(&mut latest[bucket_of(seen.hash, buckets)], number);
            seen.before = place(if before == 0 { number } else { before });
        }
        self.latest = latest.into_iter().map(place).collect();
    }

    /// How many names were forgotten before their time, since there were too many.
    pub(super) fn forgotten_early(&self) -> u64 {
        self.forgotten_early
    }

    /// How many names are remembered.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Adds a bucket, and moves to it what belongs there from the one that had it until now.
    fn split_a_bucket(&mut self) {
        let added = self.latest.len();
        let split = added - (1 << added.ilog2());
        let mut rest = self.latest_in(split);
        self.latest.push_back(0);
        let mut earliest = [None, None];
        while let Some(place) = rest {
            rest = self.before(place);
            let Some(seen) = self.seen(place) else { break };
            let bucket = self.bucket(seen.hash);
            match earliest[usize::from(bucket == added)].replace(place) {
                Some(later) => self.set_before(later, place),
                None => self.set_latest(bucket, place),
            }
        }
        for place in earliest.into_iter().flatten() {
            self.set_before(place, place);
        }
    }

    fn bucket(&self, hash: Hash) -> usize {
        bucket_of(hash, self.latest.len())
    }

    /// The place of the latest key in `bucket`.
    fn latest_in(&self, bucket: usize) -> Option<u32> {
        let place = *self.latest.get(bucket)?;
        let is_in_it = |seen: &Seen| self.bucket(seen.hash) == bucket;
        self.seen(place).is_some_and(is_in_it).then_some(place)
    }

    fn before(&self, place: u32) -> Option<u32> {
        let before = self.seen(place)?.before;
        (before != place && self.seen(before).is_some()).then_some(before)
    }

    fn set_latest(&mut self, bucket: usize, place: u32) {
        if let Some(latest) = self.latest.get_mut(bucket) {
            *latest = place;
        }
    }

    fn set_before(&mut self, place: u32, before: u32) {
        if let Some(seen) = self.order.get_mut(place.wrapping_sub(self.first) as usize) {
            seen.before = before;
        }
    }

    /// The key at `place`; `None` where it is forgotten.
    fn seen(&self, place: u32) -> Option<&Seen> {
        self.order.get(place.wrapping_sub(self.first) as usize)
    }
}

impl Seen {
    fn is_expired(self, now_ms: u64) -> bool {
        let last_minute = u64::from(self.minute) + KEY_LIFE_MS / MINUTE_MS;
        last_minute < u64::from(minute(now_ms))
    }
}

/// The one of `buckets` that a hash belongs to: its low bits, and one bit less where that bucket is still to come.
fn bucket_of(hash: Hash, buckets: usize) -> usize {
    let mask = buckets.next_power_of_two() - 1;
    let bucket = usize::try_from(hash.0 & mask as u64).unwrap_or_default();
    if bucket < buckets { bucket } else { bucket & (mask >> 1) }
}

/// The minute of a time: 32 bits last for 8,000 years, and whatever is later counts as their end.
fn minute(at_ms: u64) -> u32 {
    u32::try_from(at_ms / MINUTE_MS).unwrap_or(u32::MAX)
}

impl std::fmt::Debug for Remembered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} keys", self.len())
    }
}

#[cfg(test)]
impl Remembered {
    /// Notes the key of a purchase.
    pub(super) fn note_key(&mut self, key: &str, revision: u64, at_ms: u64) {
        self.note(self.hasher.hash(Name::Buy(key)), revision, at_ms);
    }

    /// The revision of the purchase with this key.
    pub(super) fn revision_of_key(&self, key: &str, now_ms: u64) -> Option<u64> {
        self.revision_of(self.hasher.hash(Name::Buy(key)), now_ms)
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use proptest::prelude::*;

    use super::*;

    fn few() -> Remembered {
        Remembered::new([1; 16], usize::MAX)
    }

    #[test]
    fn a_key_is_another_one_for_another_call() {
        let keys = few();
        let names = [Name::Buy("1"), Name::Hold("1"), Name::Restock("1"), Name::EndOf(1)];
        let hashes = names.map(|name| keys.hasher.hash(name));
        for (index, hash) in hashes.iter().enumerate() {
            assert_eq!(hashes.iter().position(|other| other == hash), Some(index));
        }
    }

    #[test]
    fn of_too_many_the_oldest_is_forgotten_first() {
        let mut keys = Remembered::new([1; 16], 3);
        for revision in 1..=5 {
            keys.note_key(&revision.to_string(), revision, 0);
        }
        let found = ["1", "2", "3", "4", "5"].map(|key| keys.revision_of_key(key, 0));
        assert_eq!(found, [None, None, Some(3), Some(4), Some(5)]);
        assert_eq!((keys.len(), keys.forgotten_early()), (3, 2));
    }

    #[test]
    fn a_key_is_remembered_for_a_day() {
        let mut keys = few();
        keys.note_key("a", 1, 1_000);
        assert_eq!(keys.revision_of_key("a", 1_000), Some(1));
        assert_eq!(keys.revision_of_key("b", 1_000), None);
        keys.note_key("b", 2, 1_000 + KEY_LIFE_MS);
        assert_eq!(keys.revision_of_key("a", 1_000 + KEY_LIFE_MS), Some(1));
        keys.note_key("c", 3, 2_000 + 2 * KEY_LIFE_MS);
        assert_eq!(keys.revision_of_key("a", 2_000 + 2 * KEY_LIFE_MS), None);
        assert_eq!(keys.revision_of_key("c", 2_000 + 2 * KEY_LIFE_MS), Some(3));
        assert!(keys.len() <= 2, "{keys:?}");
    }

    #[test]
    fn a_key_that_nobody_came_after_expires_too() {
        let mut keys = few();
        keys.note_key("a", 1, 1_000);
        assert_eq!(keys.revision_of_key("a", 1_000 + KEY_LIFE_MS + MINUTE_MS), None);
        keys.note_key("a", 2, 1_000 + KEY_LIFE_MS + MINUTE_MS);
        assert_eq!(
            keys.revision_of_key("a", 1_000),
            Some(2),
            "a clock that runs back revives none"
        );
    }

    #[test]
    fn names_are_the_same_in_whatever_blocks_they_are_restored() {
        let mut kept = Remembered::new([1; 16], 5000);
        (1..=6000).for_each(|revision| kept.note_key(&revision.to_string(), revision, 0));
        let names: Vec<_> = kept.iter().collect();
        for (block, names_max) in [(1, 5000), (777, 5000), (9999, 5000), (777, 3000), (777, 9999)] {
            let mut restored = Remembered::new([1; 16], names_max);
            let blocks = names.chunks(block).map(|names| Ok::<_, ()>(names.to_vec()));
            restored.restore(blocks).unwrap();
            let early = 5000_usize.saturating_sub(names_max);
            assert_eq!(restored.forgotten_early(), early as u64);
            assert!(restored.iter().eq(names[early..].iter().copied()));
            (6001..=6500)
                .for_each(|revision| restored.note_key(&revision.to_string(), revision, 0));
            let first = 6501 - restored.len() as u64;
            assert_eq!(restored.len(), names_max.min(5500));
            for revision in 1..=7000 {
                let found = restored.revision_of_key(&revision.to_string(), 0);
                assert_eq!(found, (first..=6500).contains(&revision).then_some(revision));
            }
            assert!((0..restored.latest.len()).all(|bucket| length_of(&restored, bucket) < 16));
        }
    }

    #[test]
    fn what_came_before_an_error_is_restored() {
        let mut kept = few();
        (1..=10).for_each(|revision| kept.note_key(&revision.to_string(), revision, 0));
        let mut restored = few();
        let blocks = [Ok(kept.iter().collect()), Err("torn"), Ok(kept.iter().collect())];
        assert_eq!(restored.restore(blocks), Err("torn"));
        assert!((1..=10).all(|at| restored.revision_of_key(&at.to_string(), 0) == Some(at)));
        assert_eq!(restored.len(), 10);
    }

    #[test]
    fn a_clock_past_all_limits_forgets_no_key_at_once() {
        let mut keys = few();
        keys.note_key("a", 1, u64::MAX);
        assert_eq!(keys.revision_of_key("a", u64::MAX), Some(1));
    }

    #[test]
    fn a_million_keys_take_at_most_eighty_bytes_each() {
        let mut keys = few();
        let mut worst = 0;
        for revision in 1..=1_000_000_u64 {
            keys.note_key(&revision.to_string(), revision, 0);
            if revision > 10_000 {
                worst = worst.max((keys.order.bytes() + keys.latest.bytes()) / keys.len());
            }
        }
        assert!(worst <= 80, "{worst} bytes a key");
    }

    /// How many keys stand in `bucket`.
    fn length_of(keys: &Remembered, bucket: usize) -> usize {
        iter::successors(keys.latest_in(bucket), |place| keys.before(*place)).count()
    }

    #[test]
    fn no_single_call_has_much_to_do() {
        let mut keys = few();
        // 100,000 keys a minute; then a quiet day, and as many again.
        let minutes = [0, 1, 2, 2000, 2001, 2002];
        let mut revision = 0;
        for minute in minutes {
            for _ in 0..100_000 {
                revision += 1;
                let (len, buckets) = (keys.len(), keys.latest.len());
                let moved = length_of(&keys, buckets - (1 << buckets.ilog2()));
                keys.note_key(&revision.to_string(), revision, minute * MINUTE_MS);
                assert!(keys.len() + FORGOTTEN_AT_ONCE > len, "{revision}: forgets many at once");
                assert!(keys.latest.len() <= buckets + 1, "{revision}: grows by many at once");
                assert!(moved <= 20, "{revision}: moves {moved} keys at once");
            }
        }
        assert_eq!(keys.len(), 300_000, "those of the first day are gone");
        let longest = (0..keys.latest.len()).map(|bucket| length_of(&keys, bucket)).max();
        assert!(longest <= Some(20), "{longest:?} keys in one bucket");
    }

    #[test]
    fn a_bucket_that_nobody_has_touched_since_places_began_anew_counts_as_empty() {
        let mut keys = few();
        for revision in 0..100_u64 {
            keys.note_key(&revision.to_string(), revision, 0);
        }
        // As far as the place of a forgotten key says, each empty bucket has one of the others'.
        for bucket in 0..keys.latest.len() {
            if keys.latest_in(bucket).is_none() {
                keys.set_latest(bucket, u32::try_from(bucket).unwrap());
            }
        }
        for revision in 100..10_000_u64 {
            keys.note_key(&revision.to_string(), revision, 0);
        }
        for revision in 0..10_000_u64 {
            assert_eq!(keys.revision_of_key(&revision.to_string(), 0), Some(revision));
        }
    }

    proptest! {
        #[test]
        fn it_says_what_a_plain_list_of_keys_would_say(
            first in prop_oneof![Just(0), u32::MAX - 200..=u32::MAX],
            steps in prop::collection::vec((0..40_u8, 0..KEY_LIFE_MS / 8), 0..400),
        ) {
            let mut keys = Remembered { first, ..few() };
            let mut list: Vec<(u8, u64, u64)> = Vec::new();
            let mut now_ms = 0;
            for (revision, (key, later)) in (1..).zip(steps) {
                now_ms += later;
                let found = keys.revision_of_key(&key.to_string(), now_ms);
                let noted = list.iter().rev().find(|(other, _, _)| *other == key);
                let age = noted.map(|(_, _, at_ms)| now_ms - at_ms);
                match found {
                    Some(found) => {
                        prop_assert_eq!(Some(found), noted.map(|(_, revision, _)| *revision));
                        prop_assert!(age <= Some(KEY_LIFE_MS + MINUTE_MS));
                    }
                    None => prop_assert!(age.is_none_or(|age| age > KEY_LIFE_MS)),
                }
                if found.is_none() {
                    keys.note_key(&key.to_string(), revision, now_ms);
                    list.push((key, revision, now_ms));
                }
            }
        }
    }
}
