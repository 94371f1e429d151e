//! The clock of a history.

use std::fs;

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since an arbitrary start that all processes of this machine share
/// (`CLOCK_MONOTONIC`); it never goes back.
#[must_use]
pub fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // The kernel counts from its own start, so neither part is negative.
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(now.tv_nsec).unwrap_or(0);
    seconds * 1_000_000_000 + nanoseconds
}

/// Which clock [`monotonic_ns`] is: it starts anew with each start of a machine, so the name of that
/// start is its name. `None` where the kernel does not say.
#[must_use]
pub fn clock_name() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_goes_back() {
        let times: Vec<u64> = (0..1000).map(|_| monotonic_ns()).collect();
        assert!(times.is_sorted());
    }
}
