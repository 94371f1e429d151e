//! A time limit that costs next to nothing while it is not met.

use std::{future::poll_fn, pin::Pin, task::Poll, time::Duration};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::history::monotonic_ns;

/// Limits one call after the other. Its timer is not set anew for each: it goes off at an earlier
/// call's limit, sees that there is another one now, and is set to that.
#[derive(Debug)]
pub(super) struct Watchdog {
    timer: Pin<Box<Sleep>>,
}

impl Watchdog {
    pub(super) fn new() -> Self {
        Self { timer: Box::pin(sleep_until(Instant::now())) }
    }

    /// What `call` gives, or `None` where that takes longer than `limit` from `since_ns` on, of the
    /// run's clock.
    pub(super) async fn within<T>(
        &mut self,
        (since_ns, limit): (u64, Duration),
        mut call: Pin<&mut impl Future<Output = T>>,
    ) -> Option<T> {
        let mut deadline = None;
        poll_fn(|context| {
            if let Poll::Ready(value) = call.as_mut().poll(context) {
                return Poll::Ready(Some(value));
            }
            // Not before it is seen to take its time: many calls are done with the first poll.
            let deadline = *deadline.get_or_insert_with(|| self.set(since_ns, limit));
            while self.timer.as_mut().poll(context).is_ready() {
                if Instant::now() >= deadline {
                    return Poll::Ready(None);
                }
                self.timer.as_mut().reset(deadline);
            }
            Poll::Pending
        })
        .await
    }

    /// Sees to it that the timer goes off no later than `limit` after `since_ns`; says when that is.
    fn set(&mut self, since_ns: u64, limit: Duration) -> Instant {
        let gone = Duration::from_nanos(monotonic_ns().saturating_sub(since_ns));
        let deadline = Instant::now() + limit.saturating_sub(gone);
        if self.timer.deadline() > deadline {
            self.timer.as_mut().reset(deadline);
        }
        deadline
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, pin::pin};

    use tokio::time::{sleep, timeout};

    use super::*;

    #[tokio::test]
    async fn every_call_has_its_own_limit() {
        let mut watchdog = Watchdog::new();
        let limit = Duration::from_millis(40);
        for _ in 0..4 {
            let quick = pin!(sleep(Duration::from_millis(15)));
            assert_eq!(watchdog.within((monotonic_ns(), limit), quick).await, Some(()));
        }
        let begun_ns = monotonic_ns();
        assert_eq!(watchdog.within((begun_ns, limit), pin!(pending::<()>())).await, None);
        assert!(Duration::from_nanos(monotonic_ns() - begun_ns) >= limit);
        // A call that began with the clock, and whose long time is over all but a moment.
        let age = Duration::from_nanos(monotonic_ns());
        let call = pin!(pending::<()>());
        let ended = watchdog.within((0, age + Duration::from_millis(1)), call);
        let patience = (age / 2).min(Duration::from_secs(10));
        assert_eq!(timeout(patience, ended).await, Ok(None));
        let long_over = (begun_ns, Duration::ZERO);
        assert_eq!(watchdog.within(long_over, pin!(async { 7 })).await, Some(7));
    }
}
