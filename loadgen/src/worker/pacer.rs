//! Wakes clients at the instant at which their operations are due.
//!
//! The event loop's own timers are good to a millisecond, which would be the largest part of
//! many a response time. So each worker has one `timerfd`, which is set to the earliest instant
//! that a client waits for, and is good to some microseconds.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    future::poll_fn,
    io,
    os::fd::OwnedFd,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use crate::history::monotonic_ns;

/// The clients of one worker that wait for an instant.
#[derive(Debug)]
pub(super) struct Pacer {
    timer: AsyncFd<OwnedFd>,
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    queue: BinaryHeap<Reverse<(u64, usize)>>,
    wakers: Vec<Option<Waker>>,
    armed_ns: u64,
    is_closed: bool,
}

impl Pacer {
    /// For so many clients.
    ///
    /// # Errors
    /// The system gives no timer.
    pub(super) fn new(clients: usize) -> io::Result<Self> {
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        let waiting = Waiting {
            queue: BinaryHeap::new(),
            wakers: vec![None; clients],
            armed_ns: u64::MAX,
            is_closed: false,
        };
        #[expect(
            deprecated,
            reason = "its successor is unsafe, for descriptors that are not owned; this one is"
        )]
        let timer = AsyncFd::new(timer)?;
        Ok(Self { timer, waiting: Mutex::new(waiting) })
    }

    /// Waits until `due_ns`, on the participant `slot`; less long where the pacer is closed.
    pub(super) async fn until(&self, slot: usize, due_ns: u64) {
        let mut is_queued = false;
        poll_fn(|context| {
            if monotonic_ns() >= due_ns {
                return Poll::Ready(());
            }
            let mut waiting = self.waiting();
            if waiting.is_closed {
                return Poll::Ready(());
            }
            waiting.wakers[slot] = Some(context.waker().clone());
            if !is_queued {
                is_queued = true;
                waiting.queue.push(Reverse((due_ns, slot)));
                self.arm(&mut waiting);
            }
            Poll::Pending
        })
        .await;
    }

    /// Wakes whoever is due, for as long as it is polled.
    pub(super) async fn drive(&self) {
        loop {
            let Ok(mut ready) = self.timer.readable().await else { return self.close() };
            let mut expirations = [0; 8];
            // A timer that has not gone off after all has nothing to read.
            let _ = rustix::io::read(self.timer.get_ref(), &mut expirations);
            ready.clear_ready();
            let mut waiting = self.waiting();
            waiting.armed_ns = u64::MAX;
            let now_ns = monotonic_ns();
            while let Some(Reverse((due_ns, slot))) = waiting.queue.peek().copied()
                && due_ns <= now_ns
            {
                waiting.queue.pop();
                if let Some(waker) = waiting.wakers[slot].take() {
                    waker.wake();
                }
            }
            self.arm(&mut waiting);
        }
    }

    /// Wakes everybody, and lets nobody wait any more.
    pub(super) fn close(&self) {
        let mut waiting = self.waiting();
        waiting.is_closed = true;
        waiting.wakers.iter_mut().filter_map(Option::take).for_each(Waker::wake);
    }

    fn arm(&self, waiting: &mut Waiting) {
        let Some(Reverse((due_ns, _))) = waiting.queue.peek().copied() else { return };
        if due_ns >= waiting.armed_ns {
            return;
        }
        waiting.armed_ns = due_ns;
        let at = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
        let spec = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: Timespec {
                tv_sec: at(due_ns / 1_000_000_000),
                tv_nsec: at(due_ns % 1_000_000_000),
            },
        };
        let set = timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::ABSTIME, &spec);
        assert!(set.is_ok(), "a timer takes every time that is one");
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn clients_wake_in_the_order_in_which_they_are_due_and_not_early() {
        let pacer = Arc::new(Pacer::new(3).unwrap());
        let driver = Arc::clone(&pacer);
        let driver = tokio::spawn(async move { driver.drive().await });
        let start_ns = monotonic_ns();
        let order = Arc::new(Mutex::new(Vec::new()));
        let waits: Vec<_> = [(0, 3_000_000), (1, 1_000_000), (2, 2_000_000)]
            .map(|(slot, delay_ns)| {
                let (pacer, order) = (Arc::clone(&pacer), Arc::clone(&order));
                tokio::spawn(async move {
                    let due_ns = start_ns + delay_ns;
                    pacer.until(slot, due_ns).await;
                    assert!(monotonic_ns() >= due_ns);
                    order.lock().unwrap().push(slot);
                })
            })
            .into();
        for wait in waits {
            wait.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [1, 2, 0]);
        driver.abort();
    }

    #[tokio::test]
    async fn a_closed_pacer_lets_nobody_wait() {
        let pacer = Pacer::new(1).unwrap();
        pacer.close();
        pacer.until(0, u64::MAX).await;
    }
}
