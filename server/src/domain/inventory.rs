//! The stock and the rules of selling it.

use crate::domain::{Change, Command, Order, Outcome, Record, Request, Stock, keys::Remembered};

/// The largest count, 2^53 − 1: the largest integer that every JSON reader keeps exact.
pub const COUNT_MAX: u64 = (1 << 53) - 1;

/// The whole truth about stock at one revision.
#[derive(Clone, Debug)]
pub struct Inventory {
    stock: Stock,
    at_ms: u64,
    keys: Remembered,
}

/// A record that does not follow from the inventory it is folded into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Inconsistent {
    /// The record's number is not the next one.
    #[error("revision `{found}` where `{expected}` is next")]
    Revision {
        /// The number in the record.
        found: u64,
        /// The number that is next.
        expected: u64,
    },
    /// The record leaves another count than its change explains.
    #[error(
        "revision `{revision}` leaves a count of `{found}` where its change leaves `{expected}`"
    )]
    Remaining {
        /// The record.
        revision: u64,
        /// The count in the record.
        found: u64,
        /// The count that the change gives.
        expected: u64,
    },
    /// The record takes more than is left, or lifts the count past the limit.
    #[error("revision `{revision}` changes the count by more than it can")]
    Impossible {
        /// The record.
        revision: u64,
    },
    /// The record gives out ticket numbers that are not the next ones.
    #[error("revision `{revision}` has ticket number `{found}` where `{expected}` is next")]
    Ticket {
        /// The record.
        revision: u64,
        /// The number in the record.
        found: u64,
        /// The number that is next.
        expected: u64,
    },
}

impl Inventory {
    /// An inventory that starts from `stock`, last changed at `at_ms`.
    pub fn new(stock: Stock, at_ms: u64) -> Self {
        Self { stock, at_ms, keys: Remembered::new([0; 16]) }
    }

    /// What stands on the counter.
    pub fn stock(&self) -> Stock {
        self.stock
    }

    /// When it last changed, in milliseconds since 1970 UTC; 0 before the first change.
    pub fn at_ms(&self) -> u64 {
        self.at_ms
    }

    /// The same, with a secret that keeps outsiders from making keys that collide.
    #[must_use]
    pub fn with_secret(mut self, secret: [u8; 16]) -> Self {
        self.keys = Remembered::new(secret);
        self
    }

    /// Answers `request` at the time `now_ms`, and gives the record of what it changed.
    ///
    /// The time of a record is never before the time of the one ahead of it,
    /// whatever the clock does.
    pub fn apply(&mut self, request: &Request, now_ms: u64) -> (Outcome, Option<Record>) {
        let seen = request.key.as_deref().and_then(|key| self.keys.revision_of(key, now_ms));
        if let Some(revision) = seen {
            return (Outcome::Repeated { revision }, None);
        }
        let Stock { remaining, revision, .. } = self.stock;
        let (remaining, change) = match &request.command {
            Command::Search => return (Outcome::Found(self.stock), None),
            Command::Buy(order) => match self.sell(order) {
                Ok(sold) => sold,
                Err(Outcome::SoldOut { .. })
                    if request.key.is_some() && !self.is_numbered_out(0) =>
                {
                    let Order { quantity, buyer } = order.clone();
                    (remaining, Change::Refused { quantity, buyer })
                }
                Err(refused) => return (refused, None),
            },
            &Command::Restock { quantity } => {
                let more = remaining.saturating_add(quantity);
                if more > COUNT_MAX || self.is_numbered_out(0) {
                    return (Outcome::OverLimit { remaining }, None);
                }
                (more, Change::Restocked { quantity })
            }
        };
        let record = self.record(remaining, change, request.key.clone(), now_ms);
        let outcome = record.outcome().unwrap_or(Outcome::Repeated { revision });
        (outcome, Some(record))
    }

    /// What is left after `order` is sold, and the change; or why it is not.
    fn sell(&self, order: &Order) -> Result<(u64, Change), Outcome> {
        let Stock { remaining, sold, revision } = self.stock;
        let Order { quantity, buyer } = order.clone();
        let sold_out = Outcome::SoldOut { requested: quantity, remaining, revision };
        let left = remaining.checked_sub(quantity).ok_or(sold_out)?;
        if self.is_numbered_out(quantity) {
            return Err(Outcome::OverLimit { remaining });
        }
        Ok((left, Change::Sold { first_ticket: sold + 1, quantity, buyer }))
    }

    /// Takes over a count that somebody outside wrote, as a record of its own.
    ///
    /// `sold` is taken over only where it is more than this inventory knows, so
    /// that no ticket number is given out twice.
    pub fn adjust(&mut self, remaining: u64, sold: u64, now_ms: u64) -> Record {
        let sold = sold.max(self.stock.sold);
        self.record(remaining, Change::Adjusted { sold }, None, now_ms)
    }

    /// Takes one record of the past in: the only way in which an inventory changes.
    ///
    /// # Errors
    /// [`Inconsistent`] where the record does not follow; the inventory is unchanged then.
    pub fn fold(&mut self, record: &Record) -> Result<(), Inconsistent> {
        let revision = record.revision;
        if revision != self.stock.revision + 1 {
            let expected = self.stock.revision + 1;
            return Err(Inconsistent::Revision { found: revision, expected });
        }
        let Stock { remaining, sold, .. } = self.stock;
        let impossible = Inconsistent::Impossible { revision };
        let after = match record.change {
            Change::Sold { first_ticket, quantity, .. } => {
                if first_ticket != sold + 1 {
                    return Err(Inconsistent::Ticket {
                        revision,
                        found: first_ticket,
                        expected: sold + 1,
                    });
                }
                let left = remaining.checked_sub(quantity).ok_or(impossible)?;
                let sold =
                    sold.checked_add(quantity).filter(|n| *n <= COUNT_MAX).ok_or(impossible)?;
                Stock { remaining: left, sold, revision }
            }
            Change::Refused { .. } => Stock { remaining, sold, revision },
            Change::Restocked { quantity } => {
                let more = remaining.checked_add(quantity).ok_or(impossible)?;
                Stock { remaining: more, sold, revision }
            }
            Change::Adjusted { sold: now } if now < sold || now > COUNT_MAX => {
                return Err(impossible);
            }
            Change::Adjusted { sold } => Stock { remaining: record.remaining, sold, revision },
        };
        if after.remaining > COUNT_MAX || record.at_ms > COUNT_MAX {
            return Err(impossible);
        }
        if after.remaining != record.remaining {
            let (found, expected) = (record.remaining, after.remaining);
            return Err(Inconsistent::Remaining { revision, found, expected });
        }
        self.stock = after;
        self.at_ms = self.at_ms.max(record.at_ms);
        if let Some(key) = &record.key {
            self.keys.note(key, revision, self.at_ms);
        }
        Ok(())
    }

    /// Whether selling `quantity` more would need a number past the limit.
    fn is_numbered_out(&self, quantity: u64) -> bool {
        self.stock.revision >= COUNT_MAX || self.stock.sold.saturating_add(quantity) > COUNT_MAX
    }

    fn record(
        &mut self,
        remaining: u64,
        change: Change,
        key: Option<Box<str>>,
        now_ms: u64,
    ) -> Record {
        let at_ms = now_ms.max(self.at_ms).min(COUNT_MAX);
        let record = Record { revision: self.stock.revision + 1, at_ms, remaining, change, key };
        if let Err(fault) = self.fold(&record) {
            // A rule of this file contradicts itself; selling on would sell wrongly.
            panic!("the record just made does not follow: {fault}");
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Sale;

    fn counter(remaining: u64) -> Inventory {
        Inventory::new(Stock { remaining, sold: 0, revision: 0 }, 0)
    }

    fn buy(quantity: u64) -> Request {
        Command::Buy(Order { quantity, buyer: None }).into()
    }

    fn with_key(key: &str, request: Request) -> Request {
        Request { key: Some(key.into()), ..request }
    }

    #[test]
    fn the_last_ticket_is_sold_once() {
        let mut inventory = counter(1);
        let (first, record) = inventory.apply(&buy(1), 5);
        let sale = Sale { first_ticket: 1, quantity: 1, remaining: 0, revision: 1 };
        assert_eq!(first, Outcome::Sold(sale));
        assert!(record.is_some());
        let (second, record) = inventory.apply(&buy(1), 6);
        assert_eq!(second, Outcome::SoldOut { requested: 1, remaining: 0, revision: 1 });
        assert_eq!(record, None);
    }

    #[test]
    fn an_order_is_sold_whole_or_not_at_all() {
        let mut inventory = counter(3);
        assert!(matches!(inventory.apply(&buy(4), 0).0, Outcome::SoldOut { .. }));
        assert_eq!(inventory.stock(), counter(3).stock());
    }

    #[test]
    fn numbers_past_the_limit_are_refused_and_nothing_changes() {
        for (sold, revision) in [(COUNT_MAX, 0), (0, COUNT_MAX)] {
            let start = Inventory::new(Stock { remaining: 5, sold, revision }, 0);
            let mut inventory = start.clone();
            assert_eq!(inventory.apply(&buy(1), 0), (Outcome::OverLimit { remaining: 5 }, None));
            assert_eq!(inventory.stock(), start.stock());
        }
    }

    #[test]
    fn time_never_runs_backwards_in_the_records() {
        let mut inventory = counter(3);
        let first = inventory.apply(&buy(1), 1_000).1.unwrap();
        let second = inventory.apply(&buy(1), 10).1.unwrap();
        assert_eq!((first.at_ms, second.at_ms), (1_000, 1_000));
    }

    #[test]
    fn an_adjustment_never_gives_a_ticket_number_back() {
        let mut inventory = counter(3);
        inventory.apply(&buy(2), 0);
        inventory.adjust(9, 0, 0);
        assert_eq!(inventory.stock(), Stock { remaining: 9, sold: 2, revision: 2 });
        inventory.adjust(8, 5, 0);
        let (outcome, _) = inventory.apply(&buy(1), 0);
        assert!(matches!(outcome, Outcome::Sold(Sale { first_ticket: 6, .. })));
    }

    #[test]
    fn a_clock_past_all_limits_stops_no_sale_and_breaks_no_sum() {
        let mut inventory = counter(3);
        let (_, record) = inventory.apply(&with_key("k", buy(1)), u64::MAX);
        assert_eq!(record.as_ref().map(|record| record.at_ms), Some(COUNT_MAX));
        let record = Record { at_ms: u64::MAX, ..record.unwrap() };
        assert!(counter(3).fold(&record).is_err());
    }

    #[test]
    fn a_record_that_does_not_follow_is_refused() {
        let sold = |revision, first_ticket, quantity, remaining| Record {
            revision,
            at_ms: 0,
            remaining,
            change: Change::Sold { first_ticket, quantity, buyer: None },
            key: None,
        };
        let cases = [
            (sold(2, 1, 1, 9), Inconsistent::Revision { found: 2, expected: 1 }),
            (sold(1, 2, 1, 9), Inconsistent::Ticket { revision: 1, found: 2, expected: 1 }),
            (sold(1, 1, 11, 0), Inconsistent::Impossible { revision: 1 }),
            (sold(1, 1, 1, 8), Inconsistent::Remaining { revision: 1, found: 8, expected: 9 }),
        ];
        for (record, fault) in cases {
            let mut inventory = counter(10);
            assert_eq!(inventory.fold(&record), Err(fault));
            assert_eq!(inventory.stock(), counter(10).stock());
        }
    }

    #[test]
    fn a_key_that_was_seen_changes_nothing() {
        let mut inventory = counter(1);
        let (first, _) = inventory.apply(&with_key("k", buy(1)), 0);
        assert!(matches!(first, Outcome::Sold(_)));
        let again = inventory.apply(&with_key("k", buy(1)), 9);
        assert_eq!(again, (Outcome::Repeated { revision: 1 }, None));
        let (refused, record) = inventory.apply(&with_key("l", buy(1)), 9);
        assert_eq!(refused, Outcome::SoldOut { requested: 1, remaining: 0, revision: 2 });
        inventory.apply(&Command::Restock { quantity: 5 }.into(), 9);
        let again = inventory.apply(&with_key("l", buy(1)), 9).0;
        assert_eq!(again, Outcome::Repeated { revision: 2 });
        assert_eq!(record.unwrap().outcome(), Some(refused));
    }

    fn any_request() -> impl Strategy<Value = Request> {
        let command = prop_oneof![
            4 => (1..12_u64).prop_map(|quantity| buy(quantity).command),
            1 => (1..9_u64).prop_map(|quantity| Command::Restock { quantity }),
            1 => Just(Command::Restock { quantity: COUNT_MAX }),
            1 => Just(Command::Search),
        ];
        let key = prop::option::of("[a-f]".prop_map(Box::from));
        (command, key).prop_map(|(command, key)| Request { command, key })
    }

    proptest! {
        #[test]
        fn folding_the_records_gives_the_same_inventory(
            start in 0..40_u64,
            commands in prop::collection::vec((any_request(), 0..9_u64), 0..60),
        ) {
            let mut sold_on = counter(start);
            let records: Vec<_> = commands
                .iter()
                .filter_map(|(command, now_ms)| sold_on.apply(command, *now_ms).1)
                .collect();
            let mut folded = counter(start);
            for record in &records {
                folded.fold(record).unwrap();
            }
            prop_assert_eq!(folded.stock(), sold_on.stock());
            prop_assert_eq!(folded.keys.len(), sold_on.keys.len());
        }

        #[test]
        fn what_was_there_is_sold_or_left(
            start in 0..40_u64,
            orders in prop::collection::vec(1..12_u64, 0..60),
        ) {
            let mut inventory = counter(start);
            let mut tickets = Vec::new();
            for quantity in orders {
                if let (Outcome::Sold(sale), _) = inventory.apply(&buy(quantity), 0) {
                    tickets.extend(sale.first_ticket..sale.first_ticket + sale.quantity);
                }
            }
            let sold = tickets.len() as u64;
            prop_assert_eq!(start, sold + inventory.stock().remaining);
            prop_assert_eq!(tickets, (1..=sold).collect::<Vec<_>>());
        }
    }
}
