//! A time limit that costs next to nothing while it is not met.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

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

    /// What `call` gives, or `None` where it takes longer than `limit`.
    pub(super) async fn within<T>(
        &mut self,
        limit: Duration,
        call: impl Future<Output = T>,
    ) -> Option<T> {
        let deadline = Instant::now() + limit;
        if self.timer.deadline() > deadline {
            self.timer.as_mut().reset(deadline);
        }
        let mut call = pin!(call);
        poll_fn(|context| {
            if let Poll::Ready(value) = call.as_mut().poll(context) {
                return Poll::Ready(Some(value));
            }
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
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::sleep;

    use super::*;

    #[tokio::test]
    async fn every_call_has_its_own_limit() {
        let mut watchdog = Watchdog::new();
        let limit = Duration::from_millis(40);
        for _ in 0..4 {
            let quick = watchdog.within(limit, sleep(Duration::from_millis(15)));
            assert_eq!(quick.await, Some(()));
        }
        let begun = Instant::now();
        assert_eq!(watchdog.within(limit, pending::<()>()).await, None);
        assert!(begun.elapsed() >= limit);
        let shorter = watchdog.within(Duration::from_millis(1), pending::<()>());
        assert_eq!(shorter.await, None);
        assert_eq!(watchdog.within(limit, async { 7 }).await, Some(7));
    }
}
