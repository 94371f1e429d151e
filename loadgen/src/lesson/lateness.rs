//! How late this machine lets a thread run that asked to be woken.

use std::{
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

const NAP: Duration = Duration::from_millis(5);

/// A thread that naps again and again, and notes the longest that it overslept.
#[derive(Debug)]
pub(super) struct Lateness {
    worst: Arc<Mutex<Duration>>,
    /// The thread ends when this is dropped.
    _watched: Sender<()>,
}

impl Lateness {
    /// Begins to watch.
    pub(super) fn watch() -> Self {
        let (watched, end) = channel::<()>();
        let worst = Arc::new(Mutex::new(Duration::ZERO));
        let noted = Arc::clone(&worst);
        let nap = move || loop {
            let asleep_at = Instant::now();
            if end.recv_timeout(NAP) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
            let late = asleep_at.elapsed().saturating_sub(NAP);
            let mut worst = noted.lock();
            *worst = late.max(*worst);
        };
        if thread::Builder::new().name("lateness".to_owned()).spawn(nap).is_err() {
            // A machine with no room for a thread is too busy for any claim about time.
            *worst.lock() = Duration::from_secs(24 * 60 * 60);
        }
        Self { worst, _watched: watched }
    }

    /// The longest delay so far, in whole milliseconds, where it was long enough to turn round what
    /// programs do that wait for `wait`.
    pub(super) fn beyond(&self, wait: Duration) -> Option<Duration> {
        let worst = *self.worst.lock();
        let whole_ms = u64::try_from(worst.as_millis()).unwrap_or(u64::MAX);
        (worst * 2 > wait).then(|| Duration::from_millis(whole_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_always_a_little_late() {
        let lateness = Lateness::watch();
        let began = Instant::now();
        while lateness.beyond(Duration::ZERO).is_none() {
            assert!(began.elapsed() < Duration::from_secs(30), "never late");
            thread::sleep(NAP);
        }
    }

    #[test]
    fn a_delay_of_half_the_wait_is_not_yet_too_long() {
        let (watched, _) = channel();
        let ms = Duration::from_millis;
        let lateness =
            |worst| Lateness { worst: Arc::new(Mutex::new(ms(worst))), _watched: watched.clone() };
        assert_eq!(lateness(50).beyond(ms(100)), None);
        assert_eq!(lateness(51).beyond(ms(100)), Some(ms(51)));
    }
}
