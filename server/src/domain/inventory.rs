//! The whole truth about stock: what is durable, folded record by record.

use crate::domain::{Inconsistent, Record, Stock, keys::Remembered};

/// The whole truth about stock at one revision.
#[derive(Clone, Debug)]
pub struct Inventory {
    stock: Stock,
    at_ms: u64,
    keys: Remembered,
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

    /// The revision of the record that has `key`, where it is remembered at the time `now_ms`.
    pub fn revision_of(&self, key: &str, now_ms: u64) -> Option<u64> {
        self.keys.revision_of(key, now_ms)
    }

    /// Takes in a durable record: the only way in which an inventory changes.
    ///
    /// # Errors
    /// [`Inconsistent`] where the record does not follow; the inventory is unchanged then.
    pub fn fold(&mut self, record: &Record) -> Result<(), Inconsistent> {
        self.stock = self.stock.after(record)?;
        self.at_ms = self.at_ms.max(record.at_ms);
        if let Some(key) = &record.key {
            self.keys.note(key, record.revision, self.at_ms);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{COUNT_MAX, Change, Clock, Command, Order, Outcome, Request, Sale, Trial};

    impl Inventory {
        /// Answers `request`, and folds what it changed at once.
        fn apply(&mut self, request: &Request, now_ms: u64) -> (Outcome, Option<Record>) {
            let at_ms = Clock::new(self.at_ms).told(now_ms);
            let (outcome, record) = Trial::of(self, at_ms).decide(self, request);
            if let Some(record) = &record {
                self.fold(record).unwrap();
            }
            (outcome, record)
        }

        fn adjust(&mut self, remaining: u64, sold: u64) {
            let record = Trial::of(self, self.at_ms).adjustment(remaining, sold);
            self.fold(&record).unwrap();
        }
    }

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
        inventory.adjust(9, 0);
        assert_eq!(inventory.stock(), Stock { remaining: 9, sold: 2, revision: 2 });
        inventory.adjust(8, 5);
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

        #[test]
        fn a_trial_answers_as_an_inventory_that_folds_each_record(
            start in 0..40_u64,
            commands in prop::collection::vec(any_request(), 0..60),
            settled in 0..60_usize,
        ) {
            let mut folding = counter(start);
            let mut below = counter(start);
            let mut trial = Trial::of(&below, 9);
            let mut records = Vec::new();
            for (index, request) in commands.iter().enumerate() {
                let (outcome, record) = trial.decide(&below, request);
                prop_assert_eq!(&(outcome, record.clone()), &folding.apply(request, 9));
                if let Some(record) = record {
                    trial.fold(&record);
                    records.push(record);
                }
                if index == settled {
                    // What is durable moves from the trial into the inventory.
                    for record in records.drain(..) {
                        below.fold(&record).unwrap();
                        trial.settle(&record);
                    }
                }
            }
            prop_assert_eq!(trial.stock(), folding.stock());
        }

        #[test]
        fn a_trial_that_is_dropped_has_changed_nothing(
            start in 0..40_u64,
            commands in prop::collection::vec(any_request(), 0..60),
        ) {
            let inventory = counter(start);
            let mut trial = Trial::of(&inventory, 0);
            for request in &commands {
                if let (_, Some(record)) = trial.decide(&inventory, request) {
                    trial.fold(&record);
                }
            }
            prop_assert_eq!(inventory.stock(), counter(start).stock());
            prop_assert_eq!(inventory.keys.len(), 0);
        }
    }
}
