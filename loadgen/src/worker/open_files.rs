//! Whether this machine has room for so many workers. Asked before the first one starts: running
//! out of file descriptors in the middle would look like answers that went wrong.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::setup::Mode;

/// For what the program itself has open, and a server beside its connections.
const OWN_FILES: u64 = 64;

/// What an event loop has open: poll, wake-up, timer and history, and some to spare.
const LOOP_FILES: u64 = 8;

/// What a run needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs<'a> {
    /// The flag that says how many, as the user knows it, and its value.
    pub(crate) flag: (&'a str, u32),
    /// What a worker is.
    pub(crate) mode: Mode,
    /// How many workers there are.
    pub(crate) workers: u32,
    /// How many clients they have together.
    pub(crate) clients: u32,
    /// How many servers are started.
    pub(crate) servers: u32,
}

/// Too little room, and for what.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{flag} {number}` as `--mode {mode}` needs {needed} open files, and this shell allows {allowed}\n\
     hint: raise the limit with `ulimit -n {needed}`, or take fewer"
)]
pub(crate) struct TooFewFiles {
    flag: String,
    number: u32,
    mode: &'static str,
    needed: u64,
    allowed: u64,
}

/// Raises the limit of open files as far as it goes, and checks that it is enough.
///
/// # Errors
/// It is not.
pub(crate) fn make_room(needs: Needs<'_>) -> Result<(), TooFewFiles> {
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised, the check below still holds against what there is.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    enough(needs, getrlimit(Resource::Nofile).current)
}

fn enough(needs: Needs<'_>, allowed: Option<u64>) -> Result<(), TooFewFiles> {
    let needed = files_needed(needs);
    match allowed {
        Some(allowed) if allowed < needed => Err(TooFewFiles {
            flag: needs.flag.0.to_owned(),
            number: needs.flag.1,
            mode: needs.mode.name(),
            needed,
            allowed,
        }),
        _ => Ok(()),
    }
}

fn files_needed(needs: Needs<'_>) -> u64 {
    let (workers, clients) = (u64::from(needs.workers), u64::from(needs.clients));
    let here = match needs.mode {
        // A worker's socket, its journal and its way into the history; its connections are its own
        // affair, and it has the same limit.
        Mode::Process => 3 * workers,
        Mode::Thread | Mode::Task => LOOP_FILES * workers + clients,
    };
    let in_a_worker = LOOP_FILES + clients.div_ceil(workers.max(1));
    OWN_FILES + here.max(in_a_worker) + u64::from(needs.servers)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: Needs<'static> =
        Needs { flag: ("-c", 100), mode: Mode::Process, workers: 100, clients: 100, servers: 1 };

    #[test]
    fn too_few_files_name_the_flag_and_the_way_out() {
        assert!(enough(NEEDS, None).is_ok());
        assert!(enough(NEEDS, Some(365)).is_ok());
        let error = enough(NEEDS, Some(364)).unwrap_err().to_string();
        assert!(error.contains("`-c 100`") && error.contains("ulimit -n 365"), "{error}");
    }

    #[test]
    fn connections_count_where_they_are() {
        let tasks = Needs { mode: Mode::Task, workers: 1, clients: 5000, ..NEEDS };
        assert!(enough(tasks, Some(5000)).is_err());
        let processes = Needs { mode: Mode::Process, workers: 100, clients: 5000, ..NEEDS };
        assert!(enough(processes, Some(500)).is_ok());
        let one_process = Needs { mode: Mode::Process, workers: 1, clients: 5000, ..NEEDS };
        assert!(enough(one_process, Some(5000)).is_err());
    }
}
