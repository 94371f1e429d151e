//! The gaps that a server leaves to another one that is late with each batch: a courtesy, and nothing rests on it.
//!
//! Pure: time comes in as a value.

use std::time::{Duration, Instant};

use crate::ledger::late::{GAP_MAX, RIVALS_FOR, SLICES_PER_GAP};

/// How long one sells between two gaps, at least.
const SLICE: Duration = Duration::from_millis(30);

/// What another asked for, and when that was heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) needs: Duration,
    pub(super) at: Instant,
}

/// The gaps of one server.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// Since when it sells behind the last one; `None` where nobody asks.
    sells_from: Option<Instant>,
}

impl Gaps {
    /// How long to stand back before the next turn.
    pub(super) fn next(&mut self, now: Instant, wanted: Option<Wanted>) -> Option<Duration> {
        let is_fresh = |wanted: &Wanted| now.saturating_duration_since(wanted.at) < RIVALS_FOR;
        let Some(wanted) = wanted.filter(is_fresh) else {
            self.sells_from = None;
            return None;
        };
        let gap = wanted.needs.min(GAP_MAX);
        let slice = SLICE.max(gap * SLICES_PER_GAP);
        if self.sells_from.is_some_and(|from| now < from + slice) {
            return None;
        }
        self.sells_from = Some(now + gap);
        Some(gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_is_given_a_gap_now_and_then_and_nobody_else_is() {
        const MS: Duration = Duration::from_millis(1);
        let (mut gaps, now) = (Gaps::default(), Instant::now());
        let wanted = Some(Wanted { needs: 40 * MS, at: now });
        assert_eq!(gaps.next(now, None), None);
        assert_eq!(gaps.next(now, wanted), Some(40 * MS));
        assert_eq!(gaps.next(now + 40 * MS, wanted), None);
        assert_eq!(gaps.next(now + 119 * MS, wanted), None);
        assert_eq!(gaps.next(now + 120 * MS, wanted), Some(40 * MS));
        assert_eq!(gaps.next(now + RIVALS_FOR, wanted), None, "it was long ago");
    }
}
