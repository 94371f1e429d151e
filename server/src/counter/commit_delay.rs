//! How long the committer waits for more requests before an append.
//!
//! A turn costs the same for one as for a hundred, and those who were just
//! answered mostly ask again at once. Whoever takes the first of them alone
//! lets all others wait for two turns, and pays for two. (PostgreSQL's `commit_delay` and
//! `commit_siblings`, with both found out while running.)

use std::time::Duration;

/// The longest wait, however long turns take: a turn that waited for the lock says nothing.
const PATIENCE_MAX: Duration = Duration::from_millis(1);

/// Those who are expected in the queue.
#[derive(Debug, Default)]
pub(super) struct CommitDelay {
    expected: usize,
    patience: Duration,
}

impl CommitDelay {
    /// Notes a turn that served `served` while `waiting` more waited.
    ///
    /// The wait is at most as long as the turn that it may save.
    pub(super) fn note(&mut self, served: usize, waiting: usize, took: Duration) {
        // Whoever stays away is forgotten within a few turns.
        let forgotten = self.expected.div_ceil(8);
        self.expected = (served + waiting).max(self.expected - forgotten);
        self.patience = took.min(PATIENCE_MAX);
    }

    /// How many are worth waiting for, and how long; once after each turn.
    pub(super) fn expect(&mut self) -> Option<(usize, Duration)> {
        let patience = std::mem::take(&mut self.patience);
        // A lone client waits for nobody.
        (self.expected > 1 && !patience.is_zero()).then_some((self.expected, patience))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURN: Duration = Duration::from_micros(200);

    #[test]
    fn a_lone_client_waits_for_nobody() {
        let mut delay = CommitDelay::default();
        assert_eq!(delay.expect(), None);
        delay.note(1, 0, TURN);
        assert_eq!(delay.expect(), None);
    }

    #[test]
    fn all_who_were_there_are_expected_once_and_no_longer_than_a_turn() {
        let mut delay = CommitDelay::default();
        delay.note(30, 70, TURN);
        assert_eq!(delay.expect(), Some((100, TURN)));
        assert_eq!(delay.expect(), None);
        delay.note(60, 0, 3 * TURN);
        assert_eq!(delay.expect(), Some((87, 3 * TURN)));
    }

    #[test]
    fn whoever_stays_away_is_forgotten() {
        let mut delay = CommitDelay::default();
        delay.note(100, 0, TURN);
        for _ in 0..40 {
            delay.note(1, 0, TURN);
        }
        assert_eq!(delay.expect(), None);
    }

    #[test]
    fn a_turn_that_waited_for_the_lock_makes_nobody_patient() {
        let mut delay = CommitDelay::default();
        delay.note(2, 0, Duration::from_secs(5));
        assert_eq!(delay.expect(), Some((2, PATIENCE_MAX)));
    }
}
