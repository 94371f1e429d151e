//! Finding a program's descendants, also those that lost their parent.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt, path::Path, thread};

use crate::{program::Program, wait::eventually};

const VARIABLE: &str = "E2E_MARK";

/// An environment variable that a program hands down to all that it starts.
pub struct Mark {
    value: String,
}

impl Mark {
    /// A mark that no other process carries.
    pub fn new() -> Mark {
        Mark { value: format!("{:032x}", fastrand::u128(..)) }
    }

    /// `program`, carrying the mark.
    #[must_use]
    pub fn on(&self, program: Program) -> Program {
        program.env(VARIABLE, &self.value)
    }

    /// The processes that carry the mark and are not zombies, as the system knows them now.
    ///
    /// # Panics
    /// When there is no `/proc`.
    pub fn carriers(&self) -> Vec<u32> {
        let wanted = format!("{VARIABLE}={}", self.value);
        let processes = fs::read_dir("/proc").expect("/proc can be listed");
        processes
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid| carries(*pid, OsStr::new(&wanted)))
            .collect()
    }

    /// Waits until at least `number` processes carry the mark.
    ///
    /// # Panics
    /// When they do not come.
    #[track_caller]
    pub fn wait_for_carriers(&self, number: usize) {
        eventually(&format!("{number} processes"), || {
            (self.carriers().len() >= number).then_some(())
        });
    }

    /// Waits until no process carries the mark.
    ///
    /// # Panics
    /// When one goes on.
    #[track_caller]
    pub fn wait_until_gone(&self) {
        eventually("all descendants to be gone", || self.carriers().is_empty().then_some(()));
    }
}

/// The processes whose folder is `folder` or one below it, as the system knows them now, such as those of a PostgreSQL,
/// which write over the environment in which a mark would be.
///
/// # Panics
/// When there is no `/proc`.
pub fn processes_in(folder: &Path) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("/proc can be listed");
    let is_in = |pid: &u32| {
        fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|own| own.starts_with(folder))
    };
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(is_in).collect()
}

impl Default for Mark {
    fn default() -> Mark {
        Mark::new()
    }
}

// A zombie's environment reads as empty, one of another user not at all.
fn carries(pid: u32, wanted: &OsStr) -> bool {
    while let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) {
        if !environment.is_empty() || has_none(pid) {
            return environment.split(|byte| *byte == 0).any(|one| one == wanted.as_bytes());
        }
        // It is on its way from one program to the next: nobody can say yet what it carries.
        thread::yield_now();
    }
    false
}

/// Whether process `pid`, whose environment read as empty, has none for good: it was started without one, is a zombie,
/// or the kernel's own.
fn has_none(pid: u32) -> bool {
    // See `proc_pid_stat(5)`: the 50th field and the next, where the second is in brackets and may hold spaces.
    const START_AND_END: usize = 50 - 3;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ends: Vec<_> = fields.split_whitespace().skip(START_AND_END).take(2).collect();
    match ends[..] {
        ["0", "0"] => fs::read_link(format!("/proc/{pid}/exe")).is_err(),
        [start, end] => start == end,
        // It is gone.
        _ => true,
    }
}
