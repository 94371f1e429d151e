//! What becomes of holds and sales: which operation of a client follows on which. Pure.

use serde::{Deserialize, Serialize};

use super::{
    random::Random,
    work::{Action, Work},
};

/// How long after its time a hold is taken to be over, where others wait for it, in nanoseconds.
const OVER_NS: u64 = 500_000_000;

/// How many tickets are held for how long, and what becomes of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Holds {
    /// How many tickets a hold is of; at least one.
    pub(crate) quantity: u64,
    /// How long they are held, in seconds; at least one.
    pub(crate) seconds: u64,
    /// Which share of the holds is confirmed, from 0 to 1.
    pub(crate) confirm: f64,
    /// Which share is released, from 0 to 1; both together are at most 1, and the rest lapses.
    pub(crate) release: f64,
    /// Which share of the sales is refunded, from 0 to 1.
    pub(crate) refund: f64,
    /// How long a client waits before it confirms or releases, in nanoseconds.
    pub(crate) end_after_ns: u64,
}

impl Default for Holds {
    fn default() -> Self {
        Self { quantity: 1, seconds: 2, confirm: 0.6, release: 0.2, refund: 0.0, end_after_ns: 0 }
    }
}

/// What a client does next with what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FollowUp {
    /// What it does.
    pub(crate) action: Action,
    /// How long it waits before, in nanoseconds.
    pub(crate) wait_ns: u64,
}

/// What one client does with what it is given.
#[derive(Clone, Debug)]
pub(crate) struct Fate {
    holds: Holds,
    work: Work,
    random: Random,
    /// How many holds it has asked for.
    asked: u32,
}

impl Fate {
    /// That of a client, which draws from `random`.
    pub(super) fn new(holds: Holds, work: Work, random: Random) -> Self {
        Self { holds, work, random, asked: 0 }
    }

    /// Whether anything can follow on `action`, so that its answer has to be looked at.
    pub(crate) fn may_follow(&self, action: Action) -> bool {
        match action {
            Action::Hold => true,
            Action::Buy | Action::Confirm => self.holds.refund > 0.0,
            Action::Search | Action::Release | Action::Refund | Action::Restock => false,
        }
    }

    /// What follows on `action`, which was carried out or, where that is said, found sold out, and left `remaining`.
    pub(crate) fn after(
        &mut self,
        action: Action,
        is_sold_out: bool,
        remaining: Option<i64>,
    ) -> Option<FollowUp> {
        let later = |action| FollowUp { action, wait_ns: self.holds.end_after_ns };
        if self.work == Work::SearchThenHold {
            return self.in_race(action, is_sold_out, remaining);
        }
        match action {
            _ if is_sold_out => None,
            Action::Hold => {
                let share = self.random.share();
                if share < self.holds.confirm {
                    Some(later(Action::Confirm))
                } else {
                    let is_released = share < self.holds.confirm + self.holds.release;
                    is_released.then(|| later(Action::Release))
                }
            }
            Action::Buy | Action::Confirm => {
                let is_refunded = self.random.share() < self.holds.refund;
                is_refunded.then_some(FollowUp { action: Action::Refund, wait_ns: 0 })
            }
            Action::Search | Action::Release | Action::Refund | Action::Restock => None,
        }
    }

    /// In a race half let their first hold lapse: whoever left an even number, among them who took the last ticket,
    /// whichever clients these are. Whoever was refused tries once more when all that it was refused for is over, and
    /// buys what it gets then.
    fn in_race(
        &mut self,
        action: Action,
        is_sold_out: bool,
        remaining: Option<i64>,
    ) -> Option<FollowUp> {
        if action != Action::Hold {
            return None;
        }
        self.asked += 1;
        let is_first = self.asked == 1;
        if is_sold_out {
            let wait_ns = self.holds.seconds.saturating_mul(1_000_000_000).saturating_add(OVER_NS);
            return is_first.then_some(FollowUp { action: Action::Hold, wait_ns });
        }
        let confirms = !is_first || remaining.is_none_or(|remaining| remaining % 2 != 0);
        confirms.then_some(FollowUp { action: Action::Confirm, wait_ns: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fate(work: Work, holds: Holds) -> Fate {
        Fate::new(holds, work, Random::new(7, 7))
    }

    #[test]
    fn holds_end_in_their_proportion() {
        let holds = Holds { confirm: 0.5, release: 0.3, ..Holds::default() };
        let mut fate = fate(Work::Mix { buy: 0, hold: 1, search: 0 }, holds);
        let ends: Vec<_> = (0..10_000).map(|_| fate.after(Action::Hold, false, None)).collect();
        let count = |action| ends.iter().flatten().filter(|end| end.action == action).count();
        assert!((4700..5300).contains(&count(Action::Confirm)));
        assert!((2700..3300).contains(&count(Action::Release)));
        assert_eq!(fate.after(Action::Hold, true, None), None);
        assert_eq!(fate.after(Action::Confirm, false, None), None);
    }

    #[test]
    fn in_a_race_half_let_it_lapse_whoever_they_are_and_the_refused_come_again() {
        let race = || fate(Work::SearchThenHold, Holds::default());
        let confirm = Some(FollowUp { action: Action::Confirm, wait_ns: 0 });
        let lapsed = |tickets: i64| {
            let ends = (0..tickets).map(|left| race().after(Action::Hold, false, Some(left)));
            ends.filter(|end| *end != confirm).count()
        };
        assert_eq!((1..7).map(lapsed).collect::<Vec<_>>(), [1, 1, 2, 2, 3, 3]);
        let mut refused = race();
        let again = refused.after(Action::Hold, true, Some(0)).unwrap();
        assert_eq!((again.action, again.wait_ns), (Action::Hold, 2_500_000_000));
        assert_eq!(refused.clone().after(Action::Hold, false, Some(0)), confirm);
        assert_eq!(refused.after(Action::Hold, true, Some(0)), None);
    }
}
