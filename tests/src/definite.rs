//! Buyers while something is away: each is told in time whether something was sold, or that nobody knows.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use reqwest::Method;

use crate::{Answer, Client, sales::tickets_of};

/// How long an answer may take beyond `--lock-timeout`. An engine gives up within some seconds: only who hangs takes so
/// long.
const GRACE: Duration = Duration::from_secs(30);

/// How many buy at the same time.
const BUYERS: usize = 3;

/// How long a buyer rests who was not sold to.
const REST: Duration = Duration::from_millis(20);

/// A definite answer to a purchase of one ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Definite {
    /// This ticket.
    Sold(u64),
    /// Nothing was sold.
    NotSold,
    /// Nobody knows.
    Unknown,
}

impl Definite {
    /// Buys a ticket at `server`, which was given `lock_timeout`.
    ///
    /// # Panics
    /// When there is no answer in time, or one that does not say what was sold.
    #[track_caller]
    pub fn at(server: &Client, lock_timeout: Duration) -> Definite {
        Definite::within(server, lock_timeout + GRACE)
    }

    /// Buys a ticket at `server`, and waits for the answer up to `limit`.
    ///
    /// # Panics
    /// When there is no answer in time, or one that does not say what was sold.
    #[track_caller]
    pub fn within(server: &Client, limit: Duration) -> Definite {
        Definite::of(&Answer::to(server.request(Method::POST, "/buy").timeout(limit)))
    }

    /// What `answer` says.
    ///
    /// # Panics
    /// When it does not say what was sold.
    #[track_caller]
    fn of(answer: &Answer) -> Definite {
        if answer.status == 201 {
            let &[ticket] = &*tickets_of(answer) else { panic!("{}", answer.text()) };
            return Definite::Sold(ticket);
        }
        let problem = answer.json();
        match (answer.status, problem["sold"].as_str()) {
            (503, Some("no")) => Definite::NotSold,
            (503, Some("unknown")) => Definite::Unknown,
            _ => panic!("{} says not what was sold: {problem}", answer.status),
        }
    }
}

/// What several buyers were told.
#[derive(Debug, Default)]
pub struct Told {
    /// The tickets, in order.
    pub sold: Vec<u64>,
    /// How many were told that nothing was sold.
    pub not_sold: u64,
    /// How many were told that nobody knows.
    pub unknown: u64,
}

impl Told {
    /// What buyers at `server`, which was given `lock_timeout`, are told `meanwhile`, each answer a definite one.
    ///
    /// # Panics
    /// When one is not, or `meanwhile` panics.
    #[track_caller]
    pub fn to_buyers(server: &Client, lock_timeout: Duration, meanwhile: impl FnOnce()) -> Told {
        let (is_over, told) = (AtomicBool::new(false), Mutex::<Told>::default());
        thread::scope(|scope| {
            let closing = Closing(&is_over);
            for _ in 0..BUYERS {
                scope.spawn(|| {
                    while !is_over.load(Ordering::SeqCst) {
                        let answer = Definite::at(server, lock_timeout);
                        let is_sold = matches!(answer, Definite::Sold(_));
                        told.lock().unwrap_or_else(PoisonError::into_inner).note(answer);
                        if !is_sold {
                            thread::sleep(REST);
                        }
                    }
                });
            }
            meanwhile();
            drop(closing);
        });
        let mut told = told.into_inner().unwrap_or_else(PoisonError::into_inner);
        told.sold.sort_unstable();
        told
    }

    /// Fails unless `sold` tickets are what was told: each one once, and beyond them at most what nobody knows of.
    #[track_caller]
    pub fn assert_explains(&self, sold: u64) {
        let told = self.sold.len() as u64;
        assert!(self.sold.is_sorted_by(|one, next| one < next), "sold twice: {:?}", self.sold);
        assert!((told..=told + self.unknown).contains(&sold), "{sold} are sold; told: {self:?}");
    }

    fn note(&mut self, answer: Definite) {
        match answer {
            Definite::Sold(ticket) => self.sold.push(ticket),
            Definite::NotSold => self.not_sold += 1,
            Definite::Unknown => self.unknown += 1,
        }
    }
}

/// Sends the buyers home when it is dropped, also when the test panics.
struct Closing<'a>(&'a AtomicBool);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
