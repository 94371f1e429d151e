//! How late this machine lets a thread run that asked to be woken.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

const NAP: Duration = Duration::from_millis(5);

/// The longest that a thread overslept that naps again and again for as long as this is kept.
#[derive(Debug)]
pub(super) struct Lateness(Arc<Mutex<Duration>>);

impl Lateness {
    /// Begins to watch.
    pub(super) fn watch() -> Self {
        let worst = Arc::new(Mutex::new(Duration::ZERO));
        let kept = Arc::downgrade(&worst);
        let nap = move || loop {
            let asleep_at = Instant::now();
            thread::sleep(NAP);
            let late = asleep_at.elapsed().saturating_sub(NAP);
            let Some(worst) = kept.upgrade() else { return };
            let mut worst = worst.lock();
            *worst = late.max(*worst);
        };
        if thread::Builder::new().name("lateness".to_owned()).spawn(nap).is_err() {
            // A machine with no room for a thread is too busy for any claim about time.
            *worst.lock() = Duration::from_secs(24 * 60 * 60);
        }
        Self(worst)
    }

    /// The longest delay so far, in whole milliseconds, where it was long enough to turn round what
    /// programs do that wait for `wait`.
    pub(super) fn beyond(&self, wait: Duration) -> Option<Duration> {
        let worst = *self.0.lock();
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
        let ms = Duration::from_millis;
        let lateness = |worst| Lateness(Arc::new(Mutex::new(ms(worst))));
        assert_eq!(lateness(50).beyond(ms(100)), None);
        assert_eq!(lateness(51).beyond(ms(100)), Some(ms(51)));
    }
}
