//! Trying until it comes to something, whatever the engine.

use std::time::Duration;

use crate::ledger::{Cause, Fault, Timer};

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

/// Does `step` until it comes to something: `None` and a passing fault are tried again, for a while by `timer`, and
/// `waiting` is what is told where that was all in vain and no fault says why.
///
/// # Errors
/// [`Stop`]: of a passing fault the last.
pub(super) fn persist<T, E>(
    timer: Timer,
    waiting: &'static str,
    mut step: impl FnMut() -> Result<Option<T>, Stop<E>>,
) -> Result<T, Stop<E>> {
    let (mut last, begun) = (Cause::of(waiting), (timer.now)());
    for _ in 0..TRIES {
        match step() {
            Ok(Some(done)) => return Ok(done),
            Ok(None) => {}
            Err(Stop::Fault(Fault::Passing(cause))) => last = cause,
            Err(stop) => return Err(stop),
        }
        if (timer.now)().duration_since(begun) > PATIENCE {
            break;
        }
        (timer.pause)(REST);
    }
    Err(Stop::Fault(Fault::Passing(last)))
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, time::Instant};

    use super::*;

    thread_local! {
        /// What the timer of a test says, and how long was rested by it.
        static NOW: Cell<Option<Instant>> = const { Cell::new(None) };
        static RESTED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    }

    fn now() -> Instant {
        let now = NOW.get().unwrap_or_else(Instant::now);
        NOW.set(Some(now));
        now
    }

    fn pass(time: Duration) {
        NOW.set(Some(now() + time));
    }

    const TIMER: Timer = Timer {
        now,
        pause: |time| {
            RESTED.set(RESTED.get() + time);
            pass(time);
        },
    };

    /// How often something is tried that passes, where each try takes so long.
    fn tries(each: Duration) -> u32 {
        let mut tries = 0;
        let tried = persist(TIMER, "nothing", || {
            tries += 1;
            pass(each);
            Ok::<Option<()>, Stop<()>>(None)
        });
        assert!(matches!(tried, Err(Stop::Fault(Fault::Passing(_)))));
        tries
    }

    #[test]
    fn what_passes_is_tried_until_the_clock_that_is_given_says_that_it_is_too_late() {
        assert_eq!(tries(Duration::ZERO), TRIES);
        assert_eq!(RESTED.get(), TRIES * REST);
        assert_eq!(tries(Duration::from_secs(8)), 4);
    }
}
