//! What can be counted in a history of purchases.

use std::collections::BTreeMap;

use super::evidence::Evidence;
use crate::history::{Operation, OperationKind, Outcome};

/// What can be counted in a history of purchases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tickets that a buyer was told are sold.
    pub sold: u64,
    /// Purchases that were answered "sold out".
    pub sold_out: u64,
    /// Purchases that failed and did not happen.
    pub errors: u64,
    /// Purchases that may have happened.
    pub unknown: u64,
    /// How many more were sold than there were.
    pub oversold: u64,
    /// How many more were sold than the count fell by.
    pub lost_updates: u64,
    /// Sold tickets whose number was sold before.
    pub duplicate_tickets: u64,
}

/// Counts the purchases of `evidence`.
#[must_use]
pub fn count(evidence: &Evidence<'_>) -> Counts {
    let mut counts = Counts::default();
    for (_, buy) in purchases(evidence.operations) {
        match buy.outcome {
            Outcome::Sold => counts.sold += quantity(buy),
            Outcome::SoldOut => counts.sold_out += 1,
            Outcome::Unknown => counts.unknown += 1,
            Outcome::Refused | Outcome::Found | Outcome::Done => counts.errors += 1,
        }
    }
    let Some(initial) = evidence.header.initial else {
        return counts;
    };
    counts.oversold = counts.sold.saturating_sub(initial);
    counts.lost_updates =
        evidence.header.left.map_or(0, |left| lost_updates(initial, counts.sold, left));
    counts.duplicate_tickets =
        duplicates(evidence.operations).values().map(|holders| holders.len() as u64 - 1).sum();
    counts
}

pub(super) fn purchases(operations: &[Operation]) -> impl Iterator<Item = (usize, &Operation)> {
    operations.iter().enumerate().filter(|(_, operation)| operation.op == OperationKind::Buy)
}

/// Ticket numbers that were sold more than once, each with the places of its sales.
pub(super) fn duplicates(operations: &[Operation]) -> BTreeMap<u64, Vec<usize>> {
    let mut holders: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (place, buy) in purchases(operations) {
        if buy.outcome == Outcome::Sold {
            for ticket in buy.tickets.iter() {
                holders.entry(ticket).or_default().push(place);
            }
        }
    }
    holders.retain(|_, places| places.len() > 1);
    holders
}

pub(super) fn quantity(buy: &Operation) -> u64 {
    buy.quantity.unwrap_or(1)
}

/// `sold − (initial − left)` where positive; `left` may be more than `initial`.
fn lost_updates(initial: u64, sold: u64, left: u64) -> u64 {
    sold.saturating_add(left).saturating_sub(initial)
}
