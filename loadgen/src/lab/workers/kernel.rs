//! Who holds and who waits for a file's lock, as the kernel has it in `/proc/locks` (see proc(5)).

use std::fs;

/// One line about a lock of `flock`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LockLine {
    pub(crate) process: u32,
    pub(crate) inode: u64,
    /// Whether it waits for the lock, and does not have it.
    pub(crate) waits: bool,
}

/// The locks that `processes` hold or wait for, as they are now; none where the kernel tells nobody.
pub(crate) fn locks_of(processes: &[u32]) -> Vec<LockLine> {
    let text = fs::read_to_string("/proc/locks").unwrap_or_default();
    let lines = text.lines().filter_map(parse);
    lines.filter(|line| processes.contains(&line.process)).collect()
}

/// A line as `2: -> FLOCK  ADVISORY  WRITE 4711 fe:00:6552 0 EOF`; the arrow is there where it waits.
fn parse(line: &str) -> Option<LockLine> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let mut kind = words.next()?;
    let waits = kind == "->";
    if waits {
        kind = words.next()?;
    }
    if kind != "FLOCK" {
        return None;
    }
    let process = words.nth(2)?.parse().ok()?;
    let inode = words.next()?.rsplit(':').next()?.parse().ok()?;
    Some(LockLine { process, inode, waits })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_and_waiters_are_told_apart() {
        let holds = parse("5: FLOCK  ADVISORY  WRITE 4093 fe:00:10011103 0 EOF");
        assert_eq!(holds, Some(LockLine { process: 4093, inode: 10_011_103, waits: false }));
        let waits = parse("5: -> FLOCK  ADVISORY  WRITE 4101 fe:00:10011103 0 EOF");
        assert_eq!(waits, Some(LockLine { process: 4101, inode: 10_011_103, waits: true }));
        for other in ["", "1: POSIX  ADVISORY  WRITE 7 fe:00:1 0 EOF", "1: FLOCK ADVISORY", "x"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn the_kernel_knows_a_lock_of_this_process() {
        let file = tempfile::tempfile().unwrap();
        let own = [std::process::id()];
        let inode = std::os::unix::fs::MetadataExt::ino(&file.metadata().unwrap());
        let is_held = || locks_of(&own).iter().any(|line| line.inode == inode && !line.waits);
        assert!(!is_held());
        file.lock().unwrap();
        assert!(is_held());
    }
}
