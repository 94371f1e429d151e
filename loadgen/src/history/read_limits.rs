//! How long a history this machine has room for. Asked before it is read: the kernel would end the
//! program without a word, and maybe another one.

use std::{fs, thread};

use super::{Header, Operation};

/// What one operation takes at most while it is judged, in bytes: itself, and what the judge notes;
/// its key and what its tickets take come on top, these twice, for the judge notes them too.
const OPERATION_BYTES: usize = 256;

/// What a history takes beside its operations, in bytes: itself, and what it lacks.
const HISTORY_BYTES: usize = 8 << 10;

/// How much is read, and how fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// At most so many operations, of all files together.
    pub operations: usize,
    /// Together they may take so many bytes while they are judged.
    pub bytes: u64,
    /// So many threads parse.
    pub threads: usize,
}

impl ReadLimits {
    /// As much as this machine has room for.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self {
            operations: usize::MAX,
            bytes: bytes_max(),
            threads: thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// Half of the free memory, in bytes.
fn bytes_max() -> u64 {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    // Of the control group that this runs in, where it has a limit.
    let [limit, used] = ["max", "current"].map(|name| {
        fs::read_to_string(format!("/sys/fs/cgroup/memory.{name}")).unwrap_or_default()
    });
    free_bytes(&meminfo, &limit, &used) / 2
}

/// What `operation` takes at most while it is judged.
pub(super) fn bytes_of(operation: &Operation) -> u64 {
    let key = operation.key.as_ref().map_or(0, String::len);
    // The judge keeps the names of holds and sales sorted, which takes as much again.
    let links = operation.links.as_ref().map_or(0, |links| 2 * links.bytes());
    (OPERATION_BYTES + key + 2 * operation.tickets.bytes() + links) as u64
}

/// What a history that begins with `header` takes beside its operations.
pub(super) fn bytes_of_history(header: Option<&Header>) -> u64 {
    let texts = header.map(|header| [&header.run, &header.clock, &header.label]);
    let texts = texts.into_iter().flatten().flatten().map(String::len).sum::<usize>();
    // The run is the key to it too.
    (HISTORY_BYTES + 2 * texts) as u64
}

/// What is free according to the kernel's files; 4 GiB where they do not say.
fn free_bytes(meminfo: &str, limit: &str, used: &str) -> u64 {
    let available = meminfo.lines().find_map(|line| {
        let kibibytes = line.strip_prefix("MemAvailable:")?.strip_suffix("kB")?;
        kibibytes.trim().parse::<u64>().ok()?.checked_mul(1024)
    });
    let available = available.unwrap_or(4 << 30);
    let used: u64 = used.trim().parse().unwrap_or(0);
    let group = limit.trim().parse().map(|limit: u64| limit.saturating_sub(used));
    group.map_or(available, |free| free.min(available))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lesser_of_two_limits_holds() {
        let meminfo = "MemTotal:       24595508 kB\nMemAvailable:   1024 kB\n";
        assert_eq!(free_bytes(meminfo, "max\n", "9\n"), 1 << 20);
        assert_eq!(free_bytes(meminfo, "4096\n", "96\n"), 4000);
        assert_eq!(free_bytes(meminfo, "", ""), 1 << 20);
        assert_eq!(free_bytes("", "", ""), 4 << 30);
        assert!(bytes_max() > 0);
    }
}
