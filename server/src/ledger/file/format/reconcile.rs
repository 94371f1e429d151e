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

/// What is known of the ledger where a head of somebody else's is found.
#[derive(Clone, Debug)]
pub struct Known {
    /// The stock where the ledger ends.
    pub now: Stock,
    /// Up to which revision the head is known to have been written.
    pub published: u64,
    /// Whether that was written since the machine started.
    pub is_same_boot: bool,
    /// The stocks that the writer of the head can have read.
    pub seen: Vec<Stock>,
    /// Each adjustment behind the first of `seen` and behind `published`: the stock before and after.
    ///
    /// A turn can end between its sync and its head, or a power cut take the
    /// head back: then the ledger has adopted what still stands in `db.txt`.
    pub adopted: Vec<(Stock, Stock)>,
}

/// What `head`, which is not as this program left it, changes.
pub fn taken_over(head: &Head, known: &Known) -> Option<OutsideChange> {
    let first = *known.seen.first()?;
    let has_revision = head.revision.is_some();
    let is_current = known.is_same_boot && first.revision >= known.published;
    if has_revision && !is_current && outside_change(head, first, known.now).is_none() {
        // An image of our own that a power cut or an editor brought back.
        return None;
    }
    let readings = known.seen.iter().flat_map(|stock| with_adopted(*stock, &known.adopted));
    if has_revision && is_current {
        // Nobody wrote the head since, so all that was adopted is still in its text.
        return readings.last().and_then(|seen| outside_change(head, seen, known.now));
    }
    most_careful_change(head, readings, known.now)
}

/// What the writer of a text can have read who saw `seen`: the text counts as
/// read later where adjustments behind `seen` have adopted what it says.
fn with_adopted(seen: Stock, adopted: &[(Stock, Stock)]) -> Vec<Stock> {
    let mut readings = vec![seen];
    let mut last = seen;
    for (before, after) in adopted.iter().filter(|(_, after)| after.revision > seen.revision) {
        let moved = |from: u64, to: u64, stock: u64| (stock + to).saturating_sub(from);
        last.remaining = moved(before.remaining, after.remaining, last.remaining);
        last.issued = moved(before.issued, after.issued, last.issued);
        readings.push(last);
    }
    readings
}

/// What `head` changes against `seen`, the stock that its writer had read, carried over to `now`.
///
/// `None` where it says the same as `seen`. A result below zero is zero: what
/// was acknowledged stays sold.
fn outside_change(head: &Head, seen: Stock, now: Stock) -> Option<OutsideChange> {
    let sold_outside = head.sold.unwrap_or(0).saturating_sub(seen.issued);
    if head.count == seen.remaining && sold_outside == 0 {
        return None;
    }
    let remaining = (now.remaining + head.count).saturating_sub(seen.remaining).min(COUNT_MAX);
    let sold = now.issued.saturating_add(sold_outside).min(COUNT_MAX);
    Some(OutsideChange { remaining, sold })
}

/// The change that sells fewest, where it is not known which of `seen` the writer had read.
fn most_careful_change(
    head: &Head,
    seen: impl IntoIterator<Item = Stock>,
    now: Stock,
) -> Option<OutsideChange> {
    let unchanged = OutsideChange { remaining: now.remaining, sold: now.issued };
    let changes = seen.into_iter().map(|seen| outside_change(head, seen, now).unwrap_or(unchanged));
    changes.min_by_key(|change| change.remaining).filter(|change| *change != unchanged)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Stock = Stock::new(95, 5, 5);
    const NOW: Stock = Stock::new(93, 7, 7);

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
        let now = Stock::new(1, 99, 99);
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

    #[test]
    fn what_was_adopted_already_is_not_adopted_again() {
        // Somebody added 50 on top of revision 5; the ledger has that as revision 6.
        let now = Stock::new(145, 5, 6);
        let (seen, adopted) = (vec![SEEN], vec![(SEEN, now)]);
        let known = Known { now, published: 5, is_same_boot: true, seen, adopted };
        let text = Head { revision: Some(5), ..head(145, Some(5)) };
        assert_eq!(taken_over(&text, &known), None);
        let not_adopted = Known { now: SEEN, adopted: Vec::new(), ..known };
        let more = OutsideChange { remaining: 145, sold: 5 };
        assert_eq!(taken_over(&text, &not_adopted), Some(more));
    }

    #[test]
    fn an_older_image_of_our_own_changes_nothing() {
        let known = Known {
            now: NOW,
            published: 7,
            is_same_boot: true,
            seen: vec![SEEN],
            adopted: Vec::new(),
        };
        let older = Head { revision: Some(5), ..head(95, Some(5)) };
        assert_eq!(taken_over(&older, &known), None);
    }
}
