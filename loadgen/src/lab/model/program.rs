//! The lesson's program, line by line: what a worker of the lab does between two stops.
//!
//! A *variant* is one way to write it. All workers of a lab run the same variant; where two of them
//! take two locks, who comes first in the order depends on the worker's number.

use serde::{Deserialize, Serialize};

/// One way to write the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Variant {
    /// Nothing keeps two workers apart.
    None,
    /// A lock on the file, held while it is written.
    WriteLock,
    /// A mutex in the memory of each process.
    Mutex,
    /// A lock on the file, from the reading to the writing.
    Flock,
    /// The file is opened, then locked, and replaced by another.
    Replaced,
    /// The file is replaced too; the lock is on a file beside it, and taken first.
    LockFile,
    /// No lock: written only where the file is as it was when it was read.
    CompareAndSwap,
    /// Two locks: odd workers take one first, even workers the other.
    TwoLocks,
}

/// What one line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Open,
    Lock(Lock),
    /// Reads the count. A file that holds none ends the program.
    Read,
    /// Goes on where a ticket is left, and past the sale where none is.
    Check,
    Subtract,
    Empty,
    /// Writes over what stands at the start of the file, and sells.
    Write,
    /// Writes where the file is as it was read, and sells; otherwise goes back to reading.
    Swap,
    /// Writes a new file beside the old one.
    WriteNew,
    /// Puts the new file in the place of the old one, and sells.
    Rename,
    Unlock(Lock),
    Close,
}

/// What a lock is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lock {
    /// The process's own memory.
    Memory,
    /// The `db.txt` that the worker has opened.
    Opened,
    /// `db.lock`.
    Beside,
    /// `db.txt` for odd workers, `sales.txt` for even ones.
    First,
    /// The other one.
    Second,
}

/// One line of a program, in both languages.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) step: Step,
    /// What it does, in words: a verb and what follows it.
    pub(crate) says: &'static str,
    pub(crate) rust: &'static str,
    pub(crate) python: &'static str,
}

/// All variants, in the order in which to learn.
pub(crate) const VARIANTS: [Variant; 8] = [
    Variant::None,
    Variant::WriteLock,
    Variant::Mutex,
    Variant::Flock,
    Variant::Replaced,
    Variant::LockFile,
    Variant::CompareAndSwap,
    Variant::TwoLocks,
];

impl Variant {
    /// Its name in links and files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::WriteLock => "write-lock",
            Self::Mutex => "mutex",
            Self::Flock => "flock",
            Self::Replaced => "replaced",
            Self::LockFile => "lock-file",
            Self::CompareAndSwap => "compare-and-swap",
            Self::TwoLocks => "two-locks",
        }
    }

    /// Its name for people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::None => "No lock",
            Self::WriteLock => "A lock around the write only",
            Self::Mutex => "A mutex of one process",
            Self::Flock => "A lock on the file (flock)",
            Self::Replaced => "A lock taken after the file is opened, and the file is replaced",
            Self::LockFile => "A lock taken before the file is opened",
            Self::CompareAndSwap => "Compare and swap",
            Self::TwoLocks => "Two locks in two orders",
        }
    }

    /// What there is to see, in a sentence or two.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::None => "Nothing keeps the workers apart: whatever order you choose happens.",
            Self::WriteLock => {
                "Only one worker writes at a time. What it writes, it has read before it had the \
                 lock."
            }
            Self::Mutex => {
                "A mutex is in the memory of a process, and each worker is a process with memory \
                 of its own."
            }
            Self::Flock => {
                "The lock is held from the reading to the writing. Who comes second waits in the \
                 kernel until the first has given it back."
            }
            Self::Replaced => {
                "The lock is on the file that was opened. Who waits for it may get the lock on a \
                 file that is no longer `db.txt`."
            }
            Self::LockFile => {
                "The lock is on a file that nobody replaces, and `db.txt` is opened once it is had."
            }
            Self::CompareAndSwap => {
                "Nobody waits. A worker writes only where the file is still as it was read, in one \
                 step; otherwise it reads again."
            }
            Self::TwoLocks => {
                "Every sale takes both `db.txt` and `sales.txt`. Odd workers lock `db.txt` first, \
                 even workers `sales.txt`."
            }
        }
    }

    /// Its lines.
    pub(crate) fn lines(self) -> &'static [Line] {
        match self {
            Self::None => &[OPEN, READ, CHECK, SUBTRACT, EMPTY, WRITE, CLOSE],
            Self::WriteLock => {
                &[OPEN, READ, CHECK, SUBTRACT, LOCK_INSIDE, EMPTY, WRITE, UNLOCK_INSIDE, CLOSE]
            }
            Self::Mutex => {
                &[OPEN, LOCK_MEMORY, READ, CHECK, SUBTRACT, EMPTY, WRITE, UNLOCK_MEMORY, CLOSE]
            }
            Self::Flock => &[OPEN, LOCK, READ, CHECK, SUBTRACT, EMPTY, WRITE, UNLOCK, CLOSE],
            Self::Replaced => {
                &[OPEN, LOCK, READ, CHECK, SUBTRACT, WRITE_NEW, RENAME, UNLOCK, CLOSE]
            }
            Self::LockFile => {
                &[LOCK_BESIDE, OPEN, READ, CHECK, SUBTRACT, WRITE_NEW, RENAME, CLOSE, UNLOCK_BESIDE]
            }
            Self::CompareAndSwap => &[OPEN, READ, CHECK, SUBTRACT, SWAP, CLOSE],
            Self::TwoLocks => &[
                OPEN_BOTH,
                LOCK_FIRST,
                LOCK_SECOND,
                READ,
                CHECK,
                SUBTRACT,
                EMPTY,
                WRITE,
                UNLOCK_SECOND,
                UNLOCK_FIRST,
                CLOSE,
            ],
        }
    }

    /// The line behind the sale: where a worker goes on that finds no ticket.
    pub(crate) fn behind_the_sale(self) -> usize {
        let lines = self.lines();
        let sale = lines.iter().position(|line| line.step.is_sale()).unwrap_or(lines.len());
        let is_inside = |line: &Line| line.rust.starts_with(' ');
        lines
            .iter()
            .skip(sale)
            .position(|line| !is_inside(line))
            .map_or(lines.len(), |at| sale + at)
    }

    /// The line to which a worker goes back whose swap has failed.
    pub(crate) fn reading(self) -> usize {
        self.lines().iter().position(|line| line.step == Step::Read).unwrap_or(0)
    }
}

impl Step {
    /// Whether a buyer has a ticket when it is done.
    pub(crate) fn is_sale(self) -> bool {
        matches!(self, Self::Write | Self::Swap | Self::Rename)
    }
}

const fn line(step: Step, says: &'static str, rust: &'static str, python: &'static str) -> Line {
    Line { step, says, rust, python }
}

const OPEN: Line = line(
    Step::Open,
    "open db.txt",
    "let mut file = open(\"db.txt\")?;",
    "file = open(\"db.txt\", \"r+\")",
);
const OPEN_BOTH: Line = line(
    Step::Open,
    "open db.txt and sales.txt",
    "let [first, second] = open_in_my_order()?;",
    "first, second = open_in_my_order()",
);
const LOCK: Line =
    line(Step::Lock(Lock::Opened), "lock the file", "file.lock()?;", "flock(file, LOCK_EX)");
const LOCK_INSIDE: Line = line(
    Step::Lock(Lock::Opened),
    "lock the file",
    "    file.lock()?;",
    "    flock(file, LOCK_EX)",
);
const LOCK_MEMORY: Line = line(
    Step::Lock(Lock::Memory),
    "lock the mutex",
    "let guard = MUTEX.lock()?;",
    "mutex.acquire()",
);
const LOCK_BESIDE: Line = line(
    Step::Lock(Lock::Beside),
    "lock db.lock",
    "let lock = open(\"db.lock\")?; lock.lock()?;",
    "lock = open(\"db.lock\", \"r+\"); flock(lock, LOCK_EX)",
);
const LOCK_FIRST: Line =
    line(Step::Lock(Lock::First), "lock the first", "first.lock()?;", "flock(first, LOCK_EX)");
const LOCK_SECOND: Line =
    line(Step::Lock(Lock::Second), "lock the second", "second.lock()?;", "flock(second, LOCK_EX)");
const READ: Line = line(
    Step::Read,
    "read the count",
    "let mut count = read_count(&mut file)?;",
    "count = json.load(file)[\"count\"]",
);
const CHECK: Line =
    line(Step::Check, "check that a ticket is left", "if count > 0 {", "if count > 0:");
const SUBTRACT: Line = line(Step::Subtract, "take one off", "    count -= 1;", "    count -= 1");
const EMPTY: Line = line(
    Step::Empty,
    "empty the file",
    "    file.set_len(0)?;",
    "    file.seek(0); file.truncate()",
);
const WRITE: Line = line(
    Step::Write,
    "write the new count: sold",
    "    write_count(&mut file, count)?;",
    "    json.dump({\"count\": count}, file); file.flush()",
);
const SWAP: Line = line(
    Step::Swap,
    "write the new count if the file is as it was read: sold",
    "    if !swap(&file, seen, count)? { continue; }",
    "    if not swap(file, seen, count): continue",
);
const WRITE_NEW: Line = line(
    Step::WriteNew,
    "write a new file",
    "    fs::write(&new, as_json(count))?;",
    "    new.write_text(as_json(count))",
);
const RENAME: Line = line(
    Step::Rename,
    "put it in the place of db.txt: sold",
    "    fs::rename(&new, \"db.txt\")?;",
    "    new.replace(\"db.txt\")",
);
const UNLOCK: Line =
    line(Step::Unlock(Lock::Opened), "unlock the file", "file.unlock()?;", "flock(file, LOCK_UN)");
const UNLOCK_INSIDE: Line = line(
    Step::Unlock(Lock::Opened),
    "unlock the file",
    "    file.unlock()?;",
    "    flock(file, LOCK_UN)",
);
const UNLOCK_MEMORY: Line =
    line(Step::Unlock(Lock::Memory), "unlock the mutex", "drop(guard);", "mutex.release()");
const UNLOCK_BESIDE: Line =
    line(Step::Unlock(Lock::Beside), "unlock db.lock", "lock.unlock()?;", "flock(lock, LOCK_UN)");
const UNLOCK_FIRST: Line = line(
    Step::Unlock(Lock::First),
    "unlock the first",
    "first.unlock()?;",
    "flock(first, LOCK_UN)",
);
const UNLOCK_SECOND: Line = line(
    Step::Unlock(Lock::Second),
    "unlock the second",
    "second.unlock()?;",
    "flock(second, LOCK_UN)",
);
const CLOSE: Line = line(Step::Close, "close the file", "drop(file);", "file.close()");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_sells_once_and_goes_on_behind_the_sale() {
        for variant in VARIANTS {
            let lines = variant.lines();
            assert_eq!(lines.iter().filter(|line| line.step.is_sale()).count(), 1, "{variant:?}");
            let behind = variant.behind_the_sale();
            assert!(matches!(lines[behind].step, Step::Unlock(_) | Step::Close), "{variant:?}");
            assert!(!lines[behind].rust.starts_with(' '), "{variant:?}");
        }
        assert_eq!(Variant::None.behind_the_sale(), 6);
        assert_eq!(Variant::WriteLock.behind_the_sale(), 8);
    }

    #[test]
    fn every_lock_that_is_taken_is_given_back() {
        for variant in VARIANTS {
            let mut held = Vec::new();
            for line in variant.lines() {
                match line.step {
                    Step::Lock(lock) => held.push(lock),
                    Step::Unlock(lock) => assert_eq!(held.pop(), Some(lock), "{variant:?}"),
                    _ => {}
                }
            }
            assert_eq!(held, [], "{variant:?}");
        }
    }

    #[test]
    fn both_languages_have_the_same_blocks() {
        for variant in VARIANTS {
            for line in variant.lines() {
                assert_eq!(line.rust.starts_with(' '), line.python.starts_with(' '), "{line:?}");
            }
            let written = serde_json::to_value(variant).unwrap();
            assert_eq!(written, variant.name());
        }
    }
}
