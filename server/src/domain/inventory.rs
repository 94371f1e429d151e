//! The whole truth about stock: what is durable, folded record by record.

use crate::domain::{
    COUNT_MAX, Change, Inconsistent, OpenHold, Record, SaleStatus, Stock,
    ended_sales::EndedSales,
    holds::{Due, Holds},
    keys::{Hash, Hasher, Remembered, SeenName},
};

/// The whole truth about stock at one revision.
#[derive(Clone, Debug)]
pub struct Inventory {
    stock: Stock,
    at_ms: u64,
    names: Remembered,
    holds: Holds,
    /// What became of the sales that were refunded or admitted, by their revisions.
    sales: EndedSales,
    /// The lives of the ledger behind its first, with the revisions that they began with.
    epochs: Vec<(u64, u64)>,
    /// How many holds have lapsed in what was folded.
    lapsed: u64,
}

/// What an inventory keeps of the past, in figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// How many requests are known again.
    pub names: usize,
    /// How many were forgotten before their time, since there were too many.
    pub names_forgotten_early: u64,
    /// How many holds are open.
    pub holds: usize,
    /// How many sales were refunded or admitted.
    pub sales: usize,
    /// How many holds have lapsed in what was folded since the start.
    pub lapsed: u64,
}

impl Inventory {
    /// An inventory that starts from `stock`, last changed at `at_ms`.
    pub fn new(stock: Stock, at_ms: u64) -> Self {
        Self {
            stock,
            at_ms,
            names: Remembered::new([0; 16], usize::MAX),
            holds: Holds::default(),
            sales: EndedSales::new(),
            epochs: Vec::new(),
            lapsed: 0,
        }
    }

    /// What stands on the counter.
    pub fn stock(&self) -> Stock {
        self.stock
    }

    /// When it last changed, in milliseconds since 1970 UTC; 0 before the first change.
    pub fn at_ms(&self) -> u64 {
        self.at_ms
    }

    /// The same, knowing again `names_max` requests at most, by names that nobody without the `secret` can
    /// make collide.
    #[must_use]
    pub fn with_names(mut self, secret: [u8; 16], names_max: usize) -> Self {
        self.names = Remembered::new(secret, names_max);
        self
    }

    pub(super) fn hasher(&self) -> Hasher {
        self.names.hasher()
    }

    /// The revision of the record whose name has this `hash`, where it is remembered at the time `now_ms`.
    pub(super) fn revision_of(&self, hash: Hash, now_ms: u64) -> Option<u64> {
        self.names.revision_of(hash, now_ms)
    }

    /// The hold that was made at `revision`, where it is open.
    pub fn hold(&self, revision: u64) -> Option<&OpenHold> {
        self.holds.get(revision)
    }

    /// The open holds, by their revisions.
    pub fn holds(&self) -> impl Iterator<Item = (u64, &OpenHold)> {
        self.holds.iter()
    }

    /// The requests that are known again, the oldest first.
    pub fn names(&self) -> impl Iterator<Item = SeenName> {
        self.names.iter()
    }

    /// The sales that were refunded or admitted, by their revisions.
    pub fn sales(&self) -> impl Iterator<Item = (u64, SaleStatus)> {
        self.sales.iter()
    }

    /// Takes in what was kept of requests, in the order of [`Inventory::names`] and in any blocks.
    ///
    /// # Errors
    /// The first error of `blocks`.
    pub fn restore_names<E>(
        &mut self,
        blocks: impl IntoIterator<Item = Result<Vec<SeenName>, E>>,
    ) -> Result<(), E> {
        self.names.restore(blocks)
    }

    /// Takes in what was kept of the open hold made at `revision`.
    pub fn restore_hold(&mut self, revision: u64, hold: OpenHold) {
        self.holds.insert(revision, hold);
    }

    /// Takes in what was kept of the sale at `revision`.
    pub fn restore_sale(&mut self, revision: u64, status: SaleStatus) {
        self.sales.insert(revision, status);
    }

    /// Takes in that a life of the ledger began with `revision`.
    pub fn restore_epoch(&mut self, revision: u64, epoch: u64) {
        self.epochs.push((revision, epoch));
    }

    /// What became of the sale at `revision`.
    pub fn status(&self, revision: u64) -> SaleStatus {
        self.sales.get(revision).unwrap_or(SaleStatus::Sold)
    }

    /// In which life of the ledger the record at `revision` was written.
    pub fn epoch_at(&self, revision: u64) -> u64 {
        let behind = self.epochs.partition_point(|(first, _)| *first <= revision);
        self.epochs[..behind].last().map_or(0, |(_, epoch)| *epoch)
    }

    /// The lives of the ledger behind its first, each with the revision that it began with.
    pub fn epochs(&self) -> &[(u64, u64)] {
        &self.epochs
    }

    /// When the next hold is over, in milliseconds since 1970 UTC; `None` where none is open, or nothing can
    /// be recorded any more.
    pub fn due_at_ms(&self) -> Option<u64> {
        let (at_ms, _) = self.first_due(None)?;
        (self.stock.revision < COUNT_MAX).then_some(at_ms)
    }

    pub(super) fn first_due(&self, passed: Option<Due>) -> Option<Due> {
        self.holds.first_due(passed)
    }

    /// What is kept of the past.
    pub fn memory(&self) -> Memory {
        Memory {
            names: self.names.len(),
            names_forgotten_early: self.names.forgotten_early(),
            holds: self.holds.len(),
            sales: self.sales.len(),
            lapsed: self.lapsed,
        }
    }

    /// Takes in a durable record: the only way in which an inventory changes.
    ///
    /// # Errors
    /// [`Inconsistent`] where the record does not follow; the inventory is unchanged then.
    pub fn fold(&mut self, record: &Record) -> Result<(), Inconsistent> {
        self.check(record)?;
        // Whatever can fail comes first.
        self.stock.fold(record)?;
        self.at_ms = self.at_ms.max(record.at_ms);
        if let Some(name) = record.name() {
            let hash = self.names.hasher().hash(name);
            self.names.note(hash, record.revision, self.at_ms);
        }
        if let Some((revision, hold)) = record.opened_hold() {
            self.holds.insert(revision, hold);
        }
        if let Some((hold, _)) = record.ended_hold() {
            self.holds.remove(hold);
        }
        if let Some((sale, status)) = record.ended_sale() {
            self.sales.insert(sale, status);
        }
        match record.change {
            Change::Restored { epoch, .. } => self.epochs.push((record.revision, epoch)),
            Change::Lapsed { .. } => self.lapsed += 1,
            _ => {}
        }
        Ok(())
    }

    /// Whether the hold that `record` ends is open, and the sale that it ends is not over.
    fn check(&self, record: &Record) -> Result<(), Inconsistent> {
        let revision = record.revision;
        if let Some((hold, quantity)) = record.ended_hold()
            && self.hold(hold).is_none_or(|open| open.quantity != quantity)
        {
            return Err(Inconsistent::Hold { revision });
        }
        if let Some((sale, _)) = record.ended_sale()
            && (sale >= revision || self.status(sale) != SaleStatus::Sold)
        {
            return Err(Inconsistent::Sale { revision });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Clock, Command, Order, Outcome, Request, Sale, SoldBefore, Trial};

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

        /// Ends what is over at `now_ms`, and gives the records.
        fn lapse(&mut self, now_ms: u64) -> Vec<Record> {
            let at_ms = Clock::new(self.at_ms).told(now_ms);
            let mut trial = Trial::of(self, at_ms);
            let mut records = Vec::new();
            while let Some(record) = trial.lapse(self) {
                trial.fold(&record);
                self.fold(&record).unwrap();
                trial.settle(&record);
                records.push(record);
            }
            records
        }

        fn adjust(&mut self, remaining: u64, sold: u64) {
            let record = Trial::of(self, self.at_ms).adjustment(remaining, sold);
            self.fold(&record).unwrap();
        }
    }

    fn counter(remaining: u64) -> Inventory {
        Inventory::new(Stock::new(remaining, 0, 0), 0)
    }

    fn buy(quantity: u64) -> Request {
        Command::Buy(Order { quantity, buyer: None }).into()
    }

    fn hold(quantity: u64, seconds: u64) -> Request {
        Command::Hold { order: Order { quantity, buyer: None }, seconds }.into()
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
            let start = Inventory::new(Stock::new(5, sold, revision), 0);
            let mut inventory = start.clone();
            assert_eq!(inventory.apply(&buy(1), 0), (Outcome::OverLimit { remaining: 5 }, None));
            assert_eq!(inventory.stock(), start.stock());
        }
    }

    #[test]
    fn what_is_held_has_room_when_it_comes_back() {
        let sale = SoldBefore { revision: 1, quantity: 5 };
        for put in [Command::Restock { quantity: 20 }, Command::Refund(sale)] {
            let mut inventory = counter(COUNT_MAX - 5);
            inventory.apply(&buy(5), 0);
            inventory.apply(&hold(10, 1), 0);
            inventory.adjust(COUNT_MAX, 5);
            let remaining = COUNT_MAX - 10;
            assert_eq!(inventory.stock().remaining, remaining);
            let put = inventory.apply(&put.into(), 0);
            assert_eq!(put, (Outcome::OverLimit { remaining }, None));
            assert_eq!(inventory.lapse(1000).len(), 1);
            assert_eq!(inventory.stock().remaining, COUNT_MAX);
        }
    }

    #[test]
    fn at_the_last_revision_nothing_lapses_and_nothing_is_due() {
        let mut inventory = Inventory::new(Stock::new(5, 0, COUNT_MAX - 1), 0);
        inventory.apply(&hold(1, 1), 0);
        assert_eq!(inventory.stock().revision, COUNT_MAX);
        assert_eq!(inventory.due_at_ms(), None);
        assert_eq!(inventory.lapse(1000), []);
        let confirm = Command::Confirm { hold: COUNT_MAX }.into();
        assert_eq!(inventory.apply(&confirm, 1000), (Outcome::HoldExpired, None));
    }

    #[test]
    fn no_sum_of_a_record_that_does_not_follow_overflows() {
        let mut start = Stock::new(0, 2, 0);
        (start.refunded, start.capacity) = (1, 1);
        for change in [
            Change::Refunded { sale: 1, quantity: u64::MAX },
            Change::Refunded { sale: 1, quantity: u64::MAX - 1 },
            Change::Admitted { sale: 1, quantity: u64::MAX },
            Change::Lapsed { hold: 1, quantity: u64::MAX },
            Change::Held { quantity: u64::MAX, expires_at_ms: 0, buyer: None },
            Change::Restocked { quantity: u64::MAX },
            Change::Adjusted { sold: u64::MAX },
        ] {
            for admitted in [0, 1, u64::MAX] {
                let before = Stock { admitted, ..start };
                let record = Record {
                    revision: 1,
                    at_ms: 0,
                    remaining: 0,
                    change: change.clone(),
                    key: None,
                };
                assert!(before.after(&record).is_err(), "{change:?}");
            }
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
        assert_eq!(inventory.stock(), Stock::new(9, 2, 2));
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
            change: Change::Sold { first_ticket, quantity, buyer: None, hold: None },
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
            2 => (1..12_u64, 1..9_u64).prop_map(|(quantity, seconds)| hold(quantity, seconds).command),
            2 => (0..30_u64).prop_map(|hold| Command::Confirm { hold }),
            1 => (0..30_u64).prop_map(|hold| Command::Release { hold }),
            1 => any::<bool>().prop_map(|is_open| Command::SetSale { is_open }),
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
            prop_assert_eq!(folded.memory(), sold_on.memory());
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
            prop_assert_eq!(inventory.memory(), counter(start).memory());
        }
    }
}
