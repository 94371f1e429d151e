//! How large a campaign is.

use std::env;

/// The number in the environment's `variable`; where it is not set, as many as `tests/run` takes.
///
/// # Panics
/// When it is set, and no number.
#[track_caller]
pub fn number_of(variable: &str, in_tests_run: u32) -> u32 {
    match env::var(variable) {
        Ok(typed) => typed.parse().unwrap_or_else(|cause| panic!("{variable}: {cause}")),
        Err(_) => in_tests_run,
    }
}
