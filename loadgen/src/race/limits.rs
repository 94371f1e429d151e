//! Whether this machine has room for so many workers. Asked before the first one starts: running
//! out of file descriptors in the middle would look like answers that went wrong.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::config::RaceConfig;
use crate::setup::Mode;

/// For what the program itself has open, and a server beside its connections.
const OWN_FILES: u64 = 64;

/// Too little room, and for what.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`--workers {workers}` as `--mode {mode}` needs {needed} open files, and this shell allows {allowed}\n\
     hint: raise the limit with `ulimit -n {needed}`, or take fewer workers"
)]
pub(crate) struct TooFewFiles {
    workers: u32,
    mode: &'static str,
    needed: u64,
    allowed: u64,
}

/// Raises the limit of open files as far as it goes, and checks that it is enough.
///
/// # Errors
/// It is not enough for `config`.
pub(super) fn make_room(config: &RaceConfig) -> Result<(), TooFewFiles> {
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised, the check below still holds against what there is.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    enough(config, getrlimit(Resource::Nofile).current)
}

fn enough(config: &RaceConfig, allowed: Option<u64>) -> Result<(), TooFewFiles> {
    let needed = files_needed(config);
    match allowed {
        Some(allowed) if allowed < needed => {
            Err(TooFewFiles { workers: config.workers, mode: config.mode.name(), needed, allowed })
        }
        _ => Ok(()),
    }
}

fn files_needed(config: &RaceConfig) -> u64 {
    let for_each = match config.mode {
        // Two pipes.
        Mode::Process => 2,
        // Its event loop (poll, wake-up, signals) and its connection or file.
        Mode::Thread => 6,
        // Its connection or file.
        Mode::Task => 1,
    };
    OWN_FILES + u64::from(config.workers) * for_each + u64::from(config.servers)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::setup::{Delays, Locking};

    #[test]
    fn too_few_files_name_the_flag_and_the_way_out() {
        let config = RaceConfig {
            workers: 100,
            mode: Mode::Process,
            tickets: 10,
            servers: 1,
            delays: Delays::LESSON,
            lockings: vec![Locking::None],
            timeout: Duration::from_secs(1),
            history: None,
            report: None,
            json: false,
        };
        assert!(enough(&config, None).is_ok());
        assert!(enough(&config, Some(265)).is_ok());
        let error = enough(&config, Some(264)).unwrap_err().to_string();
        assert!(error.contains("`--workers 100`") && error.contains("ulimit -n 265"), "{error}");
    }
}
