//! Lives of two to four servers on an engine that loses races and answers: `ENGINE_LIVES` says how many.
//!
//! `ENGINE_LIVES=100000 cargo test --release -p server --lib engine_tests`.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic,
    sync::Mutex,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    domain::{Change, Command, Hold, Order, Outcome, Request, Sale, SoldBefore},
    simulation::{
        books::{ANSWERS, Books, RECORDS},
        engine::{Lie, SimEngine, SimLedger, TICKETS},
        seller::Seller,
        shop::{now_ms, set_now_ms, setting, with_every_seed},
    },
};

/// How many requests of a life share their keys.
const KEYS: u64 = 12;

/// The clocks of the servers: some are ahead of others.
const CLOCKS: [fn() -> u64; 4] =
    [now_ms, || now_ms() + 700, || now_ms().saturating_sub(900), || now_ms() + 2000];

/// What a life came to: the kinds of its records and answers.
type Kinds = BTreeSet<&'static str>;

/// A ledger, those who sell from it, and what they said.
struct Life {
    seed: u64,
    dice: StdRng,
    ledger: SimLedger,
    lie: Option<Lie>,
    servers: Vec<Seller<SimEngine>>,
    /// For each server the revision that the ledger had reached when the first of those who may still be
    /// owed an answer came.
    came_at: Vec<Option<u64>>,
    asked: u64,
    answered: Vec<(Request, Outcome)>,
}

impl Life {
    fn new(seed: u64, lie: Option<Lie>) -> Self {
        set_now_ms(1000);
        let (dice, ledger) = (StdRng::seed_from_u64(seed ^ 0x5eed), SimLedger::new(seed));
        let (servers, came_at) = (Vec::new(), vec![None; CLOCKS.len()]);
        let mut life =
            Self { seed, dice, ledger, lie, servers, came_at, asked: 0, answered: Vec::new() };
        for place in 0..life.dice.random_range(2..5) {
            let server = life.start(place);
            life.servers.push(server);
        }
        life
    }

    fn start(&self, place: usize) -> Seller<SimEngine> {
        let (engine, inventory) = self.ledger.open(self.lie);
        Seller::new(engine, inventory, CLOCKS[place])
    }

    /// A request that names its buyer, so that it is known again in the ledger, or has a key.
    fn request(&mut self, place: usize) -> Request {
        self.asked += 1;
        let buyer = Some(format!("buyer {}", self.asked).into());
        if self.dice.random_bool(0.4)
            && let Some(command) = self.follow_up(place)
        {
            return command.into();
        }
        let number = self.dice.random_range(0..3 * KEYS);
        if number < KEYS {
            // The same key is always sent with the same request.
            let order = Order { quantity: number % 3 + 1, buyer: None };
            let command = match number % 6 {
                4 => Command::Hold { order, seconds: number % 5 + 1 },
                5 => Command::Restock { quantity: number % 3 + 1 },
                _ => Command::Buy(order),
            };
            return Request { command, key: Some(format!("key {number}").into()) };
        }
        let order = Order { quantity: self.dice.random_range(1..4), buyer };
        match self.dice.random_bool(0.4) {
            true => Command::Hold { order, seconds: self.dice.random_range(1..5) }.into(),
            false => Command::Buy(order).into(),
        }
    }

    /// Asks for something to be done with a hold or a sale that somebody was told of, and of which the server in
    /// `place` has heard: what it answers without a record is as old as the news that it gets.
    fn follow_up(&mut self, place: usize) -> Option<Command> {
        let known = self.servers[place].stock().revision;
        match self.dice.random_range(0..20) {
            0 => return Some(Command::SetSale { is_open: self.dice.random_bool(0.7) }),
            1 => return Some(Command::Search),
            _ => {}
        }
        let last = self.answered.len().checked_sub(1)?;
        let place = last - self.dice.random_range(0..=last.min(12));
        let is_first = self.dice.random_bool(0.6);
        match self.answered[place].1 {
            Outcome::Held(Hold { revision, .. }) | Outcome::Sold(Sale { revision, .. })
                if revision > known =>
            {
                None
            }
            Outcome::Held(Hold { revision: hold, .. }) if is_first => {
                Some(Command::Confirm { hold })
            }
            Outcome::Held(Hold { revision: hold, .. }) => Some(Command::Release { hold }),
            Outcome::Sold(Sale { revision, quantity, .. }) => {
                let sale = SoldBefore { revision, quantity };
                Some(if is_first { Command::Refund(sale) } else { Command::Admit(sale) })
            }
            _ => None,
        }
    }

    fn live(&mut self) {
        for _ in 0..self.dice.random_range(5..30) {
            let place = self.dice.random_range(0..self.servers.len());
            if self.dice.random_bool(0.1) {
                // Whatever it did not know is forgotten with it.
                self.servers[place] = self.start(place);
                self.came_at[place] = None;
            }
            if self.dice.random_bool(0.4) {
                set_now_ms(now_ms() + self.dice.random_range(0..3000));
            }
            self.serve(place);
        }
        self.ledger.calm();
        for place in 0..self.servers.len() {
            self.serve(place);
        }
    }

    fn serve(&mut self, place: usize) {
        let requests: Vec<_> =
            (0..self.dice.random_range(0..6)).map(|_| self.request(place)).collect();
        let chunk = self.dice.random_range(1..4);
        let reached = self.ledger.records().last().map_or(0, |record| record.revision);
        let came_at = self.came_at[place].unwrap_or(reached);
        let (told, served) = self.servers[place].serve(&requests, chunk);
        self.came_at[place] = served.is_err().then_some(came_at);
        if !told.is_empty() {
            let records = self.ledger.records();
            let books = Books::read(self.seed, TICKETS, &records);
            for (request, outcome) in told {
                books.check_answer(&request, &outcome);
                self.check_age(&outcome, came_at);
                self.answered.push((request, outcome));
            }
        }
    }

    /// `NoStaleAnswer`: what was answered without a record is not older than the question.
    fn check_age(&self, outcome: &Outcome, came_at: u64) {
        let revision = match outcome {
            Outcome::Found(stock) => stock.revision,
            Outcome::SoldOut { revision, .. } => *revision,
            _ => return,
        };
        let seed = self.seed;
        assert!(revision >= came_at, "as of {revision}, asked at {came_at}: seed {seed}");
    }

    fn check(&self) -> Kinds {
        let (seed, records) = (self.seed, self.ledger.records());
        let books = Books::read(seed, TICKETS, &records);
        let mut kinds = books.kinds.clone();
        let mut buyers = BTreeMap::new();
        for record in &records {
            if let Change::Sold { buyer: Some(buyer), hold: None, .. }
            | Change::Held { buyer: Some(buyer), .. } = &record.change
            {
                let twice = buyers.insert(buyer, record.revision);
                assert_eq!(twice, None, "sold twice: seed {seed}, revision {}", record.revision);
            }
        }
        for (request, outcome) in &self.answered {
            kinds.insert(books.check_answer(request, outcome));
        }
        for server in &self.servers {
            server.look(|known| books.check_inventory(known));
        }
        kinds
    }
}

fn live(seed: u64, lie: Option<Lie>) -> Kinds {
    let mut life = Life::new(seed, lie);
    life.live();
    life.check()
}

#[test]
fn nothing_is_sold_twice_or_told_too_early_whatever_is_lost() {
    with_every_seed(setting("ENGINE_LIVES", 20_000), |seed| drop(live(seed, None)));
}

#[test]
fn lives_of_racing_servers_come_to_every_kind_of_record_and_of_answer() {
    let come_to = Mutex::new(Kinds::new());
    with_every_seed(1000, |seed| {
        let kinds = live(seed, None);
        come_to.lock().unwrap().extend(kinds);
    });
    // Nobody edits a count there is no file of.
    let all: Kinds =
        RECORDS.into_iter().chain(ANSWERS).filter(|kind| *kind != "adjusted").collect();
    assert_eq!(come_to.into_inner().unwrap(), all);
}

#[track_caller]
fn is_noticed(lie: Lie) {
    let goes_wrong = |seed| panic::catch_unwind(|| live(seed, Some(lie))).is_err();
    assert!((0..1000).any(goes_wrong), "a thousand lives did not notice");
}

#[test]
fn an_answer_that_rests_on_another_turns_sync_is_noticed() {
    is_noticed(Lie::DurableOnItsWay);
}

#[test]
fn a_trial_that_is_accepted_before_it_is_durable_is_noticed() {
    is_noticed(Lie::DurableThoughLost);
}

#[test]
fn a_lost_race_that_is_applied_twice_is_noticed() {
    is_noticed(Lie::LostThoughDurable);
}

#[test]
fn an_unknown_append_that_is_answered_too_early_is_noticed() {
    is_noticed(Lie::LostThoughUnknown);
}

#[test]
fn a_lapse_that_is_not_recorded_is_noticed() {
    is_noticed(Lie::LapseUnrecorded);
}

#[test]
fn a_refund_that_frees_twice_is_noticed() {
    is_noticed(Lie::RefundForgotten);
}

#[test]
fn a_hold_that_is_confirmed_after_its_end_is_noticed() {
    is_noticed(Lie::HoldWithoutEnd);
}

#[test]
fn a_hold_that_is_confirmed_and_lapses_as_well_is_noticed() {
    is_noticed(Lie::ConfirmForgotten);
}

#[test]
fn an_admission_that_a_restart_forgets_is_noticed() {
    is_noticed(Lie::AdmissionForgotten);
}

#[test]
fn a_snapshot_that_forgets_what_was_before_is_noticed() {
    is_noticed(Lie::SnapshotForgets);
}

#[test]
fn a_refusal_that_is_older_than_its_request_is_noticed() {
    is_noticed(Lie::ConfirmedUnseen);
}

#[test]
fn a_key_that_is_forgotten_with_a_dropped_trial_is_noticed() {
    is_noticed(Lie::KeyForgotten);
}
