//! Trying until it comes to something, whatever the engine.

use std::time::{Duration, Instant};

use crate::ledger::{Cause, Fault};

/// How often something is tried that may pass.
const TRIES: u32 = 40;

/// How long to rest before the next try.
const REST: Duration = Duration::from_millis(250);

/// How long after the first try none is begun any more: where each waits for an answer in vain.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a step came to nothing.
pub(super) enum Stop<E> {
    /// What the engine says.
    Fault(Fault),
    /// What whoever tries says: no later try is any better.
    Error(E),
}

impl<E> From<Fault> for Stop<E> {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Does `step` until it comes to something: `None` and a passing fault are tried again, for a while, and `waiting` is
/// what is told where that was all in vain and no fault says why.
///
/// # Errors
/// [`Stop`]: of a passing fault the last.
pub(super) fn persist<T, E>(
    pause: fn(Duration),
    waiting: &'static str,
    mut step: impl FnMut() -> Result<Option<T>, Stop<E>>,
) -> Result<T, Stop<E>> {
    let (mut last, begun) = (Cause::of(waiting), Instant::now());
    for _ in 0..TRIES {
        match step() {
            Ok(Some(done)) => return Ok(done),
            Ok(None) => {}
            Err(Stop::Fault(Fault::Passing(cause))) => last = cause,
            Err(stop) => return Err(stop),
        }
        if begun.elapsed() > PATIENCE {
            break;
        }
        pause(REST);
    }
    Err(Stop::Fault(Fault::Passing(last)))
}
