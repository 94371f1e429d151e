//! The time of the ledger: it never runs back, and never stands still for ever.
//!
//! A machine's clock can be years ahead for a moment. The records of that
//! moment cannot be undone, so the ledger is ahead of the clock from then on.
//! It goes on at the pace of the clock, so that keys still expire.
//!
//! # Invariants
//! - No time is before one that was told or heard.
//! - While no clock is set, the ledger moves on by no more than the time that
//!   passes, however many servers share its records, and however late their
//!   threads tell what they read.

use crate::domain::COUNT_MAX;

/// How late a machine's clock may be told: threads read it, and wait for one another, or for a processor.
///
/// A clock that was set back by less is waited for.
const STALE_MS_MAX: u64 = 1000;

/// The time of a ledger as one process knows it, in milliseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    at_ms: u64,
    anchor: Option<Anchor>,
    /// What the machine's clock said when it was told last.
    now_ms: u64,
}

/// A moment from which the time of the ledger goes on as the machine's clock does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Anchor {
    at_ms: u64,
    now_ms: u64,
}

impl Clock {
    /// The clock of a ledger whose last record was made at `at_ms`.
    pub fn new(at_ms: u64) -> Self {
        Self { at_ms: at_ms.min(COUNT_MAX), anchor: None, now_ms: 0 }
    }

    /// The latest time that was told or heard; [`COUNT_MAX`] at most.
    pub fn at_ms(&self) -> u64 {
        self.at_ms
    }

    /// The time of what is done while the machine's clock says `now_ms`.
    pub fn told(&mut self, now_ms: u64) -> u64 {
        // IMPORTANT: what was read ahead of what others told would look like a clock that was set back, and put the
        // ledger ahead by as much, each time anew.
        let is_stale = now_ms < self.now_ms && self.now_ms - now_ms <= STALE_MS_MAX;
        let now_ms = if is_stale { self.now_ms } else { now_ms.min(COUNT_MAX) };
        self.now_ms = now_ms;
        if now_ms >= self.at_ms {
            (self.at_ms, self.anchor) = (now_ms, None);
            return now_ms;
        }
        // Begun anew where the machine's clock was set back again, or others are further ahead.
        let goes_on = |anchor: &Anchor| anchor.at(now_ms) >= Some(self.at_ms);
        let anchor = self.anchor.filter(goes_on);
        let anchor = anchor.unwrap_or(Anchor { at_ms: self.at_ms, now_ms });
        self.anchor = Some(anchor);
        self.heard(anchor.at(now_ms).unwrap_or_default());
        self.at_ms
    }

    /// Takes in that something was done at `at_ms`, here or elsewhere.
    pub fn heard(&mut self, at_ms: u64) {
        self.at_ms = self.at_ms.max(at_ms.min(COUNT_MAX));
    }

    /// How far the ledger is ahead of a machine's clock that says `now_ms`, in milliseconds.
    pub fn lag_ms(&self, now_ms: u64) -> u64 {
        self.at_ms.saturating_sub(now_ms)
    }
}

impl Anchor {
    /// The time of the ledger when the machine's clock says `now_ms`; `None` before this moment.
    fn at(self, now_ms: u64) -> Option<u64> {
        now_ms.checked_sub(self.now_ms).map(|later_ms| self.at_ms + later_ms)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::keys::Remembered;

    const HOUR_MS: u64 = 60 * 60 * 1000;
    const TEN_YEARS_MS: u64 = 10 * 365 * 24 * HOUR_MS;
    const NOW_MS: u64 = 56 * 365 * 24 * HOUR_MS;

    #[test]
    fn a_clock_that_is_right_is_told_as_it_is() {
        let mut clock = Clock::new(0);
        assert_eq!([5, 5, 9].map(|now_ms| clock.told(now_ms)), [5, 5, 9]);
        assert_eq!(clock.lag_ms(9), 0);
    }

    #[test]
    fn after_a_moment_ten_years_ahead_keys_expire_as_ever() {
        let mut clock = Clock::new(0);
        let mut keys = Remembered::new([1; 16], 9);
        keys.note_key("k", 1, clock.told(NOW_MS + TEN_YEARS_MS));
        assert_eq!(clock.lag_ms(NOW_MS), TEN_YEARS_MS);
        for hours in 0..=24 {
            let at_ms = clock.told(NOW_MS + hours * HOUR_MS);
            assert_eq!(keys.revision_of_key("k", at_ms), Some(1), "after {hours} hours");
        }
        assert_eq!(keys.revision_of_key("k", clock.told(NOW_MS + 25 * HOUR_MS)), None);
    }

    #[test]
    fn the_machines_clock_counts_again_once_it_has_caught_up() {
        let mut clock = Clock::new(10_000);
        let told = [5000, 6000, 11_500, 10_400].map(|now_ms| clock.told(now_ms));
        assert_eq!(told, [10_000, 11_000, 11_500, 11_500]);
        assert_eq!([10_500, 12_000].map(|now_ms| clock.told(now_ms)), [11_600, 12_000]);
    }

    #[test]
    fn a_clock_that_is_set_back_again_and_again_is_followed() {
        let mut clock = Clock::new(10_000);
        let told = [5000, 5100, 1000, 1100].map(|now_ms| clock.told(now_ms));
        assert_eq!(told, [10_000, 10_100, 10_100, 10_200]);
    }

    #[test]
    fn a_clock_that_is_told_late_again_and_again_puts_nothing_ahead() {
        let mut clock = Clock::new(0);
        for now_ms in 10_000..20_000 {
            assert_eq!(clock.told(now_ms), now_ms);
            for late_ms in [1 + now_ms % STALE_MS_MAX, 1] {
                assert_eq!(clock.told(now_ms - late_ms), now_ms);
            }
        }
    }

    #[test]
    fn others_who_are_further_ahead_do_not_make_it_stand_still() {
        let mut clock = Clock::new(100);
        clock.told(90);
        clock.heard(1_000_000);
        assert_eq!([95, 99].map(|now_ms| clock.told(now_ms)), [1_000_000, 1_000_004]);
    }

    #[test]
    fn no_time_is_past_the_limit() {
        let mut clock = Clock::new(u64::MAX);
        assert_eq!([0, 1, u64::MAX].map(|now_ms| clock.told(now_ms)), [COUNT_MAX; 3]);
    }

    /// How a machine's clock is set, and by how much, now and then.
    fn any_step() -> impl Strategy<Value = i64> {
        let ten_years_ms = i64::try_from(TEN_YEARS_MS).unwrap();
        prop_oneof![8 => Just(0), 1 => -1000..=1000_i64, 1 => -ten_years_ms..=ten_years_ms]
    }

    /// How long nobody does anything.
    fn any_pause() -> impl Strategy<Value = u64> {
        prop_oneof![3 => 0..3_u64, 1 => 0..HOUR_MS / 4]
    }

    proptest! {
        #[test]
        fn time_never_runs_back(
            start in any::<u64>(),
            steps in prop::collection::vec((any::<bool>(), any::<u64>()), 0..60),
        ) {
            let mut clock = Clock::new(start);
            for (is_ours, ms) in steps {
                let before = clock.at_ms();
                if is_ours { clock.told(ms); } else { clock.heard(ms); }
                prop_assert!(clock.at_ms() >= before);
                prop_assert!(is_ours || clock.at_ms() >= ms.min(COUNT_MAX));
                prop_assert!(clock.at_ms() <= COUNT_MAX);
            }
        }

        #[test]
        fn whatever_becomes_of_the_clock_time_goes_on(
            steps in prop::collection::vec((0..=HOUR_MS, any_step()), 1..400),
        ) {
            let (mut clock, mut now_ms) = (Clock::new(NOW_MS), NOW_MS);
            let (mut passed_ms, mut sets) = (0, 0);
            for (later_ms, set_ms) in steps {
                passed_ms += later_ms;
                sets += u64::from(set_ms != 0);
                now_ms = (now_ms + later_ms).saturating_add_signed(set_ms);
                clock.told(now_ms);
                // What passes unseen while it is set back is lost, and what it catches up with.
                let lost_ms = 2 * sets * HOUR_MS;
                prop_assert!(clock.at_ms() - NOW_MS + lost_ms >= passed_ms);
            }
            prop_assert!(sets > 0 || clock.at_ms() == now_ms);
        }

        #[test]
        fn servers_that_share_records_keep_the_pace_of_one(
            skews in prop::array::uniform3(0..=HOUR_MS),
            ahead_ms in 2 * HOUR_MS..TEN_YEARS_MS,
            steps in prop::collection::vec(
                (any_pause(), 0..3_usize, prop::array::uniform2(0..=STALE_MS_MAX)), 0..200,
            ),
        ) {
            let start_ms = NOW_MS + ahead_ms;
            let mut clocks = [Clock::new(start_ms); 3];
            let (mut passed_ms, mut told_ms) = (0, 0);
            for (later_ms, seller, late_ms) in steps {
                passed_ms += later_ms;
                let now_ms = NOW_MS + skews[seller] + passed_ms;
                // Behind somebody of the same server who was not late.
                clocks[seller].told(now_ms);
                clocks[seller].told(now_ms - late_ms[0]);
                let at_ms = clocks[seller].told(now_ms - late_ms[1]);
                clocks.iter_mut().for_each(|clock| clock.heard(at_ms));
                prop_assert!(at_ms >= told_ms);
                prop_assert!(at_ms <= start_ms + passed_ms);
                prop_assert!(at_ms + HOUR_MS >= start_ms + passed_ms);
                told_ms = at_ms;
            }
        }
    }
}
