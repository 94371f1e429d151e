//! How many operations a second are asked for, over the time of a run.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The highest rate that can be asked for, in operations a second.
pub(crate) const RATE_MAX: f64 = 10_000_000.0;

/// Why points make no profile.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum ProfileError {
    /// Not from 0 to the highest.
    #[error("the rate `{0}` is not between 0 and 10000000 a second")]
    Rate(f64),
    /// Nothing is asked for at any time.
    #[error("no rate is above 0")]
    Nothing,
    /// One point only.
    #[error("a profile has at least two points, as in `0:0,10s:500`")]
    TooShort,
    /// It does not begin at the beginning.
    #[error("the first point is at `{0}`, not at 0")]
    Beginning(String),
    /// Time goes back.
    #[error("the point at `{0}` comes after a later one")]
    Order(String),
}

/// A point of a profile: from here the rate changes evenly up to that of the next point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    at_s: f64,
    rate_rps: f64,
    /// How many operations are due before it.
    count: f64,
}

/// A piecewise linear rate over time; after the last point the rate stays as it is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Profile {
    points: Vec<Point>,
}

impl Profile {
    /// The same rate at all times.
    ///
    /// # Errors
    /// The rate is nothing, negative, or too high.
    pub(crate) fn constant(rate_rps: f64) -> Result<Self, ProfileError> {
        Self::through(&[(Duration::ZERO, rate_rps)])
    }

    /// Through these points: times in order, the first at 0. Two points at one time are a jump.
    ///
    /// # Errors
    /// There are less than two points, they are out of order, or a rate is none.
    pub(crate) fn stages(points: &[(Duration, f64)]) -> Result<Self, ProfileError> {
        if points.len() < 2 {
            return Err(ProfileError::TooShort);
        }
        Self::through(points)
    }

    fn through(given: &[(Duration, f64)]) -> Result<Self, ProfileError> {
        let mut points: Vec<Point> = Vec::with_capacity(given.len());
        for (at, rate_rps) in given {
            if !(0.0..=RATE_MAX).contains(rate_rps) {
                return Err(ProfileError::Rate(*rate_rps));
            }
            let (at_s, text) = (at.as_secs_f64(), || format!("{at:?}"));
            let count = match points.last() {
                None if at_s > 0.0 => return Err(ProfileError::Beginning(text())),
                None => 0.0,
                Some(last) if last.at_s > at_s => return Err(ProfileError::Order(text())),
                Some(last) => last.count + (at_s - last.at_s) * (last.rate_rps + rate_rps) / 2.0,
            };
            points.push(Point { at_s, rate_rps: *rate_rps, count });
        }
        if points.iter().all(|point| point.rate_rps == 0.0) {
            return Err(ProfileError::Nothing);
        }
        Ok(Self { points })
    }

    /// The same profile after `length` at the first of its rates that is above 0.
    pub(crate) fn after_warm_up(mut self, length: Duration) -> Self {
        let mut rates = self.points.iter().map(|point| point.rate_rps);
        let rate_rps = rates.find(|rate_rps| *rate_rps > 0.0).unwrap_or(0.0);
        let length_s = length.as_secs_f64();
        let count = length_s * rate_rps;
        for point in &mut self.points {
            point.at_s += length_s;
            point.count += count;
        }
        // Two points at the end of the warm-up: from there it may jump to where the profile begins.
        let warm_up = [(0.0, 0.0), (length_s, count)];
        let warm_up = warm_up.map(|(at_s, count)| Point { at_s, rate_rps, count });
        self.points.splice(0..0, warm_up);
        self
    }

    /// A `share` of it at all times, above 0 and at most 1.
    pub(crate) fn scaled(mut self, share: f64) -> Self {
        for point in &mut self.points {
            (point.rate_rps, point.count) = (point.rate_rps * share, point.count * share);
        }
        self
    }

    /// How many operations are due before `at`.
    pub(crate) fn count_before(&self, at: Duration) -> f64 {
        let at_s = at.as_secs_f64();
        let next = self.points.partition_point(|point| point.at_s <= at_s);
        let from = self.points[next.saturating_sub(1)];
        let since_s = at_s - from.at_s;
        from.count + since_s * from.rate_rps + since_s * since_s * self.slope_from(next) / 2.0
    }

    /// The instant at which `count` operations have become due, in nanoseconds from the start;
    /// `None` where the rate ends at nothing before that. The inverse of [`Profile::count_before`].
    pub(crate) fn due_ns(&self, count: f64) -> Option<u64> {
        let next = self.points.partition_point(|point| point.count <= count);
        let from = self.points[next.saturating_sub(1)];
        let more = count - from.count;
        // More = rate · t + slope · t² / 2, solved without a difference of near equals.
        let root = from.rate_rps.powi(2) + 2.0 * self.slope_from(next) * more;
        let divisor = from.rate_rps + root.max(0.0).sqrt();
        let since_s = if more == 0.0 { 0.0 } else { 2.0 * more / divisor };
        nanoseconds(from.at_s + since_s)
    }

    /// The length from the first to the last point.
    pub(crate) fn length(&self) -> Duration {
        Duration::from_secs_f64(self.points.last().map_or(0.0, |last| last.at_s))
    }

    /// By how much the rate changes a second, on the way to the point at `next`.
    fn slope_from(&self, next: usize) -> f64 {
        match (next.checked_sub(1).and_then(|at| self.points.get(at)), self.points.get(next)) {
            (Some(from), Some(to)) if to.at_s > from.at_s => {
                (to.rate_rps - from.rate_rps) / (to.at_s - from.at_s)
            }
            _ => 0.0,
        }
    }
}

/// A time in seconds as whole nanoseconds; `None` past any run's end.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be from 0 to 2^53"
)]
fn nanoseconds(seconds: f64) -> Option<u64> {
    let ns = (seconds * 1e9).round();
    (0.0..=9_007_199_254_740_992.0).contains(&ns).then_some(ns as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stages(points: &[(u64, f64)]) -> Result<Profile, ProfileError> {
        let points: Vec<_> =
            points.iter().map(|(at, rate)| (Duration::from_secs(*at), *rate)).collect();
        Profile::stages(&points)
    }

    #[test]
    fn a_constant_rate_is_due_in_even_steps() {
        let profile = Profile::constant(500.0).unwrap();
        for k in 0..1000_u32 {
            assert_eq!(profile.due_ns(f64::from(k)), Some(u64::from(k) * 2_000_000));
        }
    }

    #[test]
    fn parts_of_a_rate_are_due_as_often_as_the_whole() {
        let whole = stages(&[(0, 0.0), (10, 500.0)]).unwrap().after_warm_up(Duration::from_secs(1));
        let parts = [0.75, 0.25].map(|share| whole.clone().scaled(share));
        for second in 0..12 {
            let at = Duration::from_secs(second);
            let due: f64 = parts.iter().map(|part| part.count_before(at)).sum();
            assert!((due - whole.count_before(at)).abs() < 1e-9, "{second}");
        }
        assert_eq!(
            Profile::constant(500.0).unwrap().scaled(0.2).due_ns(100.0),
            Some(1_000_000_000)
        );
    }

    #[test]
    fn a_ramp_from_nothing_is_due_ever_faster() {
        let profile = stages(&[(0, 0.0), (10, 500.0)]).unwrap();
        assert_eq!(profile.count_before(Duration::from_secs(10)), 2500.0);
        assert_eq!(profile.due_ns(0.0), Some(0));
        assert_eq!(profile.due_ns(25.0), Some(1_000_000_000));
        assert_eq!(profile.due_ns(2500.0), Some(10_000_000_000));
        // The rate of the last point goes on.
        assert_eq!(profile.due_ns(3000.0), Some(11_000_000_000));
    }

    #[test]
    fn a_rate_that_ends_at_nothing_is_never_due_again() {
        let profile = stages(&[(0, 10.0), (2, 0.0)]).unwrap();
        assert_eq!(profile.due_ns(10.0), Some(2_000_000_000));
        assert_eq!(profile.due_ns(10.5), None);
    }

    #[test]
    fn nothing_is_due_while_the_rate_is_nothing() {
        let profile = stages(&[(0, 10.0), (1, 10.0), (1, 0.0), (3, 0.0), (3, 10.0)]).unwrap();
        assert_eq!(profile.due_ns(9.0), Some(900_000_000));
        assert_eq!(profile.due_ns(11.0), Some(3_100_000_000));
    }

    #[test]
    fn a_warm_up_comes_before_and_takes_the_first_rate_above_0() {
        let profile = Profile::constant(100.0).unwrap().after_warm_up(Duration::from_secs(2));
        assert_eq!(profile.due_ns(200.0), Some(2_000_000_000));
        let ramp = stages(&[(0, 0.0), (10, 500.0)]).unwrap();
        let ramp = ramp.after_warm_up(Duration::from_secs(2));
        // 500 a second from the first one on, then from nothing again.
        assert_eq!(ramp.due_ns(1.0), Some(2_000_000));
        assert_eq!(ramp.due_ns(1000.0), Some(2_000_000_000));
        assert_eq!(ramp.due_ns(1025.0), Some(3_000_000_000));
        assert_eq!(ramp.count_before(Duration::from_secs(12)), 3500.0);
    }

    #[test]
    fn no_warm_up_changes_nothing() {
        let ramp = stages(&[(0, 0.0), (1, 0.0), (10, 500.0)]).unwrap();
        let warm = ramp.clone().after_warm_up(Duration::ZERO);
        for count in 0..3000 {
            assert_eq!(warm.due_ns(f64::from(count)), ramp.due_ns(f64::from(count)), "{count}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(Profile::constant(0.0), Err(ProfileError::Nothing));
        assert!(matches!(Profile::constant(-1.0), Err(ProfileError::Rate(_))));
        assert!(matches!(Profile::constant(f64::NAN), Err(ProfileError::Rate(_))));
        assert!(matches!(Profile::constant(1e8), Err(ProfileError::Rate(_))));
        assert_eq!(stages(&[(0, 1.0)]), Err(ProfileError::TooShort));
        assert!(matches!(stages(&[(1, 1.0), (2, 1.0)]), Err(ProfileError::Beginning(_))));
        assert!(matches!(stages(&[(0, 1.0), (2, 1.0), (1, 1.0)]), Err(ProfileError::Order(_))));
        assert_eq!(stages(&[(0, 0.0), (2, 0.0)]), Err(ProfileError::Nothing));
    }

    proptest! {
        #[test]
        fn due_and_count_are_inverse(
            gaps in prop::collection::vec((0_u64..20, 0_u32..5000), 1..6),
            share in 0.0_f64..1.0,
        ) {
            let mut points = vec![(0, 100.0)];
            for (gap, rate) in gaps {
                points.push((points[points.len() - 1].0 + gap, f64::from(rate)));
            }
            let profile = stages(&points).unwrap();
            let count = share * profile.count_before(profile.length());
            let due = Duration::from_nanos(profile.due_ns(count).unwrap());
            let again = profile.count_before(due);
            // A nanosecond is worth up to 5000 / 1e9 operations; near a rate of 0 rounding weighs most.
            prop_assert!((again - count).abs() < 1e-3, "{count} -> {due:?} -> {again}");
        }

        #[test]
        fn later_operations_are_due_later(rates in prop::collection::vec(0_u32..1000, 2..6)) {
            let points: Vec<_> = (0..).zip(rates.iter().map(|rate| f64::from(*rate))).collect();
            prop_assume!(rates.iter().any(|rate| *rate > 0));
            let profile = stages(&points).unwrap();
            let dues: Vec<_> = (0..200).map_while(|k| profile.due_ns(f64::from(k))).collect();
            prop_assert!(dues.is_sorted());
        }
    }
}
