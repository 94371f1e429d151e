//! Lives of two to four servers on an engine that loses races and answers: `ENGINE_LIVES` says how many.
//!
//! `ENGINE_LIVES=100000 cargo test --release -p server --lib engine_tests`.

use std::{collections::BTreeMap, panic};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    domain::{Change, Command, Inventory, Order, Outcome, Record, Request, Stock},
    simulation::{
        engine::{Lie, SimEngine, SimLedger, TICKETS},
        seller::Seller,
        shop::{setting, with_every_seed},
    },
};

/// How many requests of a life share their keys.
const KEYS: u64 = 12;

/// A ledger, those who sell from it, and what they said.
struct Life {
    seed: u64,
    dice: StdRng,
    ledger: SimLedger,
    lie: Option<Lie>,
    servers: Vec<Seller<SimEngine>>,
    asked: u64,
    answered: Vec<(Request, Outcome)>,
}

impl Life {
    fn new(seed: u64, lie: Option<Lie>) -> Self {
        let (dice, ledger) = (StdRng::seed_from_u64(seed ^ 0x5eed), SimLedger::new(seed));
        let mut life =
            Self { seed, dice, ledger, lie, servers: Vec::new(), asked: 0, answered: Vec::new() };
        for _ in 0..life.dice.random_range(2..5) {
            let server = life.start();
            life.servers.push(server);
        }
        life
    }

    fn start(&self) -> Seller<SimEngine> {
        let (engine, inventory) = self.ledger.open(self.lie);
        Seller::new(engine, inventory, || 7)
    }

    /// A request that names its buyer, so that it is known again in the ledger.
    fn request(&mut self) -> Request {
        self.asked += 1;
        let buyer = Some(format!("buyer {}", self.asked).into());
        let number = self.dice.random_range(0..4 * KEYS);
        if number >= KEYS {
            let order = Order { quantity: self.dice.random_range(1..4), buyer };
            return Command::Buy(order).into();
        }
        // The same key is always sent with the same request.
        let order = Order { quantity: number % 3 + 1, buyer: None };
        Request { command: Command::Buy(order), key: Some(format!("key {number}").into()) }
    }

    fn live(&mut self) {
        for _ in 0..self.dice.random_range(5..30) {
            let place = self.dice.random_range(0..self.servers.len());
            if self.dice.random_bool(0.1) {
                // Whatever it did not know is forgotten with it.
                self.servers[place] = self.start();
            }
            self.serve(place);
        }
        self.ledger.calm();
        for place in 0..self.servers.len() {
            self.serve(place);
        }
    }

    fn serve(&mut self, place: usize) {
        let requests: Vec<_> = (0..self.dice.random_range(1..6)).map(|_| self.request()).collect();
        let chunk = self.dice.random_range(1..4);
        let (told, _) = self.servers[place].serve(&requests, chunk);
        let records = self.ledger.records();
        for (request, outcome) in told {
            self.check_answer(&records, &request, &outcome);
            self.answered.push((request, outcome));
        }
    }

    fn check_answer(&self, records: &[Record], request: &Request, outcome: &Outcome) {
        let seed = self.seed;
        let revision = match outcome {
            Outcome::Sold(sale) => sale.revision,
            Outcome::Repeated { revision } => *revision,
            _ => return,
        };
        let record = records.iter().find(|record| record.revision == revision);
        let record = record.unwrap_or_else(|| panic!("AckAfterSync: seed {seed}: {outcome:?}"));
        let answer = record.answer_to(&request.command);
        assert!(answer.is_some(), "seed {seed}: {record:?} for {request:?}");
        assert_eq!(record.key, request.key, "seed {seed}");
        if let Outcome::Sold(_) = outcome {
            assert_eq!(record.outcome().as_ref(), Some(outcome), "AckAfterSync: seed {seed}");
        }
    }

    fn check(&self) {
        let (seed, records) = (self.seed, self.ledger.records());
        let mut inventory = Inventory::new(Stock::new(TICKETS, 0, 0), 0);
        let (mut buyers, mut keys) = (BTreeMap::new(), BTreeMap::new());
        for record in &records {
            assert_eq!(inventory.fold(record), Ok(()), "seed {seed}");
            if let Change::Sold { buyer: Some(buyer), .. } = &record.change {
                let twice = buyers.insert(buyer, record.revision);
                assert_eq!(twice, None, "sold twice: seed {seed}, revision {}", record.revision);
            }
            let twice = record.key.as_ref().and_then(|key| keys.insert(key, record.revision));
            assert_eq!(twice, None, "AnswerOnce: seed {seed}, revision {}", record.revision);
        }
        for (request, outcome) in &self.answered {
            self.check_answer(&records, request, outcome);
        }
        for server in &self.servers {
            let stock = server.stock();
            let known = records.iter().find(|record| record.revision == stock.revision);
            let remaining = known.map_or(TICKETS, |record| record.remaining);
            assert_eq!(stock.remaining, remaining, "seed {seed}: a server is beside the ledger");
        }
    }
}

fn live(seed: u64, lie: Option<Lie>) {
    let mut life = Life::new(seed, lie);
    life.live();
    life.check();
}

#[test]
fn nothing_is_sold_twice_or_told_too_early_whatever_is_lost() {
    with_every_seed(setting("ENGINE_LIVES", 20_000), |seed| live(seed, None));
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
