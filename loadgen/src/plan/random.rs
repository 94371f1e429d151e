//! Numbers that look random and are the same for the same seed on every machine.

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and good enough to spread load with.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

/// The whole of 2^53, the numbers that an `f64` has between 0 and 1.
const STEPS: f64 = 9_007_199_254_740_992.0;

impl Random {
    /// The numbers of `stream` under `seed`.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        Self(mixed(seed ^ mixed(stream.wrapping_add(GOLDEN))))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mixed(self.0)
    }

    /// From 0 on, below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / STEPS
    }
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        let first = |seed, stream| Random::new(seed, stream).next();
        assert_eq!(first(1, 1), first(1, 1));
        assert_ne!(first(1, 1), first(1, 2));
        assert_ne!(first(1, 1), first(2, 1));
    }

    #[test]
    fn shares_fill_the_room_between_0_and_1_evenly() {
        let mut random = Random::new(7, 0);
        let mut bins = [0_u32; 10];
        for _ in 0..10_000 {
            let share = random.share();
            assert!((0.0..1.0).contains(&share));
            let bin = (0..10).rev().find(|bin| share * 10.0 >= f64::from(*bin)).unwrap_or(0);
            bins[usize::try_from(bin).unwrap()] += 1;
        }
        assert!(bins.iter().all(|bin| (850..1150).contains(bin)), "{bins:?}");
    }
}
