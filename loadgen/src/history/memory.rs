//! How long a history this machine has room for. Asked before it is read: the kernel would end the
//! program without a word, and maybe another one.

use std::fs;

/// What one operation takes at most while it is judged, in bytes: itself, and what the judge notes.
const OPERATION_BYTES: u64 = 256;

/// How many operations half of the free memory holds.
#[must_use]
pub fn operations_max() -> usize {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    // Of the control group that this runs in, where it has a limit.
    let group = fs::read_to_string("/sys/fs/cgroup/memory.max").unwrap_or_default();
    let operations = free_bytes(&meminfo, &group) / 2 / OPERATION_BYTES;
    usize::try_from(operations).unwrap_or(usize::MAX)
}

/// What is free according to the two files of the kernel; 4 GiB where they do not say.
fn free_bytes(meminfo: &str, group: &str) -> u64 {
    let available = meminfo.lines().find_map(|line| {
        let kibibytes = line.strip_prefix("MemAvailable:")?.strip_suffix("kB")?;
        kibibytes.trim().parse::<u64>().ok()?.checked_mul(1024)
    });
    let available = available.unwrap_or(4 << 30);
    group.trim().parse().map_or(available, |group: u64| group.min(available))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lesser_of_two_limits_holds() {
        let meminfo = "MemTotal:       24595508 kB\nMemAvailable:   1024 kB\n";
        assert_eq!(free_bytes(meminfo, "max\n"), 1 << 20);
        assert_eq!(free_bytes(meminfo, "4096\n"), 4096);
        assert_eq!(free_bytes(meminfo, ""), 1 << 20);
        assert_eq!(free_bytes("", ""), 4 << 30);
        assert!(operations_max() > 0);
    }
}
