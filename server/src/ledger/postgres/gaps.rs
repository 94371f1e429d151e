//! The gaps that a server leaves to another one that is late with each batch: a courtesy, and nothing rests on it.
//!
//! Pure: time comes in as a value.

use std::time::{Duration, Instant};

use crate::ledger::late::SLICES_PER_GAP;

/// How long one sells between two gaps, at least.
const SLICE: Duration = Duration::from_millis(30);

/// The gaps of one server.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// Since when it sells behind the last one; `None` where nobody asks.
    sells_from: Option<Instant>,
}

impl Gaps {
    /// How long to stand back before the next turn, where another `needs` so long.
    pub(super) fn next(&mut self, now: Instant, needs: Option<Duration>) -> Option<Duration> {
        let Some(gap) = needs else {
            self.sells_from = None;
            return None;
        };
        let slice = SLICE.max(gap * SLICES_PER_GAP);
        if self.sells_from.is_some_and(|from| now < from + slice) {
            return None;
        }
        self.sells_from = Some(now + gap);
        Some(gap)
    }

    /// The gap was over at `now`: whoever asked for it has come.
    pub(super) fn is_over(&mut self, now: Instant) {
        self.sells_from = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_is_given_a_gap_now_and_then_and_nobody_else_is() {
        const MS: Duration = Duration::from_millis(1);
        let (mut gaps, now, needs) = (Gaps::default(), Instant::now(), Some(40 * MS));
        assert_eq!(gaps.next(now, None), None);
        assert_eq!(gaps.next(now, needs), Some(40 * MS));
        assert_eq!(gaps.next(now + 40 * MS, needs), None);
        assert_eq!(gaps.next(now + 119 * MS, needs), None);
        assert_eq!(gaps.next(now + 120 * MS, needs), Some(40 * MS));
        gaps.is_over(now + 130 * MS);
        assert_eq!(gaps.next(now + 209 * MS, needs), None);
        assert_eq!(gaps.next(now + 210 * MS, needs), Some(40 * MS));
        assert_eq!(gaps.next(now + 211 * MS, None), None);
        assert_eq!(gaps.next(now + 212 * MS, needs), Some(40 * MS), "it asks anew");
    }
}
