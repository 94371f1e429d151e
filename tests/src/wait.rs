//! Waiting for a state that nobody announces: asked again and again, up to a limit.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How long a test waits for something that should come at once: generous, since it
/// only ever runs out where something is wrong, and never because a machine is slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How long to rest between two questions.
const REST: Duration = Duration::from_millis(2);

/// Asks until `probe` answers, and returns what it answered.
///
/// # Panics
/// After two minutes, naming `what` the test waited for.
#[track_caller]
pub fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "gave up after {PATIENCE:?}, waiting for: {what}");
        thread::sleep(REST);
    }
}
