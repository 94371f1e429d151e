//! Everything that is counted of a run, or of a part of it.

use std::collections::BTreeMap;

use super::outcomes::{Ending, Outcomes};
use crate::latency::{Clocks, Samples};

/// So many different causes are told apart; what comes after them is counted as `OTHER`.
const CAUSES_MAX: usize = 50;

/// The cause that stands for all that found no room.
const OTHER: &str = "other causes";

/// One operation that has ended, as it is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    /// How it ended.
    pub(crate) ending: Ending,
    /// Whether it was sent as a whole.
    pub(crate) was_sent: bool,
    /// Why, where that is no good end.
    pub(crate) cause: Option<&'a str>,
    /// When it was due.
    pub(crate) due_ns: u64,
    /// When it was sent.
    pub(crate) sent_ns: u64,
    /// When it was answered, or given up.
    pub(crate) answered_ns: u64,
}

/// What a run, or a part of it, has seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally<Times = Clocks> {
    /// Operations that were begun.
    pub(crate) intended: u64,
    /// How they ended.
    pub(crate) outcomes: Outcomes,
    /// Why those that ended badly did.
    pub(crate) causes: BTreeMap<String, u64>,
    /// Operations that were due and never begun, since the run was over.
    pub(crate) unsent: u64,
    /// Tickets sold, those of the warm-up among them.
    pub(crate) sold_ever: u64,
    /// Tickets that came back of these.
    pub(crate) refunded_ever: u64,
    /// Purchases and holds that were told "sold out", those of the warm-up among them.
    pub(crate) sold_out_ever: u64,
    /// Operations that the history has no more room for.
    pub(crate) unrecorded: u64,
    /// The newest count that an answer told, and when that was.
    pub(crate) left: Option<(u64, i64)>,
    /// When the last of them was sent.
    pub(crate) sent_ns: u64,
    /// When the last of them was answered.
    pub(crate) answered_ns: u64,
    /// How long they took.
    pub(crate) clocks: Times,
}

/// What one worker has seen since it said so the last time.
pub(crate) type WorkerTally = Tally<Samples>;

impl WorkerTally {
    /// Counts an operation that has been begun.
    pub(crate) fn begin(&mut self) {
        self.intended += 1;
    }

    /// Counts the end of one that was begun. What never reached a server has no latency.
    pub(crate) fn end(&mut self, seen: &Seen<'_>) {
        self.outcomes.count(seen.ending);
        self.sent_ns = self.sent_ns.max(seen.sent_ns);
        self.answered_ns = self.answered_ns.max(seen.answered_ns);
        if seen.was_sent {
            self.clocks.record(seen.due_ns, seen.sent_ns, seen.answered_ns);
        }
        if let Some(cause) = seen.cause {
            self.blame(cause, 1);
        }
    }

    /// Counts an operation that was due at `due_ns` and not begun when all was over, at `now_ns`:
    /// leaving its wait out would make the end of a run look better than it was.
    pub(crate) fn leave_unsent(&mut self, due_ns: u64, now_ns: u64) {
        self.unsent += 1;
        self.clocks.record_unsent(due_ns, now_ns);
    }
}

impl Tally {
    /// Adds what a worker has told.
    pub(crate) fn take_in(&mut self, told: &WorkerTally) {
        self.add(told);
        told.clocks.count_into(&mut self.clocks);
    }

    /// Adds `other`.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.add(other);
        self.clocks.merge(&other.clocks);
    }
}

impl<Times: Default> Tally<Times> {
    /// Gives away what was seen since the last time, and begins anew.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

impl<Times> Tally<Times> {
    /// An answer of `at_ns` told that `left` are left.
    pub(crate) fn see_left(&mut self, at_ns: u64, left: i64) {
        if self.left.is_none_or(|(seen_ns, _)| seen_ns <= at_ns) {
            self.left = Some((at_ns, left));
        }
    }

    /// Tickets sold that have not come back.
    pub(crate) fn sold_net(&self) -> u64 {
        self.sold_ever.saturating_sub(self.refunded_ever)
    }

    /// Operations that were begun and have not ended.
    pub(crate) fn open(&self) -> u64 {
        self.intended.saturating_sub(self.outcomes.total())
    }

    fn add<Others>(&mut self, other: &Tally<Others>) {
        self.intended += other.intended;
        self.outcomes.merge(&other.outcomes);
        for (cause, times) in &other.causes {
            self.blame(cause, *times);
        }
        self.unsent += other.unsent;
        self.sold_ever += other.sold_ever;
        self.refunded_ever += other.refunded_ever;
        self.sold_out_ever += other.sold_out_ever;
        self.unrecorded += other.unrecorded;
        if let Some((at_ns, left)) = other.left {
            self.see_left(at_ns, left);
        }
        self.sent_ns = self.sent_ns.max(other.sent_ns);
        self.answered_ns = self.answered_ns.max(other.answered_ns);
    }

    fn blame(&mut self, cause: &str, times: u64) {
        if let Some(known) = self.causes.get_mut(cause) {
            *known += times;
        } else {
            let cause = if self.causes.len() < CAUSES_MAX { cause } else { OTHER };
            *self.causes.entry(cause.to_owned()).or_default() += times;
        }
    }
}

#[cfg(test)]
impl WorkerTally {
    /// What a run has seen that was told this alone.
    pub(crate) fn told(&self) -> Tally {
        let mut run = Tally::default();
        run.take_in(self);
        run
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENDINGS: [Ending; 8] = [
        Ending::Sold,
        Ending::SoldOut,
        Ending::Found,
        Ending::Held,
        Ending::GivenBack,
        Ending::Refused,
        Ending::Error,
        Ending::Unknown,
    ];

    proptest! {
        #[test]
        fn parts_that_are_taken_add_up_to_the_whole(
            events in prop::collection::vec((0_usize..8, 0_u64..1000, any::<bool>()), 0..200),
        ) {
            let (mut whole, mut part) = (WorkerTally::default(), WorkerTally::default());
            let mut sum = Tally::default();
            for (ending, at_ns, is_taken) in events {
                let seen = Seen {
                    ending: ENDINGS[ending],
                    was_sent: ending % 2 == 0,
                    cause: (ending > 4).then_some("odd"),
                    due_ns: at_ns,
                    sent_ns: at_ns,
                    answered_ns: 2 * at_ns,
                };
                for tally in [&mut whole, &mut part] {
                    tally.begin();
                    tally.see_left(at_ns, i64::try_from(at_ns / 7).unwrap());
                    tally.end(&seen);
                }
                if is_taken {
                    sum.merge(&part.take().told());
                }
            }
            sum.take_in(&part.take());
            prop_assert_eq!(&sum, &whole.told());
            prop_assert_eq!(sum.intended, sum.outcomes.total());
            prop_assert_eq!(sum.open(), 0);
        }
    }

    #[test]
    fn what_was_sent_has_a_latency_also_where_nobody_answered() {
        let mut tally = WorkerTally::default();
        for was_sent in [true, false] {
            tally.begin();
            let (ending, cause) = (Ending::Error, Some("no answer"));
            tally.end(&Seen { ending, was_sent, cause, due_ns: 1, sent_ns: 1, answered_ns: 9 });
        }
        assert_eq!(tally.told().clocks.response_ns.len(), 1);
    }

    #[test]
    fn causes_have_a_bound() {
        let mut tally = WorkerTally::default();
        for number in 0..200 {
            tally.blame(&format!("cause {number}"), 1);
        }
        assert_eq!(tally.causes.len(), CAUSES_MAX + 1);
        assert_eq!(tally.causes.values().sum::<u64>(), 200);
    }
}
