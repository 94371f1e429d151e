//! Buyers who retry with the same key at any server, and what must hold of all they were told.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use e2e::{Answer, Client, Counter, Method, RequestBuilder, Server, crowd};
use serde_json::json;

use super::fleet::SERVERS;
use crate::sales::tickets_of;

/// The tickets at the start: more than anybody buys.
pub(super) const TICKETS: u64 = 1_000_000;

/// How long to rest where no door is open.
const REST: Duration = Duration::from_millis(1);

/// A counter's doors and customers.
pub(super) struct Shop {
    doors: RwLock<Vec<Option<String>>>,
    /// Held for reading during a purchase, from the first try to the answer.
    quiet: RwLock<()>,
    sales: Mutex<Vec<Answer>>,
    taken_outside: AtomicU64,
    over: AtomicBool,
}

/// Sends the customers home when it is dropped, also when the test panics.
pub(super) struct Closing<'a>(&'a Shop);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
    }
}

impl Shop {
    pub(super) fn new() -> Shop {
        Shop {
            doors: RwLock::new(vec![None; SERVERS]),
            quiet: RwLock::new(()),
            sales: Mutex::new(Vec::new()),
            taken_outside: AtomicU64::new(0),
            over: AtomicBool::new(false),
        }
    }

    pub(super) fn open_door(&self, door: usize, url: &str) {
        self.set_door(door, Some(url.to_owned()));
    }

    pub(super) fn close_door(&self, door: usize) {
        self.set_door(door, None);
    }

    /// Closes the shop when it is dropped.
    pub(super) fn closing(&self) -> Closing<'_> {
        Closing(self)
    }

    /// Buys until the shop closes; every purchase is tried until it is answered.
    pub(super) fn buy_on(&self, seed: u64) {
        let mut random = fastrand::Rng::with_seed(seed);
        let client = Client::new("");
        while !self.is_over() {
            let _noise = self.noise();
            // Long records, so that segments follow each other within a life.
            let order = json!({ "quantity": random.u64(1..=3), "buyer": "\u{1f3ab}".repeat(200) });
            let key = format!("{:016x}", random.u64(..));
            let buy = |client: &Client| {
                let request = client.request(Method::POST, "/buy");
                request.header("Idempotency-Key", &key).json(&order)
            };
            let Some(first) = self.insist(&client, &mut random, buy) else { return };
            assert_eq!(first.status, 201, "{}", first.text());
            if random.u8(0..4) == 0 {
                let Some(again) = self.insist(&client, &mut random, buy) else { return };
                assert_eq!(again.text(), first.text(), "AnswerOnce: {key}");
                assert_eq!(again.header("Idempotent-Replayed"), "true", "{key}");
            }
            self.sales().push(first);
        }
    }

    /// Takes tickets until the shop closes: one at a time, as `take` does it.
    pub(super) fn take_outside_on(&self, counter: &Counter, take: impl Fn(&Counter)) {
        while !self.is_over() {
            {
                let _noise = self.noise();
                take(counter);
                self.taken_outside.fetch_add(1, Ordering::SeqCst);
            }
            thread::sleep(REST);
        }
    }

    /// Checks all that was ever told against what `servers` say now, while nobody buys.
    pub(super) fn audit(&self, counter: &Counter, servers: &[Server]) {
        let _quiet = self.quiet();
        let sales = self.sales().clone();
        let mut tickets = BTreeSet::new();
        for ticket in sales.iter().flat_map(tickets_of) {
            assert!(tickets.insert(ticket), "NoOversell: ticket {ticket} was sold twice");
        }
        crowd(servers.len(), |at| {
            for sale in sales.iter().skip(at).step_by(servers.len()) {
                assert_receipt(&servers[at], sale);
            }
        });
        let sold = tickets.len() as u64;
        for server in servers {
            assert_eq!(server.search()["sold"], sold, "AnswerOnce: a key each, and no other sale");
        }
        let (left, taken) = (counter.count(), self.taken_outside.load(Ordering::SeqCst));
        assert_eq!(
            left + sold + taken,
            TICKETS,
            "Conservation: {left} left, {sold} sold, {taken} taken outside"
        );
    }

    /// How many purchases were answered.
    pub(super) fn sales_count(&self) -> usize {
        self.sales().len()
    }

    /// Tries at any door until there is an answer but "not now"; `None` once the shop closes.
    pub(super) fn insist(
        &self,
        client: &Client,
        random: &mut fastrand::Rng,
        request: impl Fn(&Client) -> RequestBuilder,
    ) -> Option<Answer> {
        while !self.is_over() {
            let Some(url) = self.any_door(random) else {
                thread::sleep(REST);
                continue;
            };
            match Answer::try_to(request(&client.at(&url))) {
                Ok(answer) if answer.status != 503 => return Some(answer),
                Ok(_) => {}
                // Killed in the middle of it: it happened or not, the next try tells.
                Err(_) => thread::sleep(REST),
            }
        }
        None
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Keeps audits off, from the first try to the last answer.
    pub(super) fn noise(&self) -> RwLockReadGuard<'_, ()> {
        self.quiet.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody is in the middle of anything, and keeps them off.
    pub(super) fn quiet(&self) -> RwLockWriteGuard<'_, ()> {
        self.quiet.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn any_door(&self, random: &mut fastrand::Rng) -> Option<String> {
        let doors = self.doors.read().unwrap_or_else(PoisonError::into_inner);
        random.choice(doors.iter().flatten().collect::<Vec<_>>()).cloned()
    }

    fn set_door(&self, door: usize, url: Option<String>) {
        self.doors.write().unwrap_or_else(PoisonError::into_inner)[door] = url;
    }

    fn sales(&self) -> MutexGuard<'_, Vec<Answer>> {
        self.sales.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[track_caller]
fn assert_receipt(server: &Client, sale: &Answer) {
    let found = server.get(sale.header("Location"));
    assert_eq!(found.status, 200, "AckAfterSync: {} is lost: {}", sale.text(), found.text());
    let (told, sold) = (found.json(), sale.json());
    for member in ["tickets", "remaining", "revision", "receipt"] {
        assert_eq!(told[member], sold[member], "{told} was told for {sold}");
    }
}
