//! Who is late with each batch, where several servers sell at once: whoever is farther off than the time from one
//! append of another to the next.
//!
//! From near by one is late by chance, and comes through. From afar one never does, and nobody hears of it: so it asks
//! whoever sells for a gap. That is a courtesy, and nothing rests on it.
//!
//! Pure: time comes in as a value.

use std::time::{Duration, Instant};

/// The longest gap.
pub(super) const GAP_MAX: Duration = Duration::from_millis(250);

/// For how long another is reckoned with that was heard of.
pub(super) const RIVALS_FOR: Duration = Duration::from_secs(1);

/// How long one sells at least behind a gap, in gaps.
pub(super) const SLICES_PER_GAP: u32 = 2;

/// How many times one is late before it asks with the next that it sends.
const LATE_MAX: u32 = 3;

/// How long one who has asked does not ask again.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// How late this process is.
#[derive(Debug, Default)]
pub(super) struct Late {
    /// How many times it was late of late: a success halves it, for who was let in once is as far off as before.
    times: u32,
    /// When its last turn began.
    began_at: Option<Instant>,
    asked_at: Option<Instant>,
}

impl Late {
    /// A turn begins.
    pub(super) fn begins(&mut self, now: Instant) {
        self.began_at = Some(now);
    }

    /// What was sent, to append or to confirm, came after another's batch, or did not.
    pub(super) fn was(&mut self, is_late: bool) {
        self.times = if is_late { (self.times + 1).min(2 * LATE_MAX) } else { self.times / 2 };
    }

    /// Whether it has asked for the gap that others leave now.
    #[cfg(feature = "etcd")]
    pub(super) fn has_asked(&self, now: Instant) -> bool {
        self.asked_at.is_some_and(|at| now.duration_since(at) < RIVALS_FOR)
    }

    /// How long a gap to ask for, where one is to be asked for: twice as long as this turn has taken.
    ///
    /// Ahead of an append that is a whole turn, about; behind one that was late it is two, one of which
    /// falls into the gap whenever it begins.
    pub(super) fn asks(&mut self, now: Instant) -> Option<Duration> {
        let has_just_asked = self.asked_at.is_some_and(|at| now.duration_since(at) < ASK_AGAIN);
        if has_just_asked || self.times < LATE_MAX {
            return None;
        }
        self.asked_at = Some(now);
        let needs = self.began_at.map_or(Duration::ZERO, |at| 2 * now.duration_since(at));
        Some(needs.min(GAP_MAX))
    }
}

/// What others, each known as a `W`, ask for.
#[derive(Debug)]
pub(super) struct Asked<W>(Option<Ask<W>>);

#[derive(Debug)]
struct Ask<W> {
    by: W,
    needs: Duration,
    at: Instant,
}

impl<W> Default for Asked<W> {
    fn default() -> Self {
        Self(None)
    }
}

impl<W: PartialEq> Asked<W> {
    /// Somebody asked, which was heard of at `at`: one who is nearer has no need of what is longer already.
    pub(super) fn note(&mut self, by: W, needs: Duration, at: Instant) {
        let ask = Ask { by, needs: needs.min(GAP_MAX), at };
        let is_another = |kept: &Ask<W>| kept.is_fresh(at) && kept.by != ask.by;
        if !self.0.as_ref().is_some_and(|kept| is_another(kept) && kept.needs >= ask.needs) {
            self.0 = Some(ask);
        }
    }

    /// How long a gap is asked for at `now`, if one is.
    pub(super) fn needs(&self, now: Instant) -> Option<Duration> {
        self.0.as_ref().filter(|ask| ask.is_fresh(now)).map(|ask| ask.needs)
    }
}

impl<W> Ask<W> {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < RIVALS_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn who_was_late_three_times_asks_now_and_then() {
        let (mut late, now) = (Late::default(), Instant::now());
        late.begins(now);
        let now = now + 20 * MS;
        (0..50).for_each(|at| late.was(at % 2 == 0));
        assert_eq!(late.asks(now), None, "it came through every other time");
        (0..LATE_MAX).for_each(|_| late.was(true));
        assert_eq!(late.asks(now), Some(40 * MS));
        assert_eq!(late.asks(now + ASK_AGAIN - MS), None, "it has asked just now");
        assert_eq!(late.asks(now + ASK_AGAIN), Some(GAP_MAX));
    }

    #[test]
    fn who_was_let_in_asks_at_once_when_it_is_late_again() {
        let (mut late, now) = (Late::default(), Instant::now());
        (0..100).for_each(|_| late.was(true));
        late.was(false);
        assert!(late.asks(now).is_some());
        (0..3).for_each(|_| late.was(false));
        assert_eq!(late.asks(now + ASK_AGAIN), None, "it comes through by itself");
    }

    #[test]
    fn the_longest_gap_that_is_asked_for_is_left_while_that_is_fresh() {
        let (mut asked, now) = (Asked::default(), Instant::now());
        assert_eq!(asked.needs(now), None);
        asked.note('b', 100 * MS, now);
        asked.note('c', 20 * MS, now + 500 * MS);
        assert_eq!(asked.needs(now + 500 * MS), Some(100 * MS));
        assert_eq!(asked.needs(now + RIVALS_FOR), None, "it was long ago");
        asked.note('c', 20 * MS, now + RIVALS_FOR);
        assert_eq!(asked.needs(now + RIVALS_FOR), Some(20 * MS));
        asked.note('c', 10 * MS, now + RIVALS_FOR);
        assert_eq!(asked.needs(now + RIVALS_FOR), Some(10 * MS), "it needs less by now");
        asked.note('b', 60_000 * MS, now + RIVALS_FOR);
        assert_eq!(asked.needs(now + RIVALS_FOR), Some(GAP_MAX));
    }
}
