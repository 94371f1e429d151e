//! Buyers who never give up, at servers that come and go, and what they were told: as a history for the judge.

use std::{
    fmt::Write as _,
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Answer, Client, wait::eventually};

/// How long to rest where no answer says more.
const REST: Duration = Duration::from_millis(5);

/// How long one answer is waited for, before another server is asked.
const ANSWER: Duration = Duration::from_secs(20);

/// Of so many calls one only looks how many are left.
const SEARCH_EVERY: usize = 5;

/// Buyers, and the doors of the servers at which they buy.
pub struct Buyers {
    begun: Instant,
    doors: RwLock<Vec<Option<String>>>,
    told: Mutex<Vec<Told>>,
    sold: AtomicUsize,
    is_over: AtomicBool,
}

/// What a buyer was told at last.
struct Told {
    process: usize,
    /// `None` where it only looked.
    key: Option<String>,
    call: Duration,
    back: Duration,
    answer: Answer,
}

/// Sends the buyers home when it is dropped, also when the test panics.
struct Closing<'a>(&'a Buyers);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }
}

impl Buyers {
    /// So many buyers at the servers behind `doors`, with choices by `random`, while `meanwhile` goes on; then each
    /// ends what it has begun. Returns what they were told.
    ///
    /// # Panics
    /// When one is told what no server should say, or `meanwhile` panics.
    #[track_caller]
    pub fn while_doing(
        number: usize,
        doors: Vec<String>,
        random: &mut fastrand::Rng,
        meanwhile: impl FnOnce(&Buyers, &mut fastrand::Rng),
    ) -> Buyers {
        let doors = doors.into_iter().map(Some).collect();
        let buyers = Buyers {
            begun: Instant::now(),
            doors: RwLock::new(doors),
            told: Mutex::default(),
            sold: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        };
        thread::scope(|scope| {
            let closing = Closing(&buyers);
            for process in 0..number {
                let (buyers, seed) = (&buyers, random.u64(..));
                scope.spawn(move || buyers.go_on(process, fastrand::Rng::with_seed(seed)));
            }
            meanwhile(&buyers, random);
            drop(closing);
        });
        buyers
    }

    /// Where the server behind `door` is from now on; `None` while there is none.
    ///
    /// # Panics
    /// When there is no such door.
    pub fn set_door(&self, door: usize, url: Option<&str>) {
        let mut doors = self.doors.write().unwrap_or_else(PoisonError::into_inner);
        doors[door] = url.map(str::to_owned);
    }

    /// Waits until `more` have been sold than by now.
    ///
    /// # Panics
    /// When they are not for two minutes.
    #[track_caller]
    pub fn wait_for(&self, more: usize) {
        let before = self.sold.load(Ordering::SeqCst);
        eventually("more sales", || {
            (self.sold.load(Ordering::SeqCst) >= before + more).then_some(())
        });
    }

    /// The sales that were told.
    pub fn sales(&self) -> Vec<Answer> {
        let told = self.told();
        let sales = told.iter().filter(|told| told.key.is_some());
        sales.map(|told| told.answer.clone()).collect()
    }

    /// What they were told of a counter that began with `initial` tickets and has `left`, as a history.
    ///
    /// # Panics
    /// When an answer has no number of what is left.
    pub fn history(&self, initial: u64, left: u64) -> String {
        let mut history =
            format!("{}\n", json!({ "history": 1, "initial": initial, "sold": 0, "left": left }));
        let mut told: Vec<_> = self.told().iter().map(Told::line).collect();
        told.sort_by_key(|(call, _)| *call);
        for (_, line) in told {
            writeln!(history, "{line}").expect("a text takes everything");
        }
        history
    }

    fn told(&self) -> MutexGuard<'_, Vec<Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn go_on(&self, process: usize, mut random: fastrand::Rng) {
        let client = Client::new("");
        while !self.is_over.load(Ordering::SeqCst) {
            let is_search = random.usize(0..SEARCH_EVERY) == 0;
            let key = (!is_search).then(|| format!("{:032x}", random.u128(..)));
            let call = self.begun.elapsed();
            let answer = self.insist(&client, key.as_deref(), &mut random);
            let back = self.begun.elapsed();
            self.told().push(Told { process, key, call, back, answer });
            self.sold.fetch_add(usize::from(!is_search), Ordering::SeqCst);
        }
    }

    /// Asks at one server after the other until one says what came of it.
    fn insist(&self, client: &Client, key: Option<&str>, random: &mut fastrand::Rng) -> Answer {
        loop {
            let doors = self.doors.read().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(Some(url)) = random.choice(doors) {
                let client = client.at(&url);
                let request = match key {
                    None => client.request(Method::GET, "/search"),
                    Some(key) => client
                        .request(Method::POST, "/buy")
                        .header("Idempotency-Key", key)
                        .json(&json!({ "quantity": 1 })),
                };
                match Answer::try_to(request.timeout(ANSWER)) {
                    Ok(answer) if answer.status == if key.is_some() { 201 } else { 200 } => {
                        return answer;
                    }
                    Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
                    Err(_) => {}
                }
            }
            thread::sleep(REST);
        }
    }
}

impl Told {
    /// When it was asked, and a line of a history.
    fn line(&self) -> (Duration, Value) {
        let body = self.answer.json();
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let (op, outcome, remaining) = match self.key {
            Some(_) => ("buy", "sold", &body["remaining"]),
            None => ("search", "found", &body["count"]),
        };
        assert!(remaining.is_u64(), "{body}");
        let quantity = self.key.as_ref().map(|_| 1);
        let tickets = body["tickets"].as_array().cloned().unwrap_or_default();
        let line = json!({
            "process": self.process, "op": op, "quantity": quantity, "key": self.key,
            "call_ns": ns(self.call), "return_ns": ns(self.back), "outcome": outcome,
            "tickets": tickets, "remaining": remaining, "revision": body["revision"],
        });
        (self.call, line)
    }
}
