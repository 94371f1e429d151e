//! Who waits, who is decided, and who may be told: a state machine, and pure.
//!
//! A request waits until a turn is open and its turn has come; then it is decided
//! on trial and gathered, taken with the others into one append, and told once that
//! is durable. Time comes in as a value; sleeping, waking and answering are the
//! business of [`super::group_commit`].
//!
//! # Invariants
//! - `AnswerOnce`: who came in is given back once, with one answer.
//! - `AckAfterSync`: an outcome is given back by [`Queue::settled`] only.
//! - Nobody overtakes: a request is decided behind all that came before it.
//! - Who was withdrawn or turned away while waiting was definitely not sold anything.

use std::{
    collections::VecDeque,
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    counter::{Answer, Refusal, company::Company},
    domain::{Inventory, Outcome, Request, Stock},
    ledger::{Batch, Holder, Pipeline, Void},
};

/// How many may be here at once.
const CLIENTS_MAX: usize = 16 * 1024;

/// How long a turn may be held while there is always somebody: others wait for the lock.
const HOLD_MAX: Duration = Duration::from_millis(2);

/// The way back to whoever asked.
pub trait Recipient {
    /// Whether nobody waits there any more.
    fn is_gone(&self) -> bool;
}

/// Who is here, and the pipeline that they are decided on.
#[derive(Debug)]
pub struct Queue<B, R> {
    pipeline: Pipeline<B>,
    waiting: VecDeque<Waiting<R>>,
    gathered: Vec<Decided<R>>,
    taken: Vec<Decided<R>>,
    company: Company,
    lock_timeout: Duration,
    opened: Option<Opened>,
    taken_at: Option<Instant>,
    /// Why nobody is served any more.
    closed: Option<Refusal>,
    /// Why the last try to take a turn failed.
    obstacle: Option<Arc<str>>,
}

#[derive(Debug)]
struct Waiting<R> {
    request: Request,
    recipient: R,
    since: Instant,
}

#[derive(Debug)]
struct Decided<R> {
    waiting: Waiting<R>,
    outcome: Outcome,
}

/// When the turn that is open was opened.
#[derive(Clone, Copy, Debug)]
struct Opened {
    at: Instant,
    now_ms: u64,
}

/// An answer, and where it goes.
pub type Told<R> = (R, Answer);

impl<B: Batch, R: Recipient> Queue<B, R> {
    /// A queue in front of `inventory`, in which nobody waits longer than `lock_timeout` to be decided.
    pub fn new(inventory: Inventory, lock_timeout: Duration) -> Self {
        Self {
            pipeline: Pipeline::new(inventory),
            waiting: VecDeque::new(),
            gathered: Vec::new(),
            taken: Vec::new(),
            company: Company::default(),
            lock_timeout,
            opened: None,
            taken_at: None,
            closed: None,
            obstacle: None,
        }
    }

    /// The pipeline, for the writer.
    pub fn pipeline(&mut self) -> &mut Pipeline<B> {
        &mut self.pipeline
    }

    /// The stock that is durable.
    pub fn stock(&self) -> Stock {
        self.pipeline.stock()
    }

    /// Why nobody is served now, if so: for good, or since the last try.
    pub fn obstacle(&self) -> Option<Refusal> {
        self.closed.clone().or_else(|| self.obstacle.clone().map(Refusal::NotSold))
    }

    /// Whether nobody is let in any more.
    pub fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// How many wait, or are decided and not taken yet.
    pub fn here(&self) -> usize {
        self.waiting.len() + self.gathered.len()
    }

    /// Lets somebody in: decided at once where a turn is open and nobody waits, else behind all who do.
    ///
    /// # Errors
    /// The [`Refusal`] of one who is not let in.
    pub fn enter(&mut self, request: Request, recipient: R, now: Instant) -> Result<(), Refusal> {
        if let Some(refusal) = &self.closed {
            return Err(refusal.clone());
        }
        if self.here() >= CLIENTS_MAX {
            return Err(Refusal::Overloaded);
        }
        let waiting = Waiting { request, recipient, since: now };
        if self.waiting.is_empty()
            && let Some(outcome) = self.decide(&waiting.request)
        {
            self.gathered.push(Decided { waiting, outcome });
        } else {
            self.waiting.push_back(waiting);
        }
        Ok(())
    }

    fn decide(&mut self, request: &Request) -> Option<Outcome> {
        let opened = self.opened?;
        self.pipeline.apply(request, opened.now_ms)
    }

    /// A turn was opened at `now`: decides for those who wait, as many as there is room for.
    ///
    /// Whoever has gone away is passed over.
    pub fn gather(&mut self, now: Instant, now_ms: u64) {
        self.obstacle = None;
        self.opened.get_or_insert(Opened { at: now, now_ms });
        while let Some(waiting) = self.waiting.pop_front() {
            if waiting.recipient.is_gone() {
                continue;
            }
            match self.decide(&waiting.request) {
                Some(outcome) => self.gathered.push(Decided { waiting, outcome }),
                None => return self.waiting.push_front(waiting),
            }
        }
    }

    /// How many are worth waiting for before the next append, and how long.
    pub fn company(&mut self) -> Option<(usize, Duration)> {
        self.company.expect().filter(|_| self.pipeline.is_open())
    }

    /// Whether the turn goes on behind the next append; closes it where it does not.
    pub fn goes_on(&mut self, now: Instant) -> bool {
        let is_held_too_long =
            self.opened.is_some_and(|opened| now.duration_since(opened.at) >= HOLD_MAX);
        if self.gathered.is_empty() || is_held_too_long {
            self.pipeline.close();
        }
        if !self.pipeline.is_open() {
            self.opened = None;
        }
        self.pipeline.is_open()
    }

    /// Takes what is gathered into the next append.
    pub fn take(&mut self, now: Instant) -> Option<B> {
        self.taken.append(&mut self.gathered);
        self.taken_at = Some(now);
        self.pipeline.take()
    }

    /// What was taken is durable: gives it back with its outcomes.
    pub fn settled(&mut self, now: Instant) -> impl Iterator<Item = Told<R>> + use<B, R> {
        let taken = mem::take(&mut self.taken);
        if let Some(taken_at) = self.taken_at.take().filter(|_| !taken.is_empty()) {
            let took = now.duration_since(taken_at);
            self.company.note(taken.len(), self.here(), took);
        }
        taken.into_iter().map(|Decided { waiting, outcome }| (waiting.recipient, Ok(outcome)))
    }

    /// What was decided is void: it goes back, ahead of those who wait, to be decided again.
    pub fn lost(&mut self, which: Void) {
        self.opened = None;
        let gathered = mem::take(&mut self.gathered);
        let taken = match which {
            Void::Gathered => Vec::new(),
            Void::Taken => mem::take(&mut self.taken),
        };
        for decided in taken.into_iter().chain(gathered).rev() {
            self.waiting.push_front(decided.waiting);
        }
    }

    /// Withdraws those who have waited too long by `now`, and gives them back; and when to look again.
    ///
    /// They are told who the `holders` of the lock are, or what the obstacle is.
    pub fn withdraw_late(
        &mut self,
        now: Instant,
        holders: impl FnOnce() -> Vec<Holder>,
    ) -> (Vec<Told<R>>, Instant) {
        let waited = self.lock_timeout;
        let late = |waiting: &Waiting<R>| now.duration_since(waiting.since) >= waited;
        let mut withdrawn = Vec::new();
        while self.waiting.front().is_some_and(late) {
            withdrawn.extend(self.waiting.pop_front());
        }
        // Whoever comes later is late later: all wait equally long.
        let next = self.waiting.front().map_or(now, |waiting| waiting.since) + waited;
        if withdrawn.is_empty() {
            return (Vec::new(), next);
        }
        let refusal = match &self.obstacle {
            Some(cause) => Refusal::NotSold(Arc::clone(cause)),
            None => Refusal::LockTimeout { waited, holders: holders() },
        };
        let told = |waiting: Waiting<R>| (waiting.recipient, Err(refusal.clone()));
        (withdrawn.into_iter().map(told).collect(), next)
    }

    /// Notes why no turn could be taken; those who wait go on waiting.
    ///
    /// Says whether that is news.
    pub fn set_obstacle(&mut self, cause: &Arc<str>) -> bool {
        let is_news = self.obstacle.as_ref() != Some(cause);
        self.obstacle = Some(Arc::clone(cause));
        is_news
    }

    /// Lets nobody in from now on; those who are here are served.
    pub fn close(&mut self) {
        self.closed.get_or_insert(Refusal::ShuttingDown);
    }

    /// Gives everybody back: those who were taken into an append that is not settled may have been
    /// sold something, those who were not were definitely not.
    pub fn turn_away(&mut self, refusal: &Refusal) -> Vec<Told<R>> {
        self.closed.get_or_insert_with(|| refusal.clone());
        self.opened = None;
        self.pipeline.close();
        let cause: Arc<str> = match refusal {
            Refusal::NotSold(cause) => Arc::clone(cause),
            _ => "the server ended before the sale was settled".into(),
        };
        let unknown = mem::take(&mut self.taken).into_iter();
        let unknown =
            unknown.map(|decided| (decided.waiting.recipient, Refusal::Unknown(cause.clone())));
        let gathered = mem::take(&mut self.gathered).into_iter().map(|decided| decided.waiting);
        let untouched = gathered.chain(mem::take(&mut self.waiting));
        let untouched = untouched.map(|waiting| (waiting.recipient, refusal.clone()));
        unknown.chain(untouched).map(|(recipient, refusal)| (recipient, Err(refusal))).collect()
    }
}
