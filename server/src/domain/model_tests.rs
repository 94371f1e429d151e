//! Every rule of the counter, held against a model in plain lists that shares no code with it.

use proptest::prelude::*;

use crate::domain::{
    COUNT_MAX, Clock, Command, Hold, Inventory, KEY_LIFE_MS, Order, Outcome, Record, Request, Sale,
    SaleStatus, SoldBefore, Stock, Trial, keys::Name,
};

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The machine's clock goes on by so many milliseconds, or is set.
    Wait(i64),
    /// Somebody asks.
    Ask(Call, Option<u8>),
    /// A turn is taken though nobody asks.
    Turn,
    /// The first so many records on trial become durable.
    Settle(usize),
    /// Another had the revision: what is on trial has not happened.
    Drop,
    /// All is durable, and somebody outside writes this count, and how many are sold.
    Edit(u64, u64),
    /// What is durable is a backup, of which so many were sold and so many are left at most: another life begins.
    Restore(u64, u64),
}

/// What somebody asks; holds and sales are picked among those that there are.
#[derive(Clone, Copy, Debug)]
enum Call {
    Search,
    Buy(u64),
    Hold(u64, u64),
    Confirm(usize),
    Release(usize),
    Refund(usize),
    Admit(usize),
    Restock(u64),
    SetSale(bool),
}

/// The counter in plain lists.
#[derive(Clone, Debug)]
struct Model {
    at_ms: u64,
    revision: u64,
    left: u64,
    issued: u64,
    capacity: u64,
    is_closed: bool,
    epoch: u64,
    holds: Vec<ModelHold>,
    sales: Vec<ModelSale>,
    /// Call, key, revision and time of what was answered for good.
    keys: Vec<(&'static str, Box<str>, u64, u64)>,
}

#[derive(Clone, Debug)]
struct ModelHold {
    revision: u64,
    quantity: u64,
    expires_at_ms: u64,
    /// Revision and time of what ended it.
    end: Option<(u64, u64)>,
}

#[derive(Clone, Debug)]
struct ModelSale {
    revision: u64,
    quantity: u64,
    status: SaleStatus,
}

impl Model {
    fn held(&self) -> u64 {
        self.holds.iter().filter(|hold| hold.end.is_none()).map(|hold| hold.quantity).sum()
    }

    fn quantity_with(&self, is_in: impl Fn(SaleStatus) -> bool) -> u64 {
        self.sales.iter().filter(|sale| is_in(sale.status)).map(|sale| sale.quantity).sum()
    }

    fn stock(&self) -> Stock {
        Stock {
            remaining: self.left,
            held: self.held(),
            issued: self.issued,
            refunded: self.quantity_with(|status| matches!(status, SaleStatus::Refunded { .. })),
            admitted: self.quantity_with(|status| matches!(status, SaleStatus::Admitted { .. })),
            capacity: self.capacity,
            is_closed: self.is_closed,
            epoch: self.epoch,
            revision: self.revision,
        }
    }

    fn request(&self, call: Call, key: Option<u8>) -> Request {
        let order = |quantity| Order { quantity, buyer: None };
        let key = key.map(|key| key.to_string().into());
        // The last one is no hold at all.
        let hold = |pick: usize| {
            self.holds.get(pick % (self.holds.len() + 1)).map_or(0, |hold| hold.revision)
        };
        let sale = |pick: usize| {
            let sale = self.sales.get(pick % self.sales.len().max(1))?;
            Some(SoldBefore { revision: sale.revision, quantity: sale.quantity })
        };
        let command = match call {
            Call::Search => Command::Search,
            Call::Buy(quantity) => {
                return Request { command: Command::Buy(order(quantity)), key };
            }
            Call::Hold(quantity, seconds) => {
                return Request { command: Command::Hold { order: order(quantity), seconds }, key };
            }
            Call::Restock(quantity) => {
                return Request { command: Command::Restock { quantity }, key };
            }
            Call::Confirm(pick) => Command::Confirm { hold: hold(pick) },
            Call::Release(pick) => Command::Release { hold: hold(pick) },
            Call::Refund(pick) => sale(pick).map_or(Command::Search, Command::Refund),
            Call::Admit(pick) => sale(pick).map_or(Command::Search, Command::Admit),
            Call::SetSale(is_open) => Command::SetSale { is_open },
        };
        command.into()
    }

    /// Ends the hold that is over first, if there is one.
    fn lapse_one(&mut self) -> bool {
        let at_ms = self.at_ms;
        let due = self.holds.iter_mut().filter(|hold| hold.end.is_none());
        let due = due.filter(|hold| hold.expires_at_ms <= at_ms);
        let due = due.min_by_key(|hold| (hold.expires_at_ms, hold.revision));
        let Some(due) = due.filter(|_| self.revision < COUNT_MAX) else { return false };
        self.revision += 1;
        due.end = Some((self.revision, at_ms));
        self.left += due.quantity;
        true
    }

    /// Answers what was seen before.
    fn seen(&self, request: &Request) -> Option<Outcome> {
        let call = match request.command {
            Command::Buy(_) => "buy",
            Command::Hold { .. } => "hold",
            Command::Restock { .. } => "restock",
            Command::Confirm { hold: made } | Command::Release { hold: made } => {
                let hold = self.holds.iter().find(|hold| hold.revision == made);
                let (revision, at_ms) = hold.and_then(|hold| hold.end)?;
                let is_remembered = self.at_ms - at_ms <= KEY_LIFE_MS;
                return is_remembered.then_some(Outcome::Repeated { revision });
            }
            _ => return None,
        };
        let of_request = |(other, key, ..): &&(_, Box<str>, _, _)| {
            *other == call && Some(key) == request.key.as_ref()
        };
        let (.., revision, at_ms) = self.keys.iter().rev().find(of_request)?;
        let is_remembered = self.at_ms - at_ms <= KEY_LIFE_MS;
        is_remembered.then_some(Outcome::Repeated { revision: *revision })
    }

    /// Answers `request`, behind all that is over by now.
    fn answer(&mut self, request: &Request) -> Outcome {
        if let Some(outcome) = self.seen(request) {
            return outcome;
        }
        let over_limit = Outcome::OverLimit { remaining: self.left };
        let (at_ms, revision) = (self.at_ms, self.revision + 1);
        let is_full = self.revision == COUNT_MAX;
        match &request.command {
            Command::Search => Outcome::Found(Box::new(self.stock())),
            Command::Buy(_) | Command::Hold { .. } if self.is_closed => Outcome::SaleClosed,
            Command::Buy(Order { quantity, .. })
            | Command::Hold { order: Order { quantity, .. }, .. }
                if *quantity > self.left =>
            {
                let (requested, remaining) = (*quantity, self.left);
                match (&request.key, is_full) {
                    (None, _) => Outcome::SoldOut { requested, remaining, revision: self.revision },
                    (Some(_), true) => over_limit,
                    (Some(_), false) => {
                        self.revision = revision;
                        self.remember(request);
                        Outcome::SoldOut { requested, remaining, revision }
                    }
                }
            }
            Command::Buy(Order { quantity, .. }) => {
                if is_full || self.issued + quantity > COUNT_MAX {
                    return over_limit;
                }
                self.left -= quantity;
                self.revision = revision;
                self.remember(request);
                self.sell(*quantity)
            }
            Command::Hold { .. } if is_full => over_limit,
            Command::Hold { order: Order { quantity, .. }, seconds } => {
                self.left -= quantity;
                self.revision = revision;
                self.remember(request);
                let (quantity, expires_at_ms) = (*quantity, at_ms + seconds * 1000);
                self.holds.push(ModelHold { revision, quantity, expires_at_ms, end: None });
                Outcome::Held(Hold { quantity, expires_at_ms, remaining: self.left, revision })
            }
            Command::Confirm { hold: made } | Command::Release { hold: made } => {
                let is_open = |hold: &&mut ModelHold| {
                    hold.revision == *made && hold.end.is_none() && at_ms < hold.expires_at_ms
                };
                let Some(hold) = self.holds.iter_mut().find(is_open) else {
                    return Outcome::HoldExpired;
                };
                let is_confirmed = matches!(request.command, Command::Confirm { .. });
                let quantity = hold.quantity;
                if is_full || is_confirmed && self.issued + quantity > COUNT_MAX {
                    return over_limit;
                }
                hold.end = Some((revision, at_ms));
                self.revision = revision;
                if is_confirmed {
                    return self.sell(quantity);
                }
                self.left += quantity;
                Outcome::Changed { remaining: self.left, revision }
            }
            Command::Refund(SoldBefore { revision: sold, quantity }) => {
                let has_room = self.left + quantity + self.held() <= COUNT_MAX;
                let sale = self.sales.iter_mut().find(|sale| sale.revision == *sold).unwrap();
                match sale.status {
                    SaleStatus::Refunded { revision } => Outcome::Repeated { revision },
                    SaleStatus::Admitted { at_ms, .. } => Outcome::AdmittedBefore { at_ms },
                    SaleStatus::Sold if is_full || !has_room => over_limit,
                    SaleStatus::Sold => {
                        sale.status = SaleStatus::Refunded { revision };
                        self.left += quantity;
                        self.revision = revision;
                        Outcome::Changed { remaining: self.left, revision }
                    }
                }
            }
            Command::Admit(SoldBefore { revision: sold, .. }) => {
                let sale = self.sales.iter_mut().find(|sale| sale.revision == *sold).unwrap();
                match sale.status {
                    SaleStatus::Refunded { .. } => Outcome::RefundedBefore,
                    SaleStatus::Admitted { at_ms, .. } => Outcome::AdmittedBefore { at_ms },
                    SaleStatus::Sold if is_full => over_limit,
                    SaleStatus::Sold => {
                        sale.status = SaleStatus::Admitted { revision, at_ms };
                        self.revision = revision;
                        Outcome::Admitted { at_ms, revision }
                    }
                }
            }
            Command::Restock { quantity } => {
                if is_full || self.left + quantity + self.held() > COUNT_MAX {
                    return over_limit;
                }
                self.left += quantity;
                self.capacity += quantity;
                self.revision = revision;
                self.remember(request);
                Outcome::Changed { remaining: self.left, revision }
            }
            Command::SetSale { is_open } => {
                let is_change = *is_open == self.is_closed;
                if is_change && is_full {
                    return over_limit;
                }
                self.is_closed = !is_open;
                self.revision += u64::from(is_change);
                let (remaining, revision) = (self.left, self.revision);
                Outcome::SaleSet { is_open: *is_open, remaining, revision }
            }
        }
    }

    /// Sells `quantity` tickets that are taken off already.
    fn sell(&mut self, quantity: u64) -> Outcome {
        let (first_ticket, revision) = (self.issued + 1, self.revision);
        self.issued += quantity;
        self.sales.push(ModelSale { revision, quantity, status: SaleStatus::Sold });
        Outcome::Sold(Sale { first_ticket, quantity, remaining: self.left, revision })
    }

    fn remember(&mut self, request: &Request) {
        let call = match request.command {
            Command::Buy(_) => "buy",
            Command::Hold { .. } => "hold",
            _ => "restock",
        };
        if let Some(key) = request.key.clone() {
            self.keys.push((call, key, self.revision, self.at_ms));
        }
    }

    fn edit(&mut self, remaining: u64, sold: u64) {
        let issued = sold.max(self.issued);
        let left = remaining.min(COUNT_MAX - self.held());
        self.capacity = self.capacity + (issued - self.issued) + left - self.left;
        (self.left, self.issued) = (left, issued);
        self.revision += 1;
    }

    /// So many numbers are given out by now; as long as those lack tickets, what is held is taken for them.
    fn restore(&mut self, sold: u64, most: u64) {
        let lost = sold.saturating_sub(self.issued);
        let at_ms = self.at_ms;
        for hold in self.holds.iter_mut().filter(|hold| hold.end.is_none()) {
            if self.left < lost {
                self.revision += 1;
                hold.end = Some((self.revision, at_ms));
                self.left += hold.quantity;
            }
        }
        let left = self.left.saturating_sub(lost).min(most);
        self.capacity = self.capacity + lost + left - self.left;
        (self.left, self.issued) = (left, self.issued + lost);
        (self.revision, self.epoch) = (self.revision + 1, self.epoch + 1);
    }
}

/// Turns at a counter, and the model of it.
struct Turns {
    start: (Stock, u64),
    clock: Clock,
    machine_ms: u64,
    inventory: Inventory,
    trial: Trial,
    /// The records that are durable, and those on trial.
    durable: Vec<Record>,
    on_trial: Vec<Record>,
    model: Model,
    /// The model ahead of each record on trial.
    before: Vec<Model>,
}

impl Turns {
    fn new(stock: Stock, at_ms: u64) -> Self {
        let inventory = Inventory::new(stock, at_ms);
        let Stock { remaining: left, issued, capacity, revision, .. } = stock;
        Self {
            start: (stock, at_ms),
            clock: Clock::new(at_ms),
            machine_ms: at_ms,
            trial: Trial::of(&inventory, at_ms),
            inventory,
            durable: Vec::new(),
            on_trial: Vec::new(),
            model: Model {
                at_ms,
                revision,
                left,
                issued,
                capacity,
                is_closed: false,
                epoch: 0,
                holds: Vec::new(),
                sales: Vec::new(),
                keys: Vec::new(),
            },
            before: Vec::new(),
        }
    }

    /// Both clocks go on.
    fn tell_the_time(&mut self) {
        let at_ms = self.clock.told(self.machine_ms);
        assert!(at_ms >= self.model.at_ms, "time runs back");
        self.trial.set_time(at_ms);
        self.model.at_ms = at_ms;
    }

    fn gather(&mut self, record: Record, before: Model) {
        self.trial.fold(&record);
        let Stock { remaining, held, issued, refunded, capacity, .. } = self.trial.stock();
        assert_eq!(capacity, remaining + held + (issued - refunded), "Conservation");
        assert_eq!(record.at_ms, self.model.at_ms);
        self.on_trial.push(record);
        self.before.push(before);
    }

    /// Ends what is over, as each turn and each decision does first.
    fn lapse(&mut self) {
        self.tell_the_time();
        loop {
            let before = self.model.clone();
            let is_due = self.model.lapse_one();
            let record = self.trial.lapse(&self.inventory);
            assert_eq!(record.is_some(), is_due, "what is over lapses, and nothing else");
            let Some(record) = record else { break };
            self.gather(record, before);
        }
    }

    fn ask(&mut self, request: &Request) {
        self.lapse();
        let before = self.model.clone();
        let expected = self.model.answer(request);
        let (outcome, record) = self.trial.decide(&self.inventory, request);
        assert_eq!(outcome, expected, "{request:?}");
        assert_eq!(record.is_some(), before.revision != self.model.revision, "{request:?}");
        if let Some(record) = record {
            assert_eq!(record.outcome(), Some(outcome), "a retry is told the same");
            assert!(!request.is_repeatable() || record.answer_to(&request.command).is_some());
            self.gather(record, before);
        }
    }

    fn settle(&mut self, records: usize) {
        let records = records.min(self.on_trial.len());
        self.before.drain(..records);
        for record in self.on_trial.drain(..records) {
            self.inventory.fold(&record).unwrap();
            self.trial.settle(&record);
            self.durable.push(record);
        }
    }

    /// What is on trial has not happened; but the time has passed.
    fn drop_trial(&mut self) {
        self.on_trial.clear();
        if let Some(durable) = self.before.drain(..).next() {
            self.model = Model { at_ms: self.model.at_ms, ..durable };
        }
        self.trial = Trial::of(&self.inventory, self.model.at_ms);
    }

    fn edit(&mut self, remaining: u64, sold: u64) {
        self.settle(usize::MAX);
        if self.model.revision == COUNT_MAX {
            return;
        }
        self.tell_the_time();
        self.trial = Trial::of(&self.inventory, self.model.at_ms);
        let before = self.model.clone();
        self.model.edit(remaining, sold);
        self.gather(self.trial.adjustment(remaining, sold), before);
    }

    fn restore(&mut self, sold: u64, most: u64) {
        self.settle(usize::MAX);
        let holds = self.model.holds.iter().filter(|hold| hold.end.is_none()).count() as u64;
        if self.model.revision + holds >= COUNT_MAX {
            return;
        }
        self.tell_the_time();
        self.trial = Trial::of(&self.inventory, self.model.at_ms);
        let before = self.model.stock();
        self.model.restore(sold, most);
        for record in self.trial.restoration(&self.inventory, self.model.epoch, (sold, most)) {
            self.inventory.fold(&record).unwrap();
            self.durable.push(record);
        }
        self.trial = Trial::of(&self.inventory, self.model.at_ms);
        let Stock { remaining, held, issued, .. } = self.trial.stock();
        let there = (before.remaining + before.held).saturating_sub(issued - before.issued);
        assert!(remaining + held <= there, "what was sold can be bought again: {before:?}");
        assert!(issued >= sold && remaining <= most);
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Wait(ms) => {
                if ms.unsigned_abs() > KEY_LIFE_MS {
                    // What is on trial is known again however long that takes.
                    self.settle(usize::MAX);
                }
                self.machine_ms = self.machine_ms.saturating_add_signed(ms).min(COUNT_MAX);
            }
            Step::Ask(call, key) => self.ask(&self.model.request(call, key)),
            Step::Turn => self.lapse(),
            Step::Settle(records) => self.settle(records),
            Step::Drop => self.drop_trial(),
            Step::Edit(remaining, sold) => self.edit(remaining, sold),
            Step::Restore(sold, most) => self.restore(sold, most),
        }
        assert_eq!(self.trial.stock(), self.model.stock());
    }

    /// Holds what is durable, and the same records folded anew, against the model.
    fn check(mut self) {
        self.settle(usize::MAX);
        let (stock, at_ms) = self.start;
        let mut again = Inventory::new(stock, at_ms);
        let mut tickets = stock.issued;
        for record in &self.durable {
            again.fold(record).unwrap();
            if let Some(Outcome::Sold(sale)) = record.outcome() {
                assert!(sale.first_ticket > tickets, "a number is never sold again");
                tickets = sale.first_ticket + sale.quantity - 1;
            }
        }
        let now_ms = self.model.at_ms;
        for inventory in [&self.inventory, &again] {
            assert_eq!(inventory.stock(), self.model.stock());
            let open = self.model.holds.iter().filter(|hold| hold.end.is_none());
            let open: Vec<_> =
                open.map(|hold| (hold.revision, hold.quantity, hold.expires_at_ms)).collect();
            let holds = inventory.holds();
            let holds: Vec<_> =
                holds.map(|(made, hold)| (made, hold.quantity, hold.expires_at_ms)).collect();
            assert_eq!(holds, open);
            for sale in &self.model.sales {
                assert_eq!(inventory.status(sale.revision), sale.status);
            }
            for (call, key, ..) in &self.model.keys {
                let name = match *call {
                    "buy" => Name::Buy(key),
                    "hold" => Name::Hold(key),
                    _ => Name::Restock(key),
                };
                let same = |(other, of, ..): &&(_, Box<str>, _, _)| (other, of) == (call, key);
                let latest = self.model.keys.iter().rev().find(same);
                let latest = latest.filter(|(.., at_ms)| now_ms - at_ms <= KEY_LIFE_MS);
                let found = inventory.revision_of(inventory.hasher().hash(name), now_ms);
                assert_eq!(found, latest.map(|(.., revision, _)| *revision), "{call} {key}");
            }
        }
        assert_eq!(self.inventory.memory(), again.memory());
    }
}

/// A number that is small, or hardly below the limit.
fn any_number() -> impl Strategy<Value = u64> {
    prop_oneof![9 => 0..60_u64, 1 => COUNT_MAX - 20..=COUNT_MAX]
}

fn any_quantity() -> impl Strategy<Value = u64> {
    prop_oneof![12 => 1..9_u64, 1 => COUNT_MAX - 20..=COUNT_MAX]
}

fn any_call() -> impl Strategy<Value = Call> {
    let pick = || 0..12_usize;
    prop_oneof![
        1 => Just(Call::Search),
        4 => any_quantity().prop_map(Call::Buy),
        5 => (any_quantity(), 1..5_u64).prop_map(|(quantity, seconds)| Call::Hold(quantity, seconds)),
        4 => pick().prop_map(Call::Confirm),
        3 => pick().prop_map(Call::Release),
        3 => pick().prop_map(Call::Refund),
        3 => pick().prop_map(Call::Admit),
        2 => any_quantity().prop_map(Call::Restock),
        1 => prop::bool::weighted(0.7).prop_map(Call::SetSale),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let two_days_ms = 2 * i64::try_from(KEY_LIFE_MS).unwrap();
    prop_oneof![
        5 => (0..2500_i64).prop_map(Step::Wait),
        1 => (-3000..0_i64).prop_map(Step::Wait),
        1 => Just(Step::Wait(two_days_ms)),
        20 => (any_call(), prop::option::of(0..4_u8)).prop_map(|(call, key)| Step::Ask(call, key)),
        2 => Just(Step::Turn),
        4 => (0..9_usize).prop_map(Step::Settle),
        2 => Just(Step::Drop),
        1 => (any_number(), any_number()).prop_map(|(remaining, sold)| Step::Edit(remaining, sold)),
        1 => (any_number(), any_number()).prop_map(|(sold, most)| Step::Restore(sold, most)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8 * ProptestConfig::default().cases))]

    #[test]
    fn the_counter_does_what_plain_lists_say(
        (remaining, issued) in (any_number(), any_number()),
        revision in prop_oneof![9 => Just(0), 1 => COUNT_MAX - 20..=COUNT_MAX],
        at_ms in prop_oneof![9 => Just(0), 1 => COUNT_MAX - 5000..=COUNT_MAX],
        steps in prop::collection::vec(any_step(), 0..80),
    ) {
        let mut turns = Turns::new(Stock::new(remaining, issued, revision), at_ms);
        for step in steps {
            turns.take(step);
        }
        turns.check();
    }
}
