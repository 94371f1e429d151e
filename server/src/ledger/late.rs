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

/// How many times in a row one is late before it asks.
const LATE_MAX: u32 = 3;

/// How long one who has asked does not ask again.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// How late this process is.
#[derive(Debug, Default)]
pub(super) struct Late {
    in_a_row: u32,
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
        self.in_a_row = if is_late { self.in_a_row.saturating_add(1) } else { 0 };
    }

    /// How long a gap to ask for, where one is to be asked for: twice as long as this turn has taken.
    ///
    /// Ahead of an append that is a whole turn, about; behind one that was late it is two, one of which
    /// falls into the gap whenever it begins.
    pub(super) fn asks(&mut self, now: Instant) -> Option<Duration> {
        let has_asked = self.asked_at.is_some_and(|at| now.duration_since(at) < ASK_AGAIN);
        if has_asked || self.in_a_row < LATE_MAX {
            return None;
        }
        self.asked_at = Some(now);
        let needs = self.began_at.map_or(Duration::ZERO, |at| 2 * now.duration_since(at));
        Some(needs.min(GAP_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn who_was_late_three_times_in_a_row_asks_now_and_then() {
        let (mut late, now) = (Late::default(), Instant::now());
        late.begins(now);
        let now = now + 20 * MS;
        (1..LATE_MAX).for_each(|_| late.was(true));
        late.was(false);
        late.was(true);
        assert_eq!(late.asks(now), None, "it came through meanwhile");
        (1..LATE_MAX).for_each(|_| late.was(true));
        assert_eq!(late.asks(now), Some(40 * MS));
        assert_eq!(late.asks(now + ASK_AGAIN - MS), None, "it has asked just now");
        assert_eq!(late.asks(now + ASK_AGAIN), Some(GAP_MAX));
    }
}
