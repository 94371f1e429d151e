//! The desk: requests wait here until the committer takes them in.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::{
    counter::{Answer, Mailbox, Refusal, company::Company, replies::Letter},
    domain::{Request, Stock},
    ledger::{Holder, record_bytes_max},
};

/// How many may wait at once.
const WAITING_MAX: usize = 16 * 1024;

/// Who waits for an answer.
pub struct Waiting {
    /// What was asked.
    pub request: Request,
    /// Which event loop the answer goes to.
    pub mailbox: usize,
    to: oneshot::Sender<Answer>,
    since: Instant,
}

impl Waiting {
    /// The letter with `answer` to whoever waits.
    pub fn letter(self, answer: Answer) -> Letter {
        Letter { to: self.to, answer }
    }
}

/// Where requests wait.
pub struct Desk {
    queue: Mutex<Queue>,
    arrival: Condvar,
    lock_timeout: Duration,
    holders: Box<dyn Fn() -> Vec<Holder> + Send + Sync>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// How many have to wait for the committer to be woken; 0 while it is awake.
    wake_at: usize,
    company: Company,
    /// Why nobody is served any more.
    closed: Option<Refusal>,
    /// Why the last try to take a turn failed.
    obstacle: Option<Arc<str>>,
    stock: Stock,
}

/// Why the committer was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Somebody waits.
    Work,
    /// Nobody has come for a while.
    Rest,
    /// The desk is closed and nobody waits any more.
    End,
}

impl Desk {
    /// A desk at which nobody waits longer than `lock_timeout` to be taken in.
    ///
    /// `holders` tells who holds the ledger's locks.
    pub fn new(
        stock: Stock,
        lock_timeout: Duration,
        holders: impl Fn() -> Vec<Holder> + Send + Sync + 'static,
    ) -> Self {
        let queue = Mutex::new(Queue { stock, ..Queue::default() });
        Self { queue, arrival: Condvar::new(), lock_timeout, holders: Box::new(holders) }
    }

    /// Waits in the queue; the answer comes through `mailbox`.
    ///
    /// Whoever stops waiting before being taken in is not sold anything; a sale
    /// that was taken in is finished even if nobody waits for it any more.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn ask(&self, request: Request, mailbox: &Mailbox) -> Answer {
        let (to, answer) = oneshot::channel();
        let waiting = Waiting { request, mailbox: mailbox.index(), to, since: Instant::now() };
        let is_due = {
            let mut queue = self.queue();
            if let Some(refusal) = &queue.closed {
                return Err(refusal.clone());
            }
            if queue.waiting.len() >= WAITING_MAX {
                return Err(Refusal::Overloaded);
            }
            queue.waiting.push_back(waiting);
            let is_due = (1..=queue.waiting.len()).contains(&queue.wake_at);
            if is_due {
                queue.wake_at = 0;
            }
            is_due
        };
        if is_due {
            // Behind the guard, so that the committer does not wake to a taken mutex.
            self.arrival.notify_one();
        }
        let stopped = || Refusal::Unknown("the committer stopped in the middle of a turn".into());
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// The stock after the last turn of this process.
    pub fn stock(&self) -> Stock {
        self.queue().stock
    }

    /// Why nobody is served now, if so: for good, or since the last try.
    pub fn obstacle(&self) -> Option<Refusal> {
        let queue = self.queue();
        queue.closed.clone().or_else(|| queue.obstacle.clone().map(Refusal::NotSold))
    }

    /// Why nobody is served any more, if so.
    pub fn closed(&self) -> Option<Refusal> {
        self.queue().closed.clone()
    }

    /// Serves nobody from now on but those who wait already.
    pub fn close(&self) {
        let mut queue = self.queue();
        queue.closed.get_or_insert(Refusal::ShuttingDown);
        queue.wake_at = 0;
        self.arrival.notify_one();
    }

    /// Tells everybody who still waits that nothing was sold, and why.
    pub fn turn_away(&self, refusal: &Refusal) {
        let mut queue = self.queue();
        queue.closed.get_or_insert_with(|| refusal.clone());
        for waiting in std::mem::take(&mut queue.waiting) {
            // Whoever has gone away does not need the answer.
            let _ = waiting.to.send(Err(refusal.clone()));
        }
    }

    /// Withdraws, for as long as the desk is open, the requests that have waited too long.
    pub async fn watch(&self) {
        loop {
            let next = self.withdraw_late(Instant::now());
            tokio::time::sleep_until(next.into()).await;
        }
    }

    /// Answers those who have waited too long; gives when to look again.
    fn withdraw_late(&self, now: Instant) -> Instant {
        let late = |waiting: &Waiting| now.duration_since(waiting.since) >= self.lock_timeout;
        let mut letters = Vec::new();
        let (next, obstacle) = {
            let mut queue = self.queue();
            while queue.waiting.front().is_some_and(late) {
                letters.extend(queue.waiting.pop_front());
            }
            // Whoever comes later is late later: all wait equally long.
            let oldest = queue.waiting.front().map_or(now, |waiting| waiting.since);
            (oldest + self.lock_timeout, queue.obstacle.clone())
        };
        if !letters.is_empty() {
            let refusal = match obstacle {
                Some(cause) => Refusal::NotSold(cause),
                None => {
                    Refusal::LockTimeout { waited: self.lock_timeout, holders: (self.holders)() }
                }
            };
            for waiting in letters {
                let _ = waiting.to.send(Err(refusal.clone()));
            }
        }
        next.max(now + Duration::from_millis(1))
    }

    /// Sleeps until somebody waits, with company where some is expected, or `rest_after` is over,
    /// or the desk is closed.
    pub fn wait(&self, rest_after: Option<Duration>) -> Wake {
        let mut queue = self.queue();
        if let Some((expected, patience)) = queue.company.expect() {
            queue = self.sleep(queue, expected, Some(patience));
        }
        loop {
            if !queue.waiting.is_empty() {
                return Wake::Work;
            }
            if queue.closed.is_some() {
                return Wake::End;
            }
            let start = Instant::now();
            queue = self.sleep(queue, 1, rest_after);
            let is_over = rest_after.is_some_and(|rest_after| start.elapsed() >= rest_after);
            if is_over && queue.waiting.is_empty() && queue.closed.is_none() {
                return Wake::Rest;
            }
        }
    }

    /// Sleeps until `wake_at` wait or `patience` is over, or for no reason.
    fn sleep<'a>(
        &self,
        mut queue: MutexGuard<'a, Queue>,
        wake_at: usize,
        patience: Option<Duration>,
    ) -> MutexGuard<'a, Queue> {
        if queue.waiting.len() >= wake_at || queue.closed.is_some() {
            return queue;
        }
        queue.wake_at = wake_at;
        let mut queue = match patience {
            None => self.arrival.wait(queue).unwrap_or_else(PoisonError::into_inner),
            Some(patience) => {
                let woken = self.arrival.wait_timeout(queue, patience);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        queue.wake_at = 0;
        queue
    }

    /// Takes in those who have waited longest, as many as there is room for in the ledger.
    ///
    /// Whoever has gone away is passed over.
    pub fn take_in(&self, room_bytes: usize) -> Vec<Waiting> {
        let mut queue = self.queue();
        let mut needed = 0;
        let fits = |waiting: &&Waiting| {
            needed += record_bytes_max(&waiting.request);
            needed <= room_bytes
        };
        let count = queue.waiting.iter().take_while(fits).count();
        queue.waiting.drain(..count).filter(|waiting| !waiting.to.is_closed()).collect()
    }

    /// Notes why no turn could be taken; those who wait go on waiting.
    ///
    /// Says whether that is news.
    pub fn set_obstacle(&self, cause: &Arc<str>) -> bool {
        let mut queue = self.queue();
        let is_news = queue.obstacle.as_ref() != Some(cause);
        queue.obstacle = Some(Arc::clone(cause));
        is_news
    }

    /// Notes a turn that succeeded: the stock after it, how many it `served` and how long it took.
    pub fn note_turn(&self, stock: Stock, served: usize, took: Duration) {
        let mut queue = self.queue();
        let waiting = queue.waiting.len();
        queue.company.note(served, waiting, took);
        queue.stock = stock;
        queue.obstacle = None;
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing in this file panics between two changes that belong together.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
