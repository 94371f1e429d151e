//! What must hold of any ledger, and of every answer that was given from it: read by plain lists, which share no
//! code with what sells.
//!
//! # Invariants
//! - `Conservation`, `NoOversell`: at each record what is left is what was there, less what was taken, and more by
//!   what came back.
//! - `AnswerOnce`: of each call and key there is one record.
//! - `HoldEndsOnce`: a hold is confirmed or released before its time, or lapses at it, ahead of whatever is decided
//!   from then on.
//! - `SaleEndsOnce`: a sale is refunded once or admitted once, and never both.
//! - Nothing is sold or held while the sale is closed, but for what is held already.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    Change, Command, Inventory, Order, Outcome, Record, Request, SaleStatus, SoldBefore, Stock,
};

/// All kinds of records that servers and outsiders make.
pub(crate) const RECORDS: [&str; 12] = [
    "adjusted",
    "admitted",
    "confirmed",
    "held",
    "hold refused",
    "lapsed",
    "refunded",
    "refused",
    "released",
    "restocked",
    "sale set",
    "sold",
];

/// All kinds of answers: with a record of their own, without one, and those that an earlier record tells.
pub(crate) const ANSWERS: [&str; 18] = [
    "admitted",
    "admitted before",
    "changed",
    "changed, again",
    "found",
    "held",
    "held, again",
    "hold confirmed",
    "hold expired",
    "refunded before",
    "sale closed",
    "sale set",
    "sold",
    "sold out",
    "sold out, again",
    "sold, again",
    "sold, to a hold",
    "sold, to a hold, again",
];

/// A ledger, read.
pub(crate) struct Books<'a> {
    seed: u64,
    records: &'a [Record],
    /// What stood on the counter ahead of the first record, and behind each.
    stocks: Vec<Stock>,
    holds: BTreeMap<u64, Hold>,
    sales: BTreeMap<u64, Sale>,
    /// How many tickets were put on sale.
    pub(crate) restocked: u64,
    /// The kinds of its records.
    pub(crate) kinds: BTreeSet<&'static str>,
}

struct Hold {
    quantity: u64,
    expires_at_ms: u64,
    is_open: bool,
}

struct Sale {
    quantity: u64,
    status: SaleStatus,
}

impl<'a> Books<'a> {
    /// Reads all `records` of a ledger that began with so many tickets to sell; a fault names the `seed`.
    pub(crate) fn read(seed: u64, tickets: u64, records: &'a [Record]) -> Self {
        let mut books = Self {
            seed,
            records,
            stocks: vec![Stock::new(tickets, 0, 0)],
            holds: BTreeMap::new(),
            sales: BTreeMap::new(),
            restocked: 0,
            kinds: BTreeSet::new(),
        };
        let (mut keys, mut at_ms) = (BTreeSet::new(), 0);
        for record in records {
            let revision = record.revision;
            assert_eq!(revision, books.stock().revision + 1, "seed {seed}");
            assert!(record.at_ms >= at_ms, "time runs back: seed {seed}, revision {revision}");
            at_ms = record.at_ms;
            books.expect_nothing_over(record);
            let after = books.after(record);
            assert_eq!(record.remaining, after.remaining, "Conservation: {seed}: {record:?}");
            books.stocks.push(after);
            books.kinds.insert(kind(&record.change));
            if let Some(key) = &record.key {
                let is_new = keys.insert((call(&record.change), key));
                assert!(is_new, "AnswerOnce: seed {seed}, revision {revision}");
            }
        }
        books
    }

    /// What stands on the counter.
    pub(crate) fn stock(&self) -> Stock {
        *self.stocks.last().unwrap()
    }

    /// What is over ends ahead of everything but what somebody outside wrote, and in its order.
    fn expect_nothing_over(&self, record: &Record) {
        let over = self.holds.iter().filter(|(_, hold)| hold.is_open);
        let over = over.filter(|(_, hold)| hold.expires_at_ms <= record.at_ms);
        let first = over.min_by_key(|(made, hold)| (hold.expires_at_ms, **made));
        let first = first.map(|(made, _)| *made);
        match record.change {
            Change::Adjusted { .. } => {}
            Change::Lapsed { hold, .. } => {
                assert_eq!(Some(hold), first, "HoldEndsOnce: seed {}: {record:?}", self.seed);
            }
            _ => assert_eq!(first, None, "HoldEndsOnce: seed {}: {record:?}", self.seed),
        }
    }

    fn after(&mut self, record: &Record) -> Stock {
        let (seed, revision) = (self.seed, record.revision);
        let mut stock = Stock { revision, ..self.stock() };
        let takes = |stock: &mut Stock, quantity: u64| {
            assert!(!stock.is_closed, "it is closed: seed {seed}: {record:?}");
            let left = stock.remaining.checked_sub(quantity);
            stock.remaining = left.unwrap_or_else(|| panic!("NoOversell: {seed}: {record:?}"));
        };
        match record.change {
            Change::Sold { first_ticket, quantity, hold, .. } => {
                assert_eq!(first_ticket, stock.issued + 1, "seed {seed}: {record:?}");
                match hold {
                    None => takes(&mut stock, quantity),
                    Some(hold) => self.end(hold, quantity, record, &mut stock),
                }
                stock.issued += quantity;
                self.sales.insert(revision, Sale { quantity, status: SaleStatus::Sold });
            }
            Change::Refused { quantity, .. } => {
                assert!(quantity > stock.remaining && !stock.is_closed, "{seed}: {record:?}");
            }
            Change::Held { quantity, expires_at_ms, .. } => {
                takes(&mut stock, quantity);
                stock.held += quantity;
                self.holds.insert(revision, Hold { quantity, expires_at_ms, is_open: true });
            }
            Change::Released { hold, quantity } | Change::Lapsed { hold, quantity } => {
                self.end(hold, quantity, record, &mut stock);
                stock.remaining += quantity;
            }
            Change::Refunded { sale, quantity } => {
                self.settle(sale, quantity, SaleStatus::Refunded { revision });
                stock.refunded += quantity;
                stock.remaining += quantity;
            }
            Change::Admitted { sale, quantity } => {
                let at_ms = record.at_ms;
                self.settle(sale, quantity, SaleStatus::Admitted { revision, at_ms });
                stock.admitted += quantity;
            }
            Change::Restocked { quantity } => {
                stock.remaining += quantity;
                stock.capacity += quantity;
                self.restocked += quantity;
            }
            Change::SaleSet { is_open } => {
                assert_eq!(is_open, stock.is_closed, "that changes nothing: seed {seed}");
                stock.is_closed = !is_open;
            }
            Change::Adjusted { sold } => {
                assert!(sold >= stock.issued, "a number is given back: seed {seed}: {record:?}");
                stock.capacity = stock.capacity + record.remaining + sold;
                stock.capacity -= stock.remaining + stock.issued;
                (stock.remaining, stock.issued) = (record.remaining, sold);
            }
            Change::Restored { .. } => panic!("nobody restores a backup here: seed {seed}"),
        }
        let there = stock.remaining + stock.held + stock.issued - stock.refunded;
        assert_eq!(there, stock.capacity, "Conservation: seed {seed}: {record:?}");
        stock
    }

    /// Ends a hold: of those that are over none is open any more but the one that lapses.
    fn end(&mut self, hold: u64, quantity: u64, record: &Record, stock: &mut Stock) {
        let ended = self.holds.get_mut(&hold).filter(|hold| hold.is_open);
        let ended = ended.unwrap_or_else(|| panic!("HoldEndsOnce: seed {}: {record:?}", self.seed));
        assert_eq!(ended.quantity, quantity, "seed {}: {record:?}", self.seed);
        ended.is_open = false;
        stock.held -= quantity;
    }

    fn settle(&mut self, sale: u64, quantity: u64, status: SaleStatus) {
        let seed = self.seed;
        let sold = self.sales.get_mut(&sale);
        let sold = sold.unwrap_or_else(|| panic!("SaleEndsOnce: no sale at {sale}: seed {seed}"));
        assert_eq!(
            (sold.quantity, sold.status),
            (quantity, SaleStatus::Sold),
            "SaleEndsOnce: seed {seed}: {status:?}"
        );
        sold.status = status;
    }

    /// Holds what a server knows, up to the revision that it knows of, against the ledger.
    pub(crate) fn check_inventory(&self, inventory: &Inventory) {
        let (seed, known) = (self.seed, inventory.stock());
        let up_to = usize::try_from(known.revision).unwrap();
        if up_to < self.records.len() {
            let books = Books::read(seed, self.stocks[0].remaining, &self.records[..up_to]);
            return books.check_inventory(inventory);
        }
        assert_eq!(known, self.stock(), "a server is beside the ledger: seed {seed}");
        let open = self.holds.iter().filter(|(_, hold)| hold.is_open);
        let open = open.map(|(made, hold)| (*made, hold.quantity, hold.expires_at_ms));
        let holds = inventory.holds();
        let holds = holds.map(|(made, hold)| (made, hold.quantity, hold.expires_at_ms));
        assert!(holds.eq(open), "holds: seed {seed}: {:?}", inventory.holds().collect::<Vec<_>>());
        for (sold, sale) in &self.sales {
            assert_eq!(inventory.status(*sold), sale.status, "seed {seed}, sale {sold}");
        }
    }

    /// Holds an answer against the ledger, and gives its kind.
    pub(crate) fn check_answer(&self, request: &Request, outcome: &Outcome) -> &'static str {
        let said = || format!("seed {}: {outcome:?} to {request:?}", self.seed);
        match *outcome {
            Outcome::Found(ref stock) => {
                assert_eq!(**stock, self.at(stock.revision), "{}", said());
                "found"
            }
            Outcome::Sold(sale) => {
                self.expect_own(sale.revision, request, outcome);
                if matches!(request.command, Command::Confirm { .. }) {
                    "sold, to a hold"
                } else {
                    "sold"
                }
            }
            Outcome::Held(hold) => {
                self.expect_own(hold.revision, request, outcome);
                "held"
            }
            Outcome::Changed { revision, .. } => {
                self.expect_own(revision, request, outcome);
                "changed"
            }
            Outcome::Admitted { revision, .. } => {
                self.expect_own(revision, request, outcome);
                "admitted"
            }
            Outcome::SoldOut { requested, remaining, revision } => {
                let (Command::Buy(order) | Command::Hold { order, .. }) = &request.command else {
                    panic!("{}", said())
                };
                assert_eq!((remaining, order.quantity), (self.at(revision).remaining, requested));
                assert!(requested > remaining && !self.at(revision).is_closed, "{}", said());
                if request.key.is_some() {
                    self.expect_own(revision, request, outcome);
                }
                "sold out"
            }
            Outcome::SaleSet { is_open, remaining, revision } => {
                let Stock { remaining: left, is_closed, .. } = self.at(revision);
                assert_eq!((left, !is_closed), (remaining, is_open), "{}", said());
                "sale set"
            }
            Outcome::SaleClosed => {
                let is_order = matches!(request.command, Command::Buy(_) | Command::Hold { .. });
                assert!(is_order && self.stocks.iter().any(|stock| stock.is_closed), "{}", said());
                "sale closed"
            }
            Outcome::AdmittedBefore { at_ms: told } => {
                let (Command::Refund(SoldBefore { revision, .. })
                | Command::Admit(SoldBefore { revision, .. })) = request.command
                else {
                    panic!("{}", said())
                };
                let status = self.sales[&revision].status;
                let is_so = matches!(status, SaleStatus::Admitted { at_ms, .. } if at_ms == told);
                assert!(is_so, "{}, which is {status:?}", said());
                "admitted before"
            }
            Outcome::RefundedBefore => {
                let Command::Admit(SoldBefore { revision, .. }) = request.command else {
                    panic!("{}", said())
                };
                let status = self.sales[&revision].status;
                assert!(matches!(status, SaleStatus::Refunded { .. }), "{} {status:?}", said());
                "refunded before"
            }
            Outcome::Repeated { revision } => self.check_repeated(revision, request),
            // Who asks for a hold knows that it was made, and no name is forgotten here.
            Outcome::HoldExpired | Outcome::HoldConfirmed | Outcome::OverLimit { .. } => {
                panic!("{}", said())
            }
        }
    }

    /// What is said by the record at `revision`, which is not of this very request.
    fn check_repeated(&self, revision: u64, request: &Request) -> &'static str {
        let record = self.record(revision);
        let answer = record.answer_to(&request.command);
        let kind = match (&record.change, &request.command) {
            (
                Change::Lapsed { hold, .. } | Change::Released { hold, .. },
                Command::Confirm { hold: asked },
            )
            | (Change::Lapsed { hold, .. }, Command::Release { hold: asked }) => {
                assert_eq!((hold, &answer), (asked, &Some(Outcome::HoldExpired)));
                return "hold expired";
            }
            (Change::Sold { hold: Some(hold), .. }, Command::Release { hold: asked }) => {
                assert_eq!((hold, &answer), (asked, &Some(Outcome::HoldConfirmed)));
                return "hold confirmed";
            }
            (Change::Sold { hold: Some(_), .. }, _) => "sold, to a hold, again",
            (Change::Sold { .. }, _) => "sold, again",
            (Change::Refused { .. }, _) => "sold out, again",
            (Change::Held { .. }, _) => "held, again",
            _ => "changed, again",
        };
        let answer = answer.unwrap_or_else(|| panic!("seed {}: {record:?}", self.seed));
        self.expect_own(revision, request, &answer);
        kind
    }

    /// `AckAfterSync`: the record at `revision` is the one of `request`, and says `outcome`.
    fn expect_own(&self, revision: u64, request: &Request, outcome: &Outcome) {
        let record = self.record(revision);
        let is_own = match (&record.change, &request.command) {
            (Change::Sold { quantity, buyer, hold: None, .. }, Command::Buy(order))
            | (Change::Refused { quantity, buyer, seconds: None }, Command::Buy(order))
            | (
                Change::Held { quantity, buyer, .. }
                | Change::Refused { quantity, buyer, seconds: Some(_) },
                Command::Hold { order, .. },
            ) => *order == Order { quantity: *quantity, buyer: buyer.clone() },
            (Change::Sold { hold: Some(hold), .. }, Command::Confirm { hold: asked })
            | (Change::Released { hold, .. }, Command::Release { hold: asked }) => hold == asked,
            (Change::Refunded { sale, quantity }, Command::Refund(asked))
            | (Change::Admitted { sale, quantity }, Command::Admit(asked)) => {
                *asked == SoldBefore { revision: *sale, quantity: *quantity }
            }
            (Change::Restocked { quantity }, Command::Restock { quantity: asked }) => {
                quantity == asked
            }
            _ => false,
        };
        let said = format!("AckAfterSync: seed {}: {record:?} for {request:?}", self.seed);
        assert!(is_own && record.key == request.key, "{said}");
        assert_eq!(record.outcome().as_ref(), Some(outcome), "{said}");
    }

    fn record(&self, revision: u64) -> &Record {
        let record =
            revision.checked_sub(1).and_then(|at| self.records.get(usize::try_from(at).ok()?));
        record.unwrap_or_else(|| panic!("AckAfterSync: seed {}: no {revision}", self.seed))
    }

    fn at(&self, revision: u64) -> Stock {
        let stock = usize::try_from(revision).ok().and_then(|at| self.stocks.get(at).copied());
        stock.unwrap_or_else(|| panic!("AckAfterSync: seed {}: no {revision}", self.seed))
    }
}

/// With which call the key of such a record came.
fn call(change: &Change) -> &'static str {
    match change {
        Change::Sold { .. } | Change::Refused { seconds: None, .. } => "buy",
        Change::Held { .. } | Change::Refused { .. } => "hold",
        _ => "restock",
    }
}

fn kind(change: &Change) -> &'static str {
    match change {
        Change::Sold { hold: None, .. } => "sold",
        Change::Sold { .. } => "confirmed",
        Change::Refused { seconds: None, .. } => "refused",
        Change::Refused { .. } => "hold refused",
        Change::Held { .. } => "held",
        Change::Released { .. } => "released",
        Change::Lapsed { .. } => "lapsed",
        Change::Refunded { .. } => "refunded",
        Change::Admitted { .. } => "admitted",
        Change::Restocked { .. } => "restocked",
        Change::SaleSet { .. } => "sale set",
        Change::Adjusted { .. } => "adjusted",
        Change::Restored { .. } => "restored",
    }
}
