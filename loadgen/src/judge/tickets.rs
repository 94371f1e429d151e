//! Which ticket numbers were given out twice.

use super::request::{Requests, Role};
use crate::history::Operation;

/// A run of ticket numbers of one sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Numbered {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) place: u32,
}

/// All ticket numbers that were given out, in order.
pub(super) fn numbered(requests: &Requests<'_>) -> Vec<Numbered> {
    let mut numbered = Vec::new();
    for request in requests.list.iter().filter(|one| one.role == Role::Change) {
        let place = request.place;
        let told = requests.told(request);
        // A refund may name the tickets that come back.
        if !told.op.numbers_tickets() {
            continue;
        }
        let tickets = told.tickets;
        match tickets.run() {
            Some((first, last)) => numbered.push(Numbered { first, last, place }),
            None => numbered.extend(tickets.iter().map(|number| Numbered {
                first: number,
                last: number,
                place,
            })),
        }
    }
    numbered.sort_unstable();
    numbered
}

/// Whether some number of `numbered` is there twice.
pub(super) fn some_twice(numbered: &[Numbered]) -> bool {
    // Where any two runs overlap, two neighbours do.
    numbered.windows(2).any(|pair| pair[1].first <= pair[0].last)
}

/// How many numbers of `numbered` were given out before, each as often as it was given out again.
pub(super) fn sold_again(numbered: &[Numbered]) -> u64 {
    let mut again: u64 = 0;
    let mut next = 0;
    for run in numbered {
        let seen = next.min(run.last.saturating_add(1)).saturating_sub(run.first);
        again = again.saturating_add(seen);
        next = next.max(run.last.saturating_add(1));
    }
    again
}

/// Two sales with one number, the number in `first`: of the lowest such number the two that lie
/// furthest apart in time.
pub(super) fn clearest_pair(
    operations: &[Operation],
    numbered: &[Numbered],
) -> Option<[Numbered; 2]> {
    let pair = numbered.windows(2).find(|pair| pair[1].first <= pair[0].last)?;
    let number = pair[1].first;
    let holders = || {
        numbered
            .iter()
            .take_while(|run| run.first <= number)
            .filter(|run| run.last >= number)
            .map(|run| Numbered { first: number, last: number, place: run.place })
    };
    let operation = |run: &Numbered| &operations[run.place as usize];
    let early = holders().min_by_key(|run| operation(run).return_ns)?;
    let late = holders()
        .filter(|run| run.place != early.place)
        .max_by_key(|run| operation(run).call_ns)
        .or_else(|| holders().find(|run| run.place == early.place))?;
    Some([early, late])
}
