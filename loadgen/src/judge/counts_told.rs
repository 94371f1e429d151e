//! Counts that nobody can have read, at whatever time: below zero, or lower than all sales explain.

use super::{
    evidence::Evidence,
    put_aside::{refused, sum_up_to, sums},
    request::{Requests, Role},
    story::{self, were},
    told::counted,
    verdict::{Violation, ViolationKind},
};
use crate::history::Operation;

/// A count below zero: tickets were sold that were not there.
pub(super) fn below_zero(evidence: &Evidence<'_>) -> Option<Violation> {
    let header = evidence.header;
    let is_below = |count: &i64| *count < 0;
    let told = |one: &Operation| one.remaining.filter(is_below);
    let operations = evidence.operations;
    let lowest = operations.iter().enumerate().filter_map(|(place, one)| Some((told(one)?, place)));
    let (message, place) = if let Some(initial) = header.initial.filter(is_below) {
        (format!("less than nothing was left at the start: {initial}"), None)
    } else if let Some((count, place)) =
        lowest.max_by_key(|(count, place)| (*count, std::cmp::Reverse(*place)))
    {
        (format!("less than nothing was left: a count of {count} was told"), Some(place))
    } else {
        let left = header.left.filter(is_below)?;
        (format!("less than nothing was left at the end: {left}"), None)
    };
    Some(Violation {
        kind: ViolationKind::Oversell,
        message,
        operations: place.into_iter().collect(),
        story: vec!["A count below zero means that more was sold than there was.".to_owned()],
        needs_whole: false,
    })
}

/// A count that is lower than it can ever have been by then, with every sale so far in it.
///
/// A count that is higher may have been read before, or kept.
pub(super) fn impossible(requests: &Requests<'_>) -> Option<Violation> {
    let initial = requests.known.initial.filter(|_| requests.is_sales_only)?;
    let sales = requests
        .list
        .iter()
        .filter(|one| matches!(one.role, Role::Change | Role::Unknown))
        .map(|one| (one.call, requests.told(one).quantity.unwrap_or(0)));
    let aside = refused(requests.evidence.operations);
    let taken = sums(sales.chain(aside.iter().map(|one| (one.call_ns, one.tickets))));
    let most_by = |at: u64| u64::try_from(sum_up_to(&taken, |call| call <= at)).unwrap_or(u64::MAX);
    let odd = |(place, one): (usize, &Operation)| {
        let (told, ret) = (counted(one)?, one.return_ns?);
        let lowest = initial.saturating_sub(most_by(ret));
        (told < lowest).then_some((place, told, lowest))
    };
    let found = requests.evidence.operations.iter().enumerate().filter_map(odd);
    let count = found.clone().count();
    let (place, told, lowest) = found.min_by_key(|(_, told, lowest)| (*told, *lowest))?;
    let message = match count {
        1 => format!("a count of {told} was told where {lowest} must have been left"),
        _ => format!(
            "{count} counts were lower than can be, as {told} where {lowest} must have been left"
        ),
    };
    Some(Violation {
        kind: ViolationKind::ImpossibleCount,
        message,
        operations: vec![place],
        story: vec![format!(
            "Of {} no more than {} can have been sold by then, so {} at least; no count that is late \
             can be lower.",
            story::count(initial, "ticket"),
            initial - lowest,
            were(lowest, "left")
        )],
        needs_whole: true,
    })
}
