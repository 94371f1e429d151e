//! The pulse: how late this machine lets a thread run that asked to be woken.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How often it is felt.
const BEAT: Duration = Duration::from_millis(5);

/// A thread that sleeps again and again, and notes the longest that it overslept.
#[derive(Debug)]
pub(super) struct Pulse {
    worst_us: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pulse {
    /// Begins to feel it.
    pub(super) fn begin() -> Self {
        let (worst_us, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (worst, over) = (Arc::clone(&worst_us), Arc::clone(&is_over));
        let thread = thread::Builder::new().name("pulse".to_owned()).spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let asleep_at = Instant::now();
                thread::sleep(BEAT);
                let late = asleep_at.elapsed().saturating_sub(BEAT);
                worst.fetch_max(whole_us(late), Ordering::Relaxed);
            }
        });
        if thread.is_err() {
            // A machine with no room for a thread is too busy for any claim about time.
            worst_us.store(u64::MAX, Ordering::Relaxed);
        }
        Self { worst_us, is_over, thread: thread.ok() }
    }

    /// The longest that it overslept so far.
    pub(super) fn worst_delay(&self) -> Duration {
        // A year, should it ever be more: doubled, it is still a duration.
        Duration::from_micros(self.worst_us.load(Ordering::Relaxed).min(31_536_000_000_000))
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It cannot panic, and ends after one beat.
            let _ = thread.join();
        }
    }
}

fn whole_us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_always_a_little_late() {
        let pulse = Pulse::begin();
        let began = Instant::now();
        while pulse.worst_delay().is_zero() {
            assert!(began.elapsed() < Duration::from_secs(30), "no pulse");
            thread::sleep(BEAT);
        }
    }
}
