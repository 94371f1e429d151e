//! What can be counted in a history of purchases.

use super::{
    evidence::Evidence,
    request::{Known, Requests, Trusted},
    tickets::Given,
    told::quantity,
};
use crate::history::{Operation, OperationKind, Outcome};

/// What can be counted in a history of purchases; several under one key count once where they sold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Tickets that a buyer was told are sold, those that came back later among them.
    pub sold: u64,
    /// Purchases that were answered "sold out".
    pub sold_out: u64,
    /// Purchases that failed and did not happen.
    pub errors: u64,
    /// Purchases that may have happened.
    pub unknown: u64,
    /// How many more were sold, and did not come back, than there were.
    pub oversold: u64,
    /// How many more were sold than the count fell by.
    pub lost_updates: u64,
    /// Sold tickets whose number was sold before.
    pub duplicate_tickets: u64,
}

impl Counts {
    /// Lost updates that a count shows: one that stands at 0 could not have fallen any lower.
    #[must_use]
    pub fn shown_lost_updates(&self, left: Option<i64>) -> u64 {
        let is_shown = left.is_some_and(|left| left > 0);
        if is_shown { self.lost_updates } else { 0 }
    }
}

/// Counts the purchases of `evidence`.
#[must_use]
pub fn count(evidence: &Evidence<'_>) -> Counts {
    let requests = Requests::collect(evidence, Known::of(evidence.header), Trusted::ALL);
    let mut counts = Counts::default();
    let mut refunded: u64 = 0;
    for request in requests.list.iter().filter(|one| !one.is_lapse) {
        let Some(one) = evidence.operations.get(request.place as usize) else { continue };
        let tickets = quantity(one).unwrap_or(1);
        match (one.op, one.outcome) {
            (OperationKind::Buy | OperationKind::Confirm, Outcome::Sold) => {
                counts.sold = counts.sold.saturating_add(tickets);
            }
            (OperationKind::Refund, Outcome::Done) => refunded = refunded.saturating_add(tickets),
            (OperationKind::Buy | OperationKind::Hold, Outcome::SoldOut) => counts.sold_out += 1,
            (op, Outcome::Unknown) if is_purchase(op) => counts.unknown += 1,
            _ => {}
        }
    }
    counts.errors = evidence.operations.iter().filter(|one| is_error(one)).count() as u64;
    let Some(initial) = requests.known.initial else {
        return counts;
    };
    let sold = counts.sold.saturating_sub(refunded);
    counts.oversold = sold.saturating_sub(initial);
    counts.lost_updates = requests.known.left.map_or(0, |left| lost_updates(initial, sold, left));
    counts.duplicate_tickets = Given::of(&requests).again;
    counts
}

fn is_purchase(op: OperationKind) -> bool {
    matches!(op, OperationKind::Buy | OperationKind::Hold | OperationKind::Confirm)
}

fn is_error(operation: &Operation) -> bool {
    match operation.outcome {
        Outcome::Refused | Outcome::Found => is_purchase(operation.op),
        Outcome::Done => operation.op == OperationKind::Buy,
        Outcome::Sold | Outcome::SoldOut | Outcome::Unknown => false,
    }
}

/// `sold − (initial − left)` where positive; `left` may be more than `initial`.
fn lost_updates(initial: u64, sold: u64, left: u64) -> u64 {
    sold.saturating_add(left).saturating_sub(initial)
}
