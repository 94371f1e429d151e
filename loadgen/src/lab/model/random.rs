//! A schedule drawn by lot.

use crate::lab::model::{setup::Setup, states::Model};

/// A whole schedule of a lab with `setup`: at every step one of those who can take it, the same for
/// the same `seed`.
pub(crate) fn schedule(setup: Setup, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut model = Model::new(setup);
    let mut schedule = Vec::new();
    loop {
        let ready: Vec<u8> = model.ready().collect();
        let Ok(ways @ 1..) = u64::try_from(ready.len()) else { return schedule };
        let drawn = usize::try_from(next(&mut state) % ways).unwrap_or_default();
        model.step(ready[drawn]);
        schedule.push(ready[drawn]);
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same on every machine.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::model::program::VARIANTS;

    #[test]
    fn a_seed_draws_one_schedule_to_its_end() {
        for variant in VARIANTS {
            for workers in 2..=5 {
                let setup = Setup { variant, workers, tickets: 2 };
                let drawn = schedule(setup, 7);
                assert_eq!(drawn, schedule(setup, 7));
                assert_ne!(drawn, schedule(setup, 8));
                let mut model = Model::new(setup);
                assert!(drawn.iter().all(|worker| model.step(*worker)));
                assert_eq!(model.ready().count(), 0);
            }
        }
    }
}
