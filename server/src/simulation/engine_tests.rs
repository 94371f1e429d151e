//! Lives of two to four servers on an engine that loses races and answers: `ENGINE_LIVES` says how many.
//!
//! `ENGINE_LIVES=1000000 cargo test --release -p server --lib engine_tests`.

use std::{collections::BTreeSet, panic, sync::Mutex};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    domain::{Change, Command, Hold, Order, Outcome, Request, Sale, SoldBefore},
    ledger::Archive as _,
    simulation::{
        books::{ANSWERS, Books, RECORDS},
        engine::{ACCIDENTS, Lie, SimEngine, SimLedger, TICKETS},
        seller::Seller,
        shop::{now_ms, set_now_ms, setting, with_every_seed},
    },
};

/// How many requests of a life share their keys.
const KEYS: u64 = 12;

/// The clocks of the servers: some are ahead of others.
const CLOCKS: [fn() -> u64; 4] =
    [now_ms, || now_ms() + 700, || now_ms().saturating_sub(900), || now_ms() + 2000];

/// What a life came to: the kinds of its records, answers and accidents.
type Kinds = BTreeSet<&'static str>;

/// A ledger, those who sell from it, and what they said.
struct Life {
    seed: u64,
    dice: StdRng,
    ledger: SimLedger,
    lie: Option<Lie>,
    /// How many counters were in this one's place before.
    replaced: usize,
    servers: Vec<Server>,
    asked: u64,
    answered: Vec<Answered>,
}

struct Server {
    seller: Seller<SimEngine>,
    /// Of which counter it is, of those that were in one place.
    counter: usize,
    /// The revision that the ledger had reached when the first of those who may still be owed an answer came.
    came_at: Option<u64>,
}

/// What a server of a counter said.
struct Answered {
    counter: usize,
    request: Request,
    outcome: Outcome,
}

impl Life {
    fn new(seed: u64, lie: Option<Lie>) -> Self {
        set_now_ms(1000);
        let (dice, ledger) = (StdRng::seed_from_u64(seed ^ 0x5eed), SimLedger::new(seed));
        let (servers, answered) = (Vec::new(), Vec::new());
        let mut life = Self { seed, dice, ledger, lie, replaced: 0, servers, asked: 0, answered };
        for place in 0..life.dice.random_range(2..5) {
            let server = life.start(place);
            life.servers.push(server);
        }
        life
    }

    fn start(&self, place: usize) -> Server {
        let (engine, inventory) = self.ledger.open(self.lie);
        let counter = engine.incarnation();
        let seller = Seller::new(engine, inventory, CLOCKS[place]);
        Server { seller, counter, came_at: None }
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
        let Server { ref seller, counter, .. } = self.servers[place];
        let known = seller.stock().revision;
        match self.dice.random_range(0..20) {
            0 => return Some(Command::SetSale { is_open: self.dice.random_bool(0.7) }),
            1 => return Some(Command::Search),
            _ => {}
        }
        let last = self.answered.len().checked_sub(1)?;
        let answered = last - self.dice.random_range(0..=last.min(12));
        let answered = &self.answered[answered];
        let is_first = self.dice.random_bool(0.6);
        match answered.outcome {
            _ if answered.counter != counter => None,
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
            }
            if self.dice.random_bool(0.01) {
                self.ledger.replace();
                self.replaced += 1;
            }
            if self.dice.random_bool(0.4) {
                set_now_ms(now_ms() + self.dice.random_range(0..3000));
            }
            if self.dice.random_bool(0.1) {
                self.watch(place);
            } else {
                self.serve_some(place);
            }
        }
        self.ledger.calm();
        (0..self.servers.len()).for_each(|place| self.serve_some(place));
        // The last who are served may end what is over by their clocks, and others hear of that.
        for place in (0..self.servers.len()).cycle().take(3 * CLOCKS.len()) {
            self.watch(place);
        }
    }

    fn serve_some(&mut self, place: usize) {
        let requests: Vec<_> =
            (0..self.dice.random_range(0..6)).map(|_| self.request(place)).collect();
        self.serve(place, &requests);
    }

    /// Somebody watches what is left, for whom a server that nobody asks anything asks only where it was hinted at news.
    fn watch(&mut self, place: usize) {
        if self.ledger.may_have_news(self.servers[place].seller.stock()) {
            self.serve(place, &[Command::Search.into()]);
        }
    }

    fn serve(&mut self, place: usize, requests: &[Request]) {
        let chunk = self.dice.random_range(1..4);
        let reached = self.ledger.stock().revision;
        let server = &mut self.servers[place];
        let counter = server.counter;
        // Of a counter that is gone nothing is true any more.
        let reached = if counter == self.replaced { reached } else { u64::MAX };
        let came_at = server.came_at.unwrap_or(reached);
        let (told, served) = server.seller.serve(requests, chunk);
        server.came_at = served.is_err().then_some(came_at);
        if !told.is_empty() {
            let records = self.ledger.records_of(counter);
            let books = Books::read(self.seed, TICKETS, &records);
            for (request, outcome) in told {
                books.check_answer(&request, &outcome);
                self.check_age(&outcome, came_at);
                self.answered.push(Answered { counter, request, outcome });
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
        let (mut kinds, mut buyers) = (self.ledger.met(), BTreeSet::new());
        for counter in 0..=self.replaced {
            let records = self.ledger.records_of(counter);
            for record in &records {
                if let Change::Sold { buyer: Some(buyer), hold: None, .. }
                | Change::Held { buyer: Some(buyer), .. } = &record.change
                {
                    let (seed, revision) = (self.seed, record.revision);
                    let is_new = buyers.insert(buyer.clone());
                    assert!(is_new, "sold twice: seed {seed}, revision {revision}");
                }
            }
            let books = Books::read(self.seed, TICKETS, &records);
            kinds.extend(&books.kinds);
            for answered in self.answered.iter().filter(|answered| answered.counter == counter) {
                kinds.insert(books.check_answer(&answered.request, &answered.outcome));
            }
            for server in self.servers.iter().filter(|server| server.counter == counter) {
                server.seller.look(|known| books.check_inventory(known));
            }
        }
        let last = self.ledger.stock().revision;
        for server in self.servers.iter().filter(|server| server.counter == self.replaced) {
            assert_eq!(server.seller.stock().revision, last, "unheard: seed {}", self.seed);
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
fn lives_of_racing_servers_come_to_every_kind_of_record_answer_and_accident() {
    let come_to = Mutex::new(Kinds::new());
    with_every_seed(1000, |seed| {
        let kinds = live(seed, None);
        come_to.lock().unwrap().extend(kinds);
    });
    // Nobody edits a count there is no file of.
    let all: Kinds = RECORDS
        .into_iter()
        .chain(ANSWERS)
        .chain(ACCIDENTS)
        .filter(|kind| *kind != "adjusted")
        .collect();
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

#[test]
fn a_hint_that_is_believed_ahead_of_a_refusal_is_noticed() {
    is_noticed(Lie::ConfirmedByHint);
}

#[test]
fn a_plain_reading_that_is_believed_ahead_of_a_refusal_is_noticed() {
    is_noticed(Lie::ConfirmedByReading);
}

#[test]
fn an_append_that_does_not_compare_the_revision_is_noticed() {
    is_noticed(Lie::RevisionUncompared);
}

#[test]
fn an_append_to_another_counter_in_the_same_place_is_noticed() {
    is_noticed(Lie::CounterUncompared);
}

#[test]
fn a_hint_that_is_believed_at_an_append_is_noticed() {
    is_noticed(Lie::ComparedWithHint);
}

#[test]
fn a_plain_reading_that_is_believed_at_an_append_is_noticed() {
    is_noticed(Lie::ComparedWithReading);
}

#[test]
fn an_append_that_is_sent_again_below_the_engine_is_noticed() {
    is_noticed(Lie::SentTwice);
}
