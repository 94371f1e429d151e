//! How long the committer waits for more requests before an append.
//!
//! A turn costs the same for one as for a hundred, and those who were just
//! answered mostly ask again at once. Whoever takes the first of them alone
//! lets all others wait for two turns, and pays for two. (PostgreSQL's `commit_delay` and
//! `commit_siblings`, with both found out while running.)

use std::time::{Duration, Instant};

/// The longest wait, however long turns take: a turn that waited for the lock says nothing.
const PATIENCE_MAX: Duration = Duration::from_millis(1);

/// From how many on to wait for as long as two turns take, and not one: the answers of many leave
/// one after the other, and so do their next requests.
const MANY: usize = 32;

/// Those who are expected in the queue.
#[derive(Debug, Default)]
pub(super) struct CommitDelay {
    expected: usize,
    until: Option<Instant>,
}

impl CommitDelay {
    /// Notes a turn that served `served` by `now` and took `took`, while `waiting` more waited.
    pub(super) fn note(&mut self, served: usize, waiting: usize, took: Duration, now: Instant) {
        // Whoever stays away is forgotten within a few turns.
        let forgotten = self.expected.div_ceil(8);
        self.expected = (served + waiting).max(self.expected - forgotten);
        let turns = if self.expected >= MANY { 2 } else { 1 };
        self.until = Some(now + (took * turns).min(PATIENCE_MAX));
    }

    /// How many are worth waiting for at `now`, and how long; once after each turn.
    pub(super) fn expect(&mut self, now: Instant) -> Option<(usize, Duration)> {
        let patience = self.until.take()?.saturating_duration_since(now);
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
        let (mut delay, now) = (CommitDelay::default(), Instant::now());
        assert_eq!(delay.expect(now), None);
        delay.note(1, 0, TURN, now);
        assert_eq!(delay.expect(now), None);
    }

    #[test]
    fn all_who_were_there_are_expected_once() {
        let (mut delay, now) = (CommitDelay::default(), Instant::now());
        delay.note(3, 7, TURN, now);
        assert_eq!(delay.expect(now), Some((10, TURN)));
        assert_eq!(delay.expect(now), None);
        delay.note(6, 0, 3 * TURN, now);
        assert_eq!(delay.expect(now), Some((8, 3 * TURN)));
    }

    #[test]
    fn many_are_worth_two_turns() {
        let (mut delay, now) = (CommitDelay::default(), Instant::now());
        delay.note(30, 70, TURN, now);
        assert_eq!(delay.expect(now), Some((100, 2 * TURN)));
    }

    #[test]
    fn time_spent_elsewhere_counts() {
        let (mut delay, now) = (CommitDelay::default(), Instant::now());
        delay.note(2, 0, TURN, now);
        assert_eq!(delay.expect(now + TURN / 4), Some((2, TURN * 3 / 4)));
        delay.note(2, 0, TURN, now);
        assert_eq!(delay.expect(now + TURN), None);
    }

    #[test]
    fn whoever_stays_away_is_forgotten() {
        let (mut delay, now) = (CommitDelay::default(), Instant::now());
        delay.note(100, 0, TURN, now);
        for _ in 0..40 {
            delay.note(1, 0, TURN, now);
        }
        assert_eq!(delay.expect(now), None);
    }

    #[test]
    fn a_turn_that_waited_for_the_lock_makes_nobody_patient() {
        let (mut delay, now) = (CommitDelay::default(), Instant::now());
        delay.note(2, 0, Duration::from_secs(5), now);
        assert_eq!(delay.expect(now), Some((2, PATIENCE_MAX)));
    }
}
