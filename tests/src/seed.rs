//! Random choices that can be made again.

use std::env;

/// The variable that repeats a run: the seed which the run printed.
const VARIABLE: &str = "E2E_SEED";

/// A source of random choices; its seed is printed under the name of the `test`.
///
/// # Panics
/// When `E2E_SEED` is set and is no number.
#[track_caller]
pub fn seeded(test: &str) -> fastrand::Rng {
    let seed = match env::var(VARIABLE) {
        Ok(typed) => typed.parse().unwrap_or_else(|cause| panic!("{VARIABLE} is no seed: {cause}")),
        Err(_) => fastrand::u64(..),
    };
    println!("{test}: seed {seed}; the same choices again: {VARIABLE}={seed}");
    fastrand::Rng::with_seed(seed)
}
