//! About how long a newcomer would wait at most, where more wait than the next append holds.
//!
//! An append takes as long for one as for all that it holds, so whoever fits in the next one makes it longer for
//! nobody: they are let in, however slow the ledger is. Those behind them wait for the append that is on its way,
//! for as many as those ahead fill, and for their own. How many an append holds is seen where it is full, and where
//! one holds more than the full ones did; how long one takes, with the lock, the sync and the pause behind it, from
//! one to the next.
//!
//! # Invariants
//! - Nothing is known before an append was full, and before a few have told how long one takes.
//! - The most that one of the last full ones held counts, or one that held more without being full: one with little
//!   room says nothing.
//! - The one in the middle of the last ones counts: one slow sync says nothing.
//! - Where nobody was here for a moment, all that is forgotten.

use std::time::{Duration, Instant};

/// How long newcomers may have to wait, about: beyond this they are better told at once.
const WAIT_MAX: Duration = Duration::from_millis(180);

/// How many appends are remembered.
const LAST: usize = 3;

/// What the last appends say about the next ones.
#[derive(Debug, Default)]
pub(super) struct ExpectedWait {
    /// When what is waited for began: somebody came, or the append before was settled.
    since: Option<Instant>,
    /// How long the last appends took, the latest last.
    took: [Duration; LAST],
    /// How many of them there are.
    known: usize,
    /// How many the last of those that were full, or held more than these, served, the latest last; 0 where there was none.
    served: [usize; LAST],
}

impl ExpectedWait {
    /// Somebody comes at `now`, and finds nobody here.
    pub(super) fn begin(&mut self, now: Instant) {
        *self = Self { since: Some(now), ..Self::default() };
    }

    /// An append that served `served` is settled at `now`; `is_full` where somebody found no room in it.
    pub(super) fn note(&mut self, served: usize, is_full: bool, now: Instant) {
        if let Some(since) = self.since.replace(now) {
            push(&mut self.took, now.duration_since(since));
            self.known = (self.known + 1).min(LAST);
        }
        let holds_more = (1..served).contains(&self.most());
        if is_full || holds_more {
            push(&mut self.served, served);
        }
    }

    /// How many an append holds, as far as that is known.
    fn most(&self) -> usize {
        self.served.into_iter().max().unwrap_or_default()
    }

    /// Whether one who comes behind `ahead` others would wait for too long.
    pub(super) fn is_too_long(&self, ahead: usize) -> bool {
        let served = self.most();
        // A few more than the last appends held: the next ones show whether there is room for them.
        if self.known < LAST || served == 0 || ahead < served + served.div_ceil(8) {
            return false;
        }
        let mut took = self.took;
        took.sort_unstable();
        // The one on its way, those that are filled ahead, and its own.
        let appends = u32::try_from(ahead / served + 2).unwrap_or(u32::MAX);
        took[LAST / 2].saturating_mul(appends) > WAIT_MAX
    }
}

/// Forgets the first of `last` for `next`.
fn push<T>(last: &mut [T; LAST], next: T) {
    last.rotate_left(1);
    last[LAST - 1] = next;
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Duration = Duration::from_millis(100);

    /// What so many full appends of 80 say, each of which took so long.
    fn behind(took: &[Duration]) -> (ExpectedWait, Instant) {
        let (mut expected, mut now) = (ExpectedWait::default(), Instant::now());
        expected.begin(now);
        for took in took {
            now += *took;
            expected.note(80, true, now);
        }
        (expected, now)
    }

    #[test]
    fn who_fits_in_the_next_append_is_let_in_however_slow_it_is() {
        let (expected, _) = behind(&[Duration::from_secs(5); 3]);
        assert!(!expected.is_too_long(0) && !expected.is_too_long(89));
        assert!(expected.is_too_long(90));
    }

    #[test]
    fn where_appends_are_quick_many_may_wait() {
        let (expected, _) = behind(&[Duration::from_millis(10); 3]);
        assert!(!expected.is_too_long(80 * 17 - 1), "180 ms, with the one on its way");
        assert!(expected.is_too_long(80 * 17), "190 ms");
    }

    #[test]
    fn one_slow_sync_says_nothing() {
        let quick = Duration::from_millis(1);
        let (expected, _) = behind(&[quick, Duration::from_secs(60), quick]);
        assert!(!expected.is_too_long(10_000));
        let (expected, _) = behind(&[quick, SLOW, SLOW]);
        assert!(expected.is_too_long(160), "two are no accident");
    }

    #[test]
    fn appends_that_were_not_full_say_how_long_one_takes_and_not_how_many_it_holds() {
        let (mut expected, mut now) = (ExpectedWait::default(), Instant::now());
        expected.begin(now);
        for served in [79, 1, 79] {
            now += SLOW;
            expected.note(served, false, now);
        }
        assert!(!expected.is_too_long(10_000), "there was room for more in each");
        now += SLOW;
        expected.note(80, true, now);
        for served in [79, 1, 79, 1] {
            now += SLOW;
            expected.note(served, false, now);
        }
        assert!(!expected.is_too_long(89));
        assert!(expected.is_too_long(90), "that is more than the next one holds");
    }

    #[test]
    fn the_end_of_a_segment_says_nothing() {
        let (mut expected, mut now) = behind(&[SLOW; 3]);
        for served in [1, 80, 1] {
            now += SLOW;
            expected.note(served, true, now);
        }
        assert!(!expected.is_too_long(89));
        assert!(expected.is_too_long(90));
    }

    #[test]
    fn an_append_that_holds_more_than_the_full_ones_did_shows_that_there_is_room() {
        let (mut expected, mut now) = behind(&[SLOW; 3]);
        for served in [89, 100, 112] {
            assert!(expected.is_too_long(served + 1));
            now += SLOW;
            expected.note(served, false, now);
            assert!(!expected.is_too_long(served + 1));
        }
        // As where a segment ended while there was never anybody too many.
        let (mut expected, mut now) = (ExpectedWait::default(), Instant::now());
        expected.begin(now);
        for (served, is_full) in [(200, false), (200, false), (200, false), (3, true), (200, false)]
        {
            now += SLOW;
            expected.note(served, is_full, now);
        }
        assert!(!expected.is_too_long(200));
    }

    #[test]
    fn a_few_appends_say_nothing() {
        let (expected, _) = behind(&[SLOW; 2]);
        assert!(!expected.is_too_long(10_000));
    }

    #[test]
    fn behind_a_pause_all_is_forgotten() {
        let (mut expected, now) = behind(&[SLOW; 3]);
        expected.begin(now + Duration::from_secs(3600));
        assert!(!expected.is_too_long(10_000));
        for append in 1..=3 {
            let now = now + Duration::from_secs(3600) + append * Duration::from_millis(1);
            expected.note(80, true, now);
        }
        assert!(!expected.is_too_long(10_000), "the pause took nobody's time");
    }
}
