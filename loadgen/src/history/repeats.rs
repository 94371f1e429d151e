//! Operations that a history holds twice. Pure.

use std::collections::{HashMap, HashSet};

use super::Operation;

/// An operation that repeats an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repeat {
    /// Its place.
    pub(super) place: usize,
    /// The place of the earlier one.
    pub(super) of: usize,
    /// Whether both say the same; else one process called twice at one time.
    pub(super) is_same: bool,
}

/// Finds the repeats, sorted by their place.
pub(super) fn repeats(operations: &[Operation]) -> Vec<Repeat> {
    if each_process_goes_on(operations) { Vec::new() } else { search(operations) }
}

/// Whether each process calls later each time, as it does in almost every history: then nothing is
/// there twice, and a pass without a sort has shown it.
fn each_process_goes_on(operations: &[Operation]) -> bool {
    /// Processes below this have a place of their own instead of a hash.
    const NUMBERED_MAX: usize = 1 << 16;

    // The call of each process that was last, plus one; 0 where there was none.
    let mut numbered = vec![0_u64; NUMBERED_MAX];
    let mut others: HashMap<u32, u64> = HashMap::new();
    operations.iter().all(|operation| {
        let last = match numbered.get_mut(operation.process as usize) {
            Some(last) => last,
            None => others.entry(operation.process).or_default(),
        };
        let next = operation.call_ns.saturating_add(1);
        std::mem::replace(last, next) < next
    })
}

fn search(operations: &[Operation]) -> Vec<Repeat> {
    let mut places: Vec<usize> = (0..operations.len()).collect();
    places.sort_by_key(|place| (operations[*place].process, operations[*place].call_ns));
    let mut repeats = Vec::new();
    let called = |place: &usize| (operations[*place].process, operations[*place].call_ns);
    for group in places.chunk_by(|a, b| called(a) == called(b)) {
        // The sort is stable: the first in the file stands first.
        let of = group[0];
        // IMPORTANT: by hash and not one by one: a clock that stands still makes one group of a whole process.
        let mut seen = HashSet::from([&operations[of]]);
        for &place in &group[1..] {
            let is_same = !seen.insert(&operations[place]);
            let ended_at_once =
                |place: usize| operations[place].return_ns == Some(operations[place].call_ns);
            // Calls that took no time can follow each other at one time.
            if is_same || !(ended_at_once(of) || ended_at_once(place)) {
                repeats.push(Repeat { place, of, is_same });
            }
        }
    }
    repeats.sort_unstable_by_key(|repeat| repeat.place);
    repeats
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Answer, Outcome, Tickets};

    fn sale(process: u32, call_ns: u64, return_ns: u64, ticket: u64) -> Operation {
        let answer = Answer { tickets: Tickets::one(ticket), ..Answer::new(Outcome::Sold) };
        Operation::buy(process, call_ns, return_ns, answer)
    }

    #[test]
    fn the_same_operation_twice_is_found() {
        let repeated = [sale(1, 5, 9, 1), sale(2, 5, 9, 2), sale(1, 3, 4, 3), sale(1, 5, 9, 1)];
        assert_eq!(repeats(&repeated), [Repeat { place: 3, of: 0, is_same: true }]);
        assert_eq!(repeats(&repeated[..3]), []);
    }

    #[test]
    fn two_calls_at_one_time_are_found() {
        let twice = [sale(70_000, 5, 9, 1), sale(70_000, 5, 8, 2)];
        assert_eq!(repeats(&twice), [Repeat { place: 1, of: 0, is_same: false }]);
    }

    #[test]
    fn each_is_the_same_as_any_earlier_one() {
        let calls = [sale(1, 5, 5, 1), sale(1, 5, 5, 2), sale(1, 5, 5, 3)];
        let again = [&calls[..], &[calls[2].clone(), calls[1].clone()]].concat();
        let repeat = |place| Repeat { place, of: 0, is_same: true };
        assert_eq!(repeats(&again), [repeat(3), repeat(4)]);
        assert_eq!(repeats(&calls), []);
    }

    #[test]
    fn calls_that_took_no_time_may_follow_each_other() {
        assert_eq!(repeats(&[sale(1, 5, 5, 1), sale(1, 5, 6, 2)]), []);
        assert_eq!(repeats(&[sale(1, u64::MAX, u64::MAX, 1), sale(2, 0, 1, 2)]), []);
    }
}
