//! Has somebody outside changed the count? The head held against the ledger.
//!
//! An outsider reads a count, changes it by so much, and writes it back. What
//! is to be taken over is the change; so it matters which count was read.
//!
//! Pure.

use crate::{
    domain::{COUNT_MAX, Stock},
    ledger::file::format::head::Head,
};

/// What an outsider left behind, carried over to the ledger's present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutsideChange {
    /// What is left now.
    pub remaining: u64,
    /// The ticket numbers given out by now.
    pub sold: u64,
}

/// What `head` changes against `seen`, the stock that its writer had read, carried over to `now`.
///
/// `None` where it says the same as `seen`. A result below zero is zero: what
/// was acknowledged stays sold.
pub fn outside_change(head: &Head, seen: Stock, now: Stock) -> Option<OutsideChange> {
    let sold_outside = head.sold.unwrap_or(0).saturating_sub(seen.sold);
    if head.count == seen.remaining && sold_outside == 0 {
        return None;
    }
    let remaining = (now.remaining + head.count).saturating_sub(seen.remaining).min(COUNT_MAX);
    let sold = now.sold.saturating_add(sold_outside).min(COUNT_MAX);
    Some(OutsideChange { remaining, sold })
}

/// The change that sells fewest, where it is not known which of `seen` the writer had read.
pub fn most_careful_change(
    head: &Head,
    seen: impl IntoIterator<Item = Stock>,
    now: Stock,
) -> Option<OutsideChange> {
    let unchanged = OutsideChange { remaining: now.remaining, sold: now.sold };
    let changes = seen.into_iter().map(|seen| outside_change(head, seen, now).unwrap_or(unchanged));
    changes.min_by_key(|change| change.remaining).filter(|change| *change != unchanged)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Stock = Stock { remaining: 95, sold: 5, revision: 5 };
    const NOW: Stock = Stock { remaining: 93, sold: 7, revision: 7 };

    fn head(count: u64, sold: Option<u64>) -> Head {
        Head { count, sold, ..Head::default() }
    }

    #[test]
    fn the_same_count_is_no_change() {
        assert_eq!(outside_change(&head(95, None), SEEN, NOW), None);
        assert_eq!(outside_change(&head(95, Some(5)), SEEN, NOW), None);
        assert_eq!(outside_change(&head(95, Some(2)), SEEN, NOW), None);
    }

    #[test]
    fn the_difference_is_carried_over_to_the_present() {
        let one_less = OutsideChange { remaining: 92, sold: 7 };
        assert_eq!(outside_change(&head(94, None), SEEN, NOW), Some(one_less));
        let one_sold = OutsideChange { remaining: 92, sold: 8 };
        assert_eq!(outside_change(&head(94, Some(6)), SEEN, NOW), Some(one_sold));
        let restock = OutsideChange { remaining: 103, sold: 7 };
        assert_eq!(outside_change(&head(105, Some(5)), SEEN, NOW), Some(restock));
    }

    #[test]
    fn what_was_acknowledged_stays_sold_and_nothing_falls_below_zero() {
        let now = Stock { remaining: 1, sold: 99, revision: 99 };
        let none_left = OutsideChange { remaining: 0, sold: 99 };
        assert_eq!(outside_change(&head(90, None), SEEN, now), Some(none_left));
    }

    #[test]
    fn of_two_readings_the_one_that_sells_fewer_counts() {
        let seen_either = [SEEN, NOW];
        let careful = OutsideChange { remaining: 91, sold: 7 };
        assert_eq!(most_careful_change(&head(93, None), seen_either, NOW), Some(careful));
        assert_eq!(most_careful_change(&head(93, None), [NOW], NOW), None);
    }
}
