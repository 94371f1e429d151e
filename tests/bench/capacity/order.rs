//! How far tickets are from the order in which they were sold. Pure.

/// What is out of order in a row of sales.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Order {
    /// By how many places a ticket's number is away from its place in the order of sales, at most.
    pub(super) furthest: u64,
    /// The share of the sales ahead of which a ticket of a higher number was sold.
    pub(super) late: f64,
}

impl Order {
    /// The order of `tickets`, whose numbers begin at 0, as they were sold.
    #[expect(clippy::cast_precision_loss, reason = "nobody sells 2^53 tickets here")]
    pub(super) fn of(tickets: impl IntoIterator<Item = u64>) -> Self {
        let (mut furthest, mut late, mut highest, mut sold) = (0, 0_u64, 0, 0_u64);
        for ticket in tickets {
            furthest = ticket.abs_diff(sold).max(furthest);
            late += u64::from(ticket < highest);
            highest = ticket.max(highest);
            sold += 1;
        }
        Self { furthest, late: late as f64 / sold.max(1) as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sold_in_turn_is_in_order() {
        assert_eq!(Order::of(0..100), Order { furthest: 0, late: 0.0 });
        assert_eq!(Order::of([]), Order { furthest: 0, late: 0.0 });
    }

    #[test]
    fn who_is_overtaken_is_late_and_who_overtakes_is_not() {
        assert_eq!(Order::of([3, 0, 1, 2]), Order { furthest: 3, late: 0.75 });
        assert_eq!(Order::of([0, 2, 1, 3]), Order { furthest: 1, late: 0.25 });
    }
}
