//! What others can have had aside as somebody was told "sold out": a shop puts tickets aside for a purchase, asks the
//! bank, and gives them back where that says no, or nothing at all. Pure.
//!
//! When it gives them back is its own affair: with the answer, or as a basket runs out a while later. So a purchase that
//! came to nothing counts from its call on, and it is the number of tickets that bounds what it explains. Under one key
//! it is one purchase, however often it was sent. Whom the shop turned away had none. What is held is in the order as
//! that: who confirms it and is refused has it a while longer than it was held for, up to the answer.

use std::collections::HashMap;

use super::told::{identity, quantity};
use crate::history::{Operation, OperationKind, Outcome};

/// A purchase that came to nothing, as far as anybody here knows.
#[derive(Clone, Copy)]
pub(super) struct Aside {
    /// When it was called first.
    pub(super) call_ns: u64,
    /// When what it had was back, at the latest; `u64::MAX`: nobody knows.
    end_ns: u64,
    /// How many tickets it may have had: `u64::MAX` where nobody says.
    pub(super) tickets: u64,
}

impl Aside {
    /// Whether the tickets may be aside for ever, as far as anybody here knows.
    pub(super) fn has_no_end(&self) -> bool {
        self.end_ns == u64::MAX
    }
}

/// What others can have had aside for a while.
#[derive(Default)]
pub(super) struct PutAside {
    /// The calls in order, each with the tickets of all up to it.
    begun: Vec<(u64, u128)>,
    /// The ends in order, in the same way.
    ended: Vec<(u64, u128)>,
}

impl PutAside {
    /// By those of `operations` that came to nothing, as far as anybody here knows.
    pub(super) fn of(operations: &[Operation]) -> Self {
        let is_unknown = |one: &Operation| one.outcome == Outcome::Unknown;
        let all = asides(operations, |one| is_unknown(one) || is_refused(one));
        let begun = sums(all.iter().map(|one| (one.call_ns, one.tickets)));
        let ended = all.iter().filter(|one| !one.has_no_end());
        Self { begun, ended: sums(ended.map(|one| (one.end_ns, one.tickets))) }
    }

    /// How many tickets they can have had aside at some instant from `call` to `ret`.
    ///
    /// Whether those of unknown outcome bought them then is left open: whoever did counts for both, which explains more
    /// than there was.
    pub(super) fn during(&self, call: u64, ret: u64) -> u64 {
        let begun = sum_up_to(&self.begun, |at| at <= ret);
        let ended = sum_up_to(&self.ended, |at| at < call);
        u64::try_from(begun.saturating_sub(ended)).unwrap_or(u64::MAX)
    }

    /// Whether `operation` was told "sold out" while anybody may have had tickets aside.
    pub(super) fn may_explain(&self, operation: &Operation) -> bool {
        operation.outcome == Outcome::SoldOut
            && self.during(operation.call_ns, operation.return_ns.unwrap_or(u64::MAX)) > 0
    }
}

/// What may have been put aside for those of `operations` that were refused.
pub(super) fn refused(operations: &[Operation]) -> Vec<Aside> {
    asides(operations, is_refused)
}

/// What may have been put aside for those of `operations` that `count`.
fn asides(operations: &[Operation], count: impl Fn(&Operation) -> bool) -> Vec<Aside> {
    let held = operations.iter().filter(|one| one.op == OperationKind::Hold);
    let held: HashMap<&str, u64> =
        held.filter_map(|one| Some((one.hold()?, quantity(one)?))).collect();
    let mut asides = Vec::new();
    let mut named = HashMap::new();
    for operation in operations.iter().filter(|one| takes(one) && count(one)) {
        let of_hold = || held.get(operation.hold()?).copied();
        let is_over = operation.op == OperationKind::Confirm && is_refused(operation);
        let aside = Aside {
            call_ns: operation.call_ns,
            end_ns: operation.return_ns.filter(|_| is_over).unwrap_or(u64::MAX),
            tickets: quantity(operation).or_else(of_hold).unwrap_or(u64::MAX),
        };
        match identity(operation) {
            None => asides.push(aside),
            Some(name) => {
                let known = named.entry(name).or_insert(aside);
                *known = Aside {
                    call_ns: known.call_ns.min(aside.call_ns),
                    end_ns: known.end_ns.max(aside.end_ns),
                    tickets: known.tickets.max(aside.tickets),
                };
            }
        }
    }
    asides.extend(named.into_values());
    asides
}

/// Whether `operation` was refused, and tickets may have been put aside for it.
fn is_refused(operation: &Operation) -> bool {
    operation.outcome == Outcome::Refused && !operation.turned_away
}

fn takes(operation: &Operation) -> bool {
    matches!(operation.op, OperationKind::Buy | OperationKind::Hold | OperationKind::Confirm)
}

/// Instants in order, each with the tickets of all up to it.
pub(super) fn sums(tickets: impl Iterator<Item = (u64, u64)>) -> Vec<(u64, u128)> {
    let mut sums: Vec<(u64, u128)> =
        tickets.map(|(at, tickets)| (at, u128::from(tickets))).collect();
    sums.sort_unstable();
    let mut sum = 0;
    for (_, tickets) in &mut sums {
        sum += *tickets;
        *tickets = sum;
    }
    sums
}

/// The tickets of all whose instants are by then.
pub(super) fn sum_up_to(sums: &[(u64, u128)], is_by_then: impl Fn(u64) -> bool) -> u128 {
    let by_then = sums.partition_point(|(at, _)| is_by_then(*at));
    by_then.checked_sub(1).map_or(0, |last| sums[last].1)
}
