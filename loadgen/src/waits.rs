//! What a lock costs and whom: how long each purchase waited, and whether they were served in turn. Pure.
//!
//! A purchase waits from its call until the seller reads the count for it; where the seller does not say when
//! that was, until its answer. `none` waits too, for the network and for the processor: that is what a lock
//! comes on top of.

use serde::Serialize;

use crate::history::{Operation, OperationKind, Outcome};

/// How long one purchase waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    /// Whose it was.
    pub(crate) process: u32,
    /// When it was called, in nanoseconds of the run's clock.
    pub(crate) called_ns: u64,
    /// When its turn came, or else its answer.
    pub(crate) served_ns: u64,
    /// When it was answered.
    answered_ns: u64,
    /// Whether its turn is known.
    is_told: bool,
}

impl Wait {
    /// How long it waited, in nanoseconds.
    pub(crate) fn waited_ns(&self) -> u64 {
        self.served_ns.saturating_sub(self.called_ns)
    }
}

/// Until when a purchase is taken to have waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Until {
    /// Until the seller read the count.
    Turn,
    /// Until the answer: the seller does not say when it read the count.
    Answer,
}

/// What a lock costs, and whom.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct LockCost {
    /// How many purchases were answered.
    pub(crate) purchases: u64,
    /// Until when they waited.
    pub(crate) waited_until: Until,
    /// How long they waited.
    pub(crate) waited_us: Waited,
    /// How many were answered a second, from the first call to the last answer.
    pub(crate) purchases_rps: f64,
    /// Of any two purchases: how often the one that came later was served first, from 0 to 1. Kendall's tau
    /// distance (Kendall, A new measure of rank correlation, Biometrika 30, 1938) as a share.
    pub(crate) out_of_turn: f64,
    /// The most that went ahead of one that had come before them.
    pub(crate) overtaken_max: u64,
    /// Jain's index of the waits: see [`jain`].
    pub(crate) fairness: f64,
}

/// How long those waited who came one after another, and in which order they were served.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Service {
    /// Half of them waited so long at most, in the unit of what was given.
    pub(crate) waited_p50: u64,
    /// The longest.
    pub(crate) waited_max: u64,
    /// As [`LockCost::out_of_turn`].
    pub(crate) out_of_turn: f64,
    /// As [`LockCost::overtaken_max`].
    pub(crate) overtaken_max: u64,
    /// As [`LockCost::fairness`].
    pub(crate) fairness: f64,
}

/// How long purchases waited, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Waited {
    /// Half of them at most.
    pub(crate) p50: f64,
    /// The longest.
    pub(crate) max: f64,
}

/// The waits of all purchases and holds in `operations` that were answered, in the order in which they came.
pub(crate) fn waits(operations: &[Operation]) -> Vec<Wait> {
    let is_purchase = |one: &&Operation| {
        matches!(one.op, OperationKind::Buy | OperationKind::Hold)
            && matches!(one.outcome, Outcome::Sold | Outcome::Done | Outcome::SoldOut)
    };
    let wait = |one: &Operation| {
        let answered_ns = one.return_ns?;
        let read_ns = one.section.as_ref().map(|section| section.read_ns);
        Some(Wait {
            process: one.process,
            called_ns: one.call_ns,
            served_ns: read_ns.unwrap_or(answered_ns),
            answered_ns,
            is_told: read_ns.is_some(),
        })
    };
    let mut waits: Vec<Wait> = operations.iter().filter(is_purchase).filter_map(wait).collect();
    waits.sort_by_key(|wait| (wait.called_ns, wait.process));
    waits
}

/// What the lock cost those who waited, in the order in which they came; `None` where there are fewer than two.
pub(crate) fn cost(waits: &[Wait]) -> Option<LockCost> {
    let waited: Vec<u64> = waits.iter().map(Wait::waited_ns).collect();
    let served: Vec<u64> = waits.iter().map(|wait| wait.served_ns).collect();
    let service = service(&waited, &served)?;
    let answered_ns = waits.iter().map(|wait| wait.answered_ns).max()?;
    let elapsed_ns = answered_ns.saturating_sub(waits.first()?.called_ns).max(1);
    let count = waits.len() as u64;
    let us = |ns: u64| (ns as f64 / 100.0).round() / 10.0;
    Some(LockCost {
        purchases: count,
        waited_until: if waits.iter().all(|wait| wait.is_told) {
            Until::Turn
        } else {
            Until::Answer
        },
        waited_us: Waited { p50: us(service.waited_p50), max: us(service.waited_max) },
        purchases_rps: (count as f64 * 1e10 / elapsed_ns as f64).round() / 10.0,
        out_of_turn: service.out_of_turn,
        overtaken_max: service.overtaken_max,
        fairness: service.fairness,
    })
}

/// How those who came in this order were served: how long each `waited`, in whatever unit, and when each was
/// `served`; `None` where there are fewer than two.
pub(crate) fn service(waited: &[u64], served: &[u64]) -> Option<Service> {
    let count = served.len() as u64;
    if count < 2 {
        return None;
    }
    let (swapped, overtaken_max) = overtakings(served);
    let thousandths = |share: f64| (share * 1000.0).round() / 1000.0;
    let fairness = thousandths(jain(waited));
    let mut waited = waited.to_vec();
    waited.sort_unstable();
    Some(Service {
        waited_p50: waited[(waited.len() - 1) / 2],
        waited_max: *waited.last()?,
        out_of_turn: thousandths(swapped as f64 / (count * (count - 1) / 2) as f64),
        overtaken_max,
        fairness,
    })
}

/// Jain's index of fairness: the square of the sum over n times the sum of squares. 1 where all are alike, 1/n
/// where one has everything, and 3/4 where they grow evenly from nothing, as waits in a queue do. Jain, Chiu and
/// Hawe, A quantitative measure of fairness and discrimination for resource allocation in shared computer
/// systems, DEC research report TR-301, 1984: <https://arxiv.org/abs/cs/9809099>.
fn jain(values: &[u64]) -> f64 {
    let sum: f64 = values.iter().map(|value| *value as f64).sum();
    let squares: f64 = values.iter().map(|value| (*value as f64).powi(2)).sum();
    // Nobody waited: all are alike.
    if squares == 0.0 { 1.0 } else { sum * sum / (values.len() as f64 * squares) }
}

/// How many pairs of `served`, which stand in the order in which they came, were served the other way round, and
/// how many at most went ahead of one. Who is served at one time is in turn.
fn overtakings(served: &[u64]) -> (u64, u64) {
    let mut order: Vec<u64> = served.to_vec();
    order.sort_unstable();
    order.dedup();
    // A tree of counts (Fenwick 1994) over the times, filled from the last to come to the first.
    let mut counts = vec![0_u64; order.len() + 1];
    let (mut swapped, mut most) = (0, 0);
    for time in served.iter().rev() {
        let rank = order.partition_point(|other| other < time);
        let mut ahead = 0;
        let mut place = rank;
        while place > 0 {
            ahead += counts[place];
            place &= place - 1;
        }
        swapped += ahead;
        most = most.max(ahead);
        let mut place = rank + 1;
        while place < counts.len() {
            counts[place] += 1;
            place += place & place.wrapping_neg();
        }
    }
    (swapped, most)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::history::{Answer, CriticalSection};

    /// A purchase that was called, had its turn and was answered at these times, in milliseconds.
    fn purchase(process: u32, call: u64, turn: Option<u64>, answer: u64) -> Operation {
        let [call_ns, answer_ns] = [call, answer].map(|ms| ms * 1_000_000);
        let section = turn
            .map(|ms| CriticalSection { read_ns: ms * 1_000_000, write_ns: ms * 1_000_000 + 1 });
        let sold = Answer { section, ..Answer::new(Outcome::Sold) };
        Operation::buy(process, call_ns, answer_ns, sold)
    }

    /// As many as there are `turns`, which all came at once, in this order.
    fn queue(turns: impl IntoIterator<Item = u64>) -> LockCost {
        let purchase = |(process, turn)| purchase(process, 0, Some(turn), turn + 1);
        cost(&waits(&(0..).zip(turns).map(purchase).collect::<Vec<_>>())).unwrap()
    }

    #[test]
    fn a_queue_that_is_served_in_turn_has_three_quarters() {
        let cost = queue((0..1000).map(|place| place * 10));
        assert_eq!((cost.fairness, cost.out_of_turn, cost.overtaken_max), (0.75, 0.0, 0));
        assert_eq!(cost.waited_us, Waited { p50: 4_990_000.0, max: 9_990_000.0 });
        assert_eq!((cost.waited_until, cost.purchases_rps), (Until::Turn, 100.1));
    }

    #[test]
    fn who_waits_alike_is_treated_alike() {
        let cost = queue([30; 10]);
        assert_eq!((cost.fairness, cost.out_of_turn), (1.0, 0.0));
        assert_eq!(queue([0; 10]).fairness, 1.0);
    }

    #[test]
    fn who_waits_for_all_others_is_treated_unfairly() {
        let cost = queue([100, 0, 0, 0]);
        assert_eq!((cost.fairness, cost.out_of_turn, cost.overtaken_max), (0.25, 0.5, 3));
    }

    #[test]
    fn a_stack_serves_nobody_in_turn() {
        let cost = queue((0..100).rev());
        assert_eq!((cost.out_of_turn, cost.overtaken_max), (1.0, 99));
    }

    #[test]
    fn where_no_turn_is_told_the_answer_counts() {
        let operations = [purchase(0, 5, None, 25), purchase(1, 1, None, 11)];
        let waits = waits(&operations);
        assert_eq!(waits.iter().map(|wait| wait.process).collect::<Vec<_>>(), [1, 0]);
        let cost = cost(&waits).unwrap();
        assert_eq!(cost.waited_until, Until::Answer);
        assert_eq!(cost.waited_us, Waited { p50: 10_000.0, max: 20_000.0 });
    }

    #[test]
    fn what_was_not_answered_has_no_wait() {
        let unknown = Operation::buy(0, 1, 2, Answer::unknown("gone"));
        let search = Operation::search(1, 1, 2, Answer::new(Outcome::Found));
        let all = [unknown, search, purchase(2, 0, Some(1), 2)];
        assert_eq!(waits(&all).len(), 1);
        assert_eq!(cost(&waits(&all)), None);
    }

    proptest! {
        #[test]
        fn overtakings_are_those_of_counting_pairs(served in prop::collection::vec(0_u64..20, 0..40)) {
            let ahead = |place: usize| served[place + 1..].iter().filter(|later| **later < served[place]).count() as u64;
            let each: Vec<u64> = (0..served.len()).map(ahead).collect();
            let expected = (each.iter().sum(), each.iter().copied().max().unwrap_or(0));
            prop_assert_eq!(overtakings(&served), expected);
        }

        #[test]
        fn fairness_lies_between_one_nth_and_one_whatever_the_unit(
            values in prop::collection::vec(1_u64..1_000_000, 1..50),
            unit in 1_u64..1000,
        ) {
            let fairness = jain(&values);
            let scaled: Vec<u64> = values.iter().map(|value| value * unit).collect();
            prop_assert!(fairness <= 1.0 + 1e-9 && fairness >= 1.0 / values.len() as f64 - 1e-9);
            prop_assert!((fairness - jain(&scaled)).abs() < 1e-9);
        }
    }
}
