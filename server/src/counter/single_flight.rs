//! One reading of the counter for all who ask within one turn of an event loop.
//!
//! A reading takes two system calls, more than all else that `GET /search`
//! does. So whoever asks first lets everybody else have their turn, and then
//! reads for all who have asked by then.
//!
//! # Invariants
//! - Nobody gets a reading that was begun before they asked.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::task::yield_now;

/// Where those wait who want to know what is left.
pub struct SingleFlight<T> {
    next: Mutex<Arc<OnceLock<T>>>,
}

impl<T> Default for SingleFlight<T> {
    fn default() -> Self {
        Self { next: Mutex::default() }
    }
}

impl<T: Clone> SingleFlight<T> {
    /// What `read` gives, or what another's `read` gave that began after this call.
    pub async fn look(&self, read: impl FnOnce() -> T) -> T {
        let reading = Arc::clone(&self.next());
        yield_now().await;
        let read = || {
            // IMPORTANT: ahead of the reading: whoever asks from now on gets the next one.
            let mut next = self.next();
            if Arc::ptr_eq(&next, &reading) {
                *next = Arc::default();
            }
            drop(next);
            read()
        };
        reading.get_or_init(read).clone()
    }

    fn next(&self) -> MutexGuard<'_, Arc<OnceLock<T>>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::{join, runtime};

    use super::*;

    fn run<F: Future>(work: F) -> F::Output {
        runtime::Builder::new_current_thread().build().unwrap().block_on(work)
    }

    #[test]
    fn who_asks_in_one_turn_shares_a_reading() {
        let (reading, readings) = (SingleFlight::default(), Cell::new(0));
        let read = || {
            readings.set(readings.get() + 1);
            readings.get()
        };
        let all = run(async { join!(reading.look(read), reading.look(read), reading.look(read)) });
        assert_eq!((all, readings.get()), ((1, 1, 1), 1));
    }

    #[test]
    fn who_asks_later_gets_a_reading_of_their_own() {
        let reading = SingleFlight::default();
        let readings = run(async { [reading.look(|| 1).await, reading.look(|| 2).await] });
        assert_eq!(readings, [1, 2]);
    }

    #[test]
    fn who_asks_while_another_reads_does_not_get_that_reading() {
        let reading = SingleFlight::default();
        let inner = Cell::new(None);
        let outer = run(reading.look(|| {
            // A question that comes in the middle of the reading waits for the next.
            inner.set(Some(Arc::clone(&reading.next())));
            1
        }));
        assert_eq!(outer, 1);
        assert!(inner.take().unwrap().get().is_none());
    }

    #[test]
    fn who_goes_away_keeps_nobody_from_reading() {
        let reading = SingleFlight::default();
        let reading = run(async {
            let mut gone = Box::pin(reading.look(|| 1));
            // Asked, and never polled again.
            tokio::select! { biased; _ = &mut gone => {}, () = async {} => {} }
            drop(gone);
            reading.look(|| 2).await
        });
        assert_eq!(reading, 2);
    }
}
