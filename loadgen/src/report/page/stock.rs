//! What was left over time: what the answers promised, and what the counter said.

use std::collections::HashSet;

use super::run::RunView;
use crate::history::{Operation, OperationKind, Outcome};

/// What was left over time. Times are nanoseconds since the run's first call.
#[derive(Clone, Debug, Default)]
pub(super) struct Stock {
    /// What was left after each answer that promised or gave back tickets, by time: the tickets at
    /// the start less all that buyers were told are theirs. Empty where nobody knows the start.
    pub(super) promised: Vec<(f64, i128)>,
    /// What answers said is left, by their times, with the operation that was answered.
    pub(super) told: Vec<(f64, i64, usize)>,
    /// Whether tickets were put aside by holds that do not say when they lapse: where one expired, they count
    /// as promised for ever.
    pub(super) has_holds: bool,
}

/// What was left over the time of `view`.
pub(super) fn stock(view: &RunView<'_>) -> Stock {
    let mut stock = Stock::default();
    let mut changes: Vec<(f64, i128)> = Vec::new();
    for (place, operation) in view.run.operations.iter().enumerate() {
        let Some(return_ns) = operation.return_ns else {
            continue;
        };
        let time = view.time(return_ns);
        let change = change(operation);
        if change != 0 {
            changes.push((time, change));
        }
        if let Some(remaining) = operation.remaining {
            stock.told.push((time, remaining, place));
        }
        stock.has_holds |= operation.op == OperationKind::Hold
            && operation.links.as_ref().is_none_or(|links| links.lapses_from_ns.is_none());
    }
    changes.extend(lapses(view));
    stock.told.sort_by(|one, other| one.0.total_cmp(&other.0));
    changes.sort_by(|one, other| one.0.total_cmp(&other.0));
    if let Some(initial) = view.run.header.initial {
        let mut left = i128::from(initial);
        stock.promised.push((0.0, left));
        for (time, change) in changes {
            left += change;
            stock.promised.push((time, left));
        }
    }
    stock
}

/// What came back of holds that nobody is known to have confirmed or released, at the first instant at which
/// that can have been.
fn lapses(view: &RunView<'_>) -> Vec<(f64, i128)> {
    let operations = view.run.operations;
    let has_happened = |one: &&Operation| matches!(one.outcome, Outcome::Done | Outcome::Sold);
    let ended: HashSet<&str> = operations
        .iter()
        .filter(has_happened)
        .filter(|one| matches!(one.op, OperationKind::Confirm | OperationKind::Release))
        .filter_map(Operation::hold)
        .collect();
    let holds = operations.iter().filter(has_happened).filter(|one| one.op == OperationKind::Hold);
    let lapse = |one: &Operation| {
        let from_ns = one.links.as_ref()?.lapses_from_ns?;
        let is_over = view.run.header.ended_ns.is_some_and(|ended_ns| ended_ns >= from_ns);
        // What lapsed after the last call stands at the end of the line.
        let time = view.time(from_ns);
        let is_there = time <= view.span() || is_over;
        let is_open = one.hold().is_some_and(|hold| !ended.contains(hold));
        (is_open && is_there).then(|| (time.min(view.span()), -change(one)))
    };
    holds.filter_map(lapse).collect()
}

/// By how much an answer changes what is left.
fn change(operation: &Operation) -> i128 {
    let quantity = operation.quantity.map(i128::from);
    let tickets = i128::try_from(operation.tickets.len()).unwrap_or(0);
    match (operation.op, operation.outcome) {
        (OperationKind::Buy, Outcome::Sold) => -quantity.unwrap_or(tickets.max(1)),
        (OperationKind::Hold, Outcome::Done | Outcome::Sold) => -quantity.unwrap_or(0),
        (
            OperationKind::Release | OperationKind::Refund | OperationKind::Restock,
            Outcome::Done,
        ) => quantity.unwrap_or(tickets),
        // Who confirms gets what was put aside before.
        _ => 0,
    }
}

impl Stock {
    /// The lowest that was promised.
    pub(super) fn lowest(&self) -> Option<i128> {
        self.promised.iter().map(|(_, left)| *left).min()
    }

    /// What was promised in the end.
    pub(super) fn last(&self) -> Option<i128> {
        self.promised.last().map(|(_, left)| *left)
    }
}

/// At most about `2 × slices` of `steps`, of each slice of time the lowest and the last: what a line
/// of that many pixels can show.
pub(super) fn thinned(steps: &[(f64, i128)], slices: u32, span: f64) -> Vec<(f64, i128)> {
    if steps.len() <= usize::try_from(slices).unwrap_or(usize::MAX) {
        return steps.to_vec();
    }
    let slice = |time: f64| (time / span * f64::from(slices)).floor();
    let mut kept: Vec<(f64, i128)> = Vec::new();
    for run in steps.chunk_by(|one, other| slice(one.0) == slice(other.0)) {
        let lowest = run.iter().enumerate().min_by_key(|(_, step)| step.1);
        let last = run.len() - 1;
        kept.extend(lowest.filter(|(place, _)| *place != last).map(|(_, step)| *step));
        kept.push(run[last]);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_lowest_and_the_last() {
        let steps: Vec<(f64, i128)> = (0..10_000)
            .map(|place| {
                (f64::from(place), if place == 4321 { -7 } else { 10_000 - i128::from(place) })
            })
            .collect();
        let kept = thinned(&steps, 100, 10_000.0);
        assert!(kept.len() <= 200, "{}", kept.len());
        assert!(kept.contains(&(4321.0, -7)));
        assert_eq!(kept.last(), steps.last());
        assert_eq!(thinned(&steps[..100], 100, 10_000.0), &steps[..100]);
    }
}
