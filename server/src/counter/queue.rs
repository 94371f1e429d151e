//! Who waits, who is decided, and who may be told: a state machine, and pure.
//!
//! A request waits until a turn is open and its turn has come; then it is decided
//! on trial and gathered, taken with the others into one append, and told once that
//! is durable. Time comes in as a value; sleeping, waking and answering are the
//! business of `group_commit`.
//!
//! # Invariants
//! - `AnswerOnce`: who came in is given back once, with one answer.
//! - `AckAfterSync`: an outcome is given back by [`Queue::settled`] only.
//! - Nobody overtakes: a request is decided behind all that came before it.
//! - Who was withdrawn or turned away while waiting was definitely not sold anything.
//! - The queue is bounded in number, and in the time that it takes to serve (`expected_wait`).

use std::{
    collections::VecDeque,
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    counter::{Answer, Refusal, commit_delay::CommitDelay, expected_wait::ExpectedWait},
    domain::{Inventory, Outcome, Request, Stock},
    ledger::{Batch, Pipeline, Void},
};

/// How many may be here at once.
const CLIENTS_MAX: usize = 16 * 1024;

/// How long a turn may be held while there is always somebody: others wait for the lock.
const HOLD_MAX: Duration = Duration::from_millis(2);

/// Now.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// By the clock that never runs back.
    pub instant: Instant,
    /// By the clock on the wall, in milliseconds since 1970 UTC.
    pub at_ms: u64,
}

impl Moment {
    /// Now, where the clock on the wall says `now_ms`.
    pub fn now(now_ms: fn() -> u64) -> Self {
        // In this order: whatever comes in between, no time that is told from this moment on is ahead of the clock.
        let at_ms = now_ms();
        Self { instant: Instant::now(), at_ms }
    }

    /// What the clock on the wall says at `instant`, soon after, in milliseconds since 1970 UTC.
    fn at_ms(&self, instant: Instant) -> u64 {
        let later = instant.saturating_duration_since(self.instant).as_millis();
        self.at_ms.saturating_add(u64::try_from(later).unwrap_or(u64::MAX))
    }
}

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
    commit_delay: CommitDelay,
    expected_wait: ExpectedWait,
    lock_timeout: Duration,
    /// When the turn that is open was opened.
    opened: Option<Moment>,
    taken_at: Option<Instant>,
    /// Whether somebody found no room in what is gathered, and in what was taken.
    is_full: bool,
    was_full: bool,
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

/// An answer, and where it goes.
pub type Told<R> = (R, Answer);

/// Who was withdrawn, to be told that they were not sold anything, or that nobody knows.
#[derive(Debug)]
pub struct Withdrawn<R> {
    /// Who was not sold anything.
    pub recipients: Vec<R>,
    /// Who may have been, or not: what they were taken into is not settled, and no turn can be taken to
    /// settle it.
    pub unsettled: Vec<R>,
    /// Why no turn could be taken, where it was not for the lock.
    pub obstacle: Option<Arc<str>>,
    /// How long they waited.
    pub waited: Duration,
    /// When to look again.
    pub next: Instant,
}

impl<B: Batch, R: Recipient> Queue<B, R> {
    /// A queue in front of `inventory`, in which nobody waits longer than `lock_timeout` to be decided.
    pub fn new(inventory: Inventory, lock_timeout: Duration) -> Self {
        Self {
            pipeline: Pipeline::new(inventory),
            waiting: VecDeque::new(),
            gathered: Vec::new(),
            taken: Vec::new(),
            commit_delay: CommitDelay::default(),
            expected_wait: ExpectedWait::default(),
            lock_timeout,
            opened: None,
            taken_at: None,
            is_full: false,
            was_full: false,
            closed: None,
            obstacle: None,
        }
    }

    /// The pipeline, for the writer.
    pub fn pipeline(&mut self) -> &mut Pipeline<B> {
        &mut self.pipeline
    }

    /// How long it is until a hold is over, whoever asks or does not.
    pub fn due_in(&mut self, now_ms: u64) -> Option<Duration> {
        self.pipeline.due_in(now_ms)
    }

    /// All that is durable.
    pub fn inventory(&self) -> &Inventory {
        self.pipeline.inventory()
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

    /// Whether the last try to take a turn failed, and a later one may not.
    pub fn has_obstacle(&self) -> bool {
        self.obstacle.is_some() && self.closed.is_none()
    }

    /// Whether nobody is here, and nobody is owed an answer.
    pub fn is_idle(&self) -> bool {
        self.here() == 0 && self.taken.is_empty()
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
        if self.here() >= CLIENTS_MAX || self.expected_wait.is_too_long(self.here()) {
            return Err(Refusal::Overloaded);
        }
        if self.is_idle() {
            self.expected_wait.begin(now);
        }
        let waiting = Waiting { request, recipient, since: now };
        // Within a turn the clock on the wall is not read again: that would cost as much as the decision. What
        // has passed since is known to a millisecond; who may be too late for a hold waits until it is read.
        let is_at_once = self.waiting.is_empty() && !waiting.request.command.has_a_deadline();
        let at_ms = self.opened.filter(|_| is_at_once).map(|opened| opened.at_ms(now));
        if let Some(at_ms) = at_ms
            && let Some(outcome) = self.pipeline.apply(&waiting.request, at_ms)
        {
            self.gathered.push(Decided { waiting, outcome });
        } else {
            self.is_full |= at_ms.is_some();
            self.waiting.push_back(waiting);
        }
        Ok(())
    }

    /// A turn was opened at `now`: decides for those who wait, as many as there is room for, and ends
    /// the holds that are over.
    ///
    /// Whoever has gone away is passed over.
    pub fn gather(&mut self, now: Moment) {
        self.obstacle = None;
        self.opened.get_or_insert(now);
        self.pipeline.lapse(now.at_ms);
        while let Some(waiting) = self.waiting.pop_front() {
            if waiting.recipient.is_gone() {
                continue;
            }
            match self.pipeline.apply(&waiting.request, now.at_ms) {
                Some(outcome) => self.gathered.push(Decided { waiting, outcome }),
                None => {
                    self.is_full = true;
                    return self.waiting.push_front(waiting);
                }
            }
        }
    }

    /// How many are worth waiting for before the next append, and how long.
    pub fn commit_delay(&mut self, now: Instant) -> Option<(usize, Duration)> {
        self.commit_delay.expect(now).filter(|_| self.pipeline.is_open())
    }

    /// Whether the turn goes on behind the next append; closes it where it does not.
    pub fn goes_on(&mut self, now: Instant) -> bool {
        let is_held_too_long =
            self.opened.is_some_and(|opened| now.duration_since(opened.instant) >= HOLD_MAX);
        // Who waits in an open turn is decided at the beginning of the next append.
        if (self.gathered.is_empty() && self.waiting.is_empty()) || is_held_too_long {
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
        let batch = self.pipeline.take();
        let has_usual_room = batch.as_ref().is_some_and(Batch::has_usual_room);
        self.was_full = mem::take(&mut self.is_full) && has_usual_room;
        batch
    }

    /// Whether anybody was taken, and is not told yet.
    pub fn owes(&self) -> bool {
        !self.taken.is_empty()
    }

    /// What was taken is durable: gives it back with its outcomes.
    pub fn settled(&mut self, now: Instant) -> impl Iterator<Item = Told<R>> + use<B, R> {
        let taken = mem::take(&mut self.taken);
        if let Some(taken_at) = self.taken_at.take().filter(|_| !taken.is_empty()) {
            let took = now.duration_since(taken_at);
            self.commit_delay.note(taken.len(), self.here(), took, now);
            self.expected_wait.note(taken.len(), self.was_full, now);
        }
        taken.into_iter().map(|Decided { waiting, outcome }| (waiting.recipient, Ok(outcome)))
    }

    /// What was decided is void: it goes back, ahead of those who wait, to be decided again.
    pub fn lost(&mut self, which: Void) {
        (self.opened, self.is_full) = (None, false);
        let gathered = mem::take(&mut self.gathered);
        let taken = match which {
            Void::Gathered => Vec::new(),
            Void::Taken => mem::take(&mut self.taken),
        };
        for decided in taken.into_iter().chain(gathered).rev() {
            self.waiting.push_front(decided.waiting);
        }
    }

    /// Withdraws those who have waited too long by `now`.
    pub fn withdraw_late(&mut self, now: Instant) -> Withdrawn<R> {
        let waited = self.lock_timeout;
        let late = |waiting: &Waiting<R>| now.duration_since(waiting.since) >= waited;
        let mut recipients = Vec::new();
        while self.waiting.front().is_some_and(late) {
            recipients.extend(self.waiting.pop_front().map(|waiting| waiting.recipient));
        }
        let is_stuck = self.obstacle.is_some();
        let unsettled = self.taken.extract_if(.., |decided| is_stuck && late(&decided.waiting));
        let unsettled = unsettled.map(|decided| decided.waiting.recipient).collect();
        // Whoever comes later is late later: all wait equally long. But a lost race brings back some
        // who came before, and they are not kept much longer for it.
        let next = self.waiting.front().map_or(now, |waiting| waiting.since) + waited;
        let next = next.min(now + waited / 4);
        Withdrawn { recipients, unsettled, obstacle: self.obstacle.clone(), waited, next }
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
        // IMPORTANT: whoever appends meanwhile must find nothing of theirs afterwards.
        self.pipeline.drop_gathered();
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

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc, sync::LazyLock};

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Change, Command, Order, Record, Sale};

    const LOCK_TIMEOUT: Duration = Duration::from_secs(3);

    /// A batch with room for so many records, where the usual is so much.
    #[derive(Debug)]
    struct Room {
        records: Vec<Record>,
        room: usize,
        usual: usize,
    }

    impl Room {
        fn for_records(room: usize) -> Self {
            Self { records: Vec::new(), room, usual: room }
        }
    }

    impl Batch for Room {
        fn push(&mut self, record: &Record) -> bool {
            let has_room = self.records.len() < self.room;
            if has_room {
                self.records.push(record.clone());
            }
            has_room
        }

        fn is_empty(&self) -> bool {
            self.records.is_empty()
        }

        fn has_usual_room(&self) -> bool {
            self.room >= self.usual
        }

        fn take(&mut self) -> Self {
            mem::replace(self, Self::for_records(self.room))
        }
    }

    /// A client by number, who may go away.
    #[derive(Clone, Debug)]
    struct Client(u64, Rc<RefCell<Vec<u64>>>);

    impl Recipient for Client {
        fn is_gone(&self) -> bool {
            self.1.borrow().contains(&self.0)
        }
    }

    struct Counter {
        queue: Queue<Room, Client>,
        start: Instant,
        now: Instant,
        gone: Rc<RefCell<Vec<u64>>>,
        entered: u64,
        ledger: Vec<Record>,
    }

    impl Counter {
        fn with(tickets: u64) -> Self {
            let stock = Stock::new(tickets, 0, 0);
            let queue = Queue::new(Inventory::new(stock, 0), LOCK_TIMEOUT);
            let start = Instant::now();
            let gone = Rc::default();
            Self { queue, start, now: start, gone, entered: 0, ledger: Vec::new() }
        }

        /// Somebody comes for one ticket; gives their number.
        fn enter(&mut self) -> Result<u64, Refusal> {
            self.ask(Command::Buy(Order { quantity: 1, buyer: None }))
        }

        /// Somebody comes with this; gives their number.
        fn ask(&mut self, command: Command) -> Result<u64, Refusal> {
            self.entered += 1;
            let client = Client(self.entered, Rc::clone(&self.gone));
            self.queue.enter(command.into(), client, self.now).map(|()| self.entered)
        }

        /// So many hold a ticket each for a second; gives the revisions.
        fn hold(&mut self, holds: u64) -> Vec<u64> {
            for _ in 0..holds {
                let order = Order { quantity: 1, buyer: None };
                self.ask(Command::Hold { order, seconds: 1 }).unwrap();
            }
            self.open(usize::MAX);
            assert!(!self.goes_on_without_anybody());
            let told = self.append().into_iter();
            let held = told.map(|(_, answer)| match answer {
                Ok(Outcome::Held(hold)) => hold.revision,
                answer => panic!("{answer:?}"),
            });
            held.collect()
        }

        /// Whether the turn goes on though it has lasted as long as it may.
        fn goes_on_without_anybody(&mut self) -> bool {
            self.queue.goes_on(self.now + HOLD_MAX)
        }

        fn due_in(&mut self) -> Option<Duration> {
            let now = self.moment();
            self.queue.due_in(now.at_ms)
        }

        fn moment(&self) -> Moment {
            let at_ms = self.now.duration_since(self.start).as_millis();
            Moment { instant: self.now, at_ms: at_ms.try_into().unwrap() }
        }

        fn open(&mut self, room: usize) {
            self.open_with(Room::for_records(room));
        }

        fn open_with(&mut self, room: Room) {
            self.queue.pipeline().open(room, None, 0);
            self.queue.gather(self.moment());
        }

        /// The next append, as a writer does it; the answers, once it is durable.
        fn append(&mut self) -> Vec<(u64, Answer)> {
            let batch = self.queue.take(self.now);
            self.ledger.extend(batch.into_iter().flat_map(|batch| batch.records));
            self.queue.pipeline().accept();
            numbered(self.queue.settled(self.now).collect())
        }

        fn withdraw(&mut self) -> Vec<u64> {
            let Withdrawn { recipients, .. } = self.queue.withdraw_late(self.now);
            recipients.into_iter().map(|client| client.0).collect()
        }
    }

    fn numbered(told: Vec<Told<Client>>) -> Vec<(u64, Answer)> {
        told.into_iter().map(|(client, answer)| (client.0, answer)).collect()
    }

    fn sold(ticket: u64, remaining: u64) -> Answer {
        sold_at(ticket, remaining, ticket)
    }

    fn sold_at(first_ticket: u64, remaining: u64, revision: u64) -> Answer {
        Ok(Outcome::Sold(Sale { first_ticket, quantity: 1, remaining, revision }))
    }

    #[test]
    fn who_is_in_an_append_that_nobody_can_settle_is_told_so_in_time_and_not_once_more() {
        let mut counter = Counter::with(9);
        let late = counter.enter().unwrap();
        counter.open(9);
        drop(counter.queue.take(counter.now));
        counter.now += LOCK_TIMEOUT;
        let unsettled = |counter: &mut Counter| {
            let withdrawn = counter.queue.withdraw_late(counter.now);
            assert!(
                withdrawn.recipients.is_empty(),
                "nobody is told that they were not sold anything"
            );
            withdrawn.unsettled.into_iter().map(|client| client.0).collect::<Vec<_>>()
        };
        assert_eq!(unsettled(&mut counter), Vec::<u64>::new(), "the append may only be slow");
        counter.queue.set_obstacle(&"nobody answers".into());
        assert_eq!(unsettled(&mut counter), [late]);
        counter.queue.pipeline().accept();
        assert_eq!(counter.queue.settled(counter.now).count(), 0);
    }

    #[test]
    fn who_confirms_within_a_turn_is_decided_by_a_clock_that_is_read_anew() {
        let mut counter = Counter::with(9);
        let held = counter.hold(1)[0];
        counter.enter().unwrap();
        counter.open(9);
        // By the turn's own reckoning there is still a millisecond.
        counter.ask(Command::Confirm { hold: held }).unwrap();
        assert_eq!(counter.queue.here(), 2, "it waits");
        drop(counter.append());
        assert!(counter.queue.goes_on(counter.now), "and not for another turn");
        counter.now += Duration::from_secs(1);
        counter.queue.gather(counter.moment());
        let told = counter.append();
        // By the record of its end.
        let over = Ok(Outcome::Repeated { revision: 3 });
        assert_eq!(told.last().map(|(_, answer)| answer), Some(&over));
    }

    #[test]
    fn who_comes_with_a_time_that_others_are_past_puts_nothing_ahead_of_the_clock() {
        let mut counter = Counter::with(200);
        counter.enter().unwrap();
        counter.open(200);
        let start = counter.now;
        for ms in 1..40 {
            for ms in [ms + 5, ms, ms + 4] {
                counter.now = start + Duration::from_millis(ms);
                counter.enter().unwrap();
            }
        }
        drop(counter.append());
        let times = counter.ledger.iter().map(|record| record.at_ms);
        assert_eq!(times.max(), Some(39 + 5));
    }

    #[test]
    fn no_time_that_is_told_from_a_moment_on_is_ahead_of_the_clock() {
        const READING: Duration = Duration::from_millis(20);
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        fn slow() -> u64 {
            std::thread::sleep(READING);
            wall()
        }
        fn wall() -> u64 {
            START.elapsed().as_millis().try_into().unwrap()
        }
        let moment = Moment::now(slow);
        let told = moment.at_ms(Instant::now());
        assert!(told <= wall(), "{told}");
    }

    #[test]
    fn all_who_waited_and_all_who_come_meanwhile_share_a_turn() {
        let mut counter = Counter::with(9);
        counter.enter().unwrap();
        counter.enter().unwrap();
        counter.open(9);
        counter.enter().unwrap();
        assert_eq!(counter.append(), [(1, sold(1, 8)), (2, sold(2, 7)), (3, sold(3, 6))]);
        counter.enter().unwrap();
        assert!(counter.queue.goes_on(counter.now));
        assert_eq!(counter.append(), [(4, sold(4, 5))]);
        assert!(!counter.queue.goes_on(counter.now), "nobody is there");
    }

    #[test]
    fn who_is_decided_while_a_batch_is_in_flight_is_told_with_the_next_one() {
        let mut counter = Counter::with(9);
        counter.enter().unwrap();
        counter.open(9);
        let _batch = counter.queue.take(counter.now);
        counter.enter().unwrap();
        counter.queue.pipeline().accept();
        let told = numbered(counter.queue.settled(counter.now).collect());
        assert_eq!(told, [(1, sold(1, 8))]);
        assert_eq!(counter.append(), [(2, sold(2, 7))]);
    }

    #[test]
    fn who_waits_too_long_is_withdrawn() {
        let mut counter = Counter::with(9);
        counter.enter().unwrap();
        counter.now = counter.start + Duration::from_secs(1);
        counter.enter().unwrap();
        counter.now = counter.start + LOCK_TIMEOUT;
        assert_eq!(counter.withdraw(), [1]);
        let withdrawn = counter.queue.withdraw_late(counter.now);
        assert!(withdrawn.recipients.is_empty());
        assert_eq!(withdrawn.next, counter.now + LOCK_TIMEOUT / 4);
        counter.open(9);
        assert_eq!(counter.append(), [(2, sold(1, 8))]);
    }

    #[test]
    fn who_waits_behind_an_obstacle_is_told_of_it() {
        let mut counter = Counter::with(9);
        counter.enter().unwrap();
        assert!(counter.queue.set_obstacle(&"no such file".into()));
        assert!(!counter.queue.set_obstacle(&"no such file".into()), "that is no news");
        counter.now += LOCK_TIMEOUT;
        let withdrawn = counter.queue.withdraw_late(counter.now);
        assert_eq!(withdrawn.recipients.len(), 1);
        assert_eq!(withdrawn.obstacle.as_deref(), Some("no such file"));
        counter.open(9);
        assert_eq!(counter.queue.obstacle(), None);
    }

    #[test]
    fn without_room_the_turn_ends_and_nobody_overtakes() {
        let mut counter = Counter::with(9);
        for _ in 0..3 {
            counter.enter().unwrap();
        }
        counter.open(2);
        counter.enter().unwrap();
        assert!(!counter.queue.goes_on(counter.now));
        assert_eq!(counter.append(), [(1, sold(1, 8)), (2, sold(2, 7))]);
        counter.open(2);
        assert_eq!(counter.append(), [(3, sold(3, 6)), (4, sold(4, 5))]);
    }

    #[test]
    fn a_turn_is_not_held_for_ever() {
        let mut counter = Counter::with(9);
        counter.enter().unwrap();
        counter.open(9);
        counter.now += HOLD_MAX;
        assert!(!counter.queue.goes_on(counter.now));
        counter.enter().unwrap();
        assert_eq!(counter.append(), [(1, sold(1, 8))]);
        assert_eq!(counter.queue.here(), 1);
    }

    #[test]
    fn a_lost_race_is_decided_again_in_the_same_order() {
        let mut counter = Counter::with(2);
        counter.enter().unwrap();
        counter.enter().unwrap();
        counter.open(9);
        let _batch = counter.queue.take(counter.now);
        counter.enter().unwrap();
        counter.queue.pipeline().drop_trial();
        counter.queue.lost(Void::Taken);
        let change = Change::Sold { first_ticket: 1, quantity: 1, buyer: None, hold: None };
        let rival = Record { revision: 1, at_ms: 0, remaining: 1, change, key: None };
        counter.queue.pipeline().hear(&rival).unwrap();
        counter.open(9);
        let sold_out = |revision| Ok(Outcome::SoldOut { requested: 1, remaining: 0, revision });
        assert_eq!(counter.append(), [(1, sold(2, 0)), (2, sold_out(2)), (3, sold_out(2))]);
    }

    #[test]
    fn after_a_broken_append_those_in_it_hear_unknown_and_all_others_no() {
        let mut counter = Counter::with(9);
        counter.enter().unwrap();
        counter.open(2);
        let _batch = counter.queue.take(counter.now);
        for _ in 0..3 {
            counter.enter().unwrap();
        }
        let broken = Refusal::NotSold("the disk failed".into());
        let told = numbered(counter.queue.turn_away(&broken));
        let unknown = Err(Refusal::Unknown("the disk failed".into()));
        let no = || Err(broken.clone());
        assert_eq!(told, [(1, unknown), (2, no()), (3, no()), (4, no())]);
        assert_eq!(counter.enter(), Err(broken));
    }

    #[test]
    fn a_closed_queue_serves_those_who_are_in_it() {
        let mut counter = Counter::with(9);
        counter.enter().unwrap();
        counter.queue.close();
        assert_eq!(counter.enter(), Err(Refusal::ShuttingDown));
        counter.open(9);
        assert_eq!(counter.append(), [(1, sold(1, 8))]);
    }

    #[test]
    fn who_has_gone_away_is_passed_over() {
        let mut counter = Counter::with(9);
        counter.enter().unwrap();
        counter.enter().unwrap();
        counter.gone.borrow_mut().push(1);
        counter.open(9);
        assert_eq!(counter.append(), [(2, sold(1, 8))]);
    }

    #[test]
    fn what_is_over_is_ended_in_a_turn_in_which_nobody_waits() {
        let mut counter = Counter::with(9);
        counter.hold(2);
        assert_eq!(counter.due_in(), Some(Duration::from_secs(1)));
        counter.now += Duration::from_secs(1);
        assert_eq!(counter.due_in(), Some(Duration::ZERO));
        assert!(counter.queue.is_idle());
        counter.open(9);
        assert!(!counter.queue.goes_on(counter.now), "nobody is there");
        assert_eq!(counter.append(), []);
        assert_eq!((counter.queue.stock().held, counter.queue.stock().remaining), (0, 9));
        assert_eq!(counter.due_in(), None);
    }

    #[test]
    fn who_has_waited_past_the_end_of_a_hold_is_told_that_it_is_over() {
        let mut counter = Counter::with(9);
        let [hold] = counter.hold(1)[..] else { panic!("one hold") };
        counter.now += Duration::from_millis(999);
        let late = counter.ask(Command::Confirm { hold }).unwrap();
        counter.now += Duration::from_millis(1);
        counter.open(9);
        // The answer is the one of the record that ended the hold.
        let revision = 2;
        assert_eq!(counter.append(), [(late, Ok(Outcome::Repeated { revision }))]);
        let ended = counter.ledger.last().unwrap();
        assert_eq!((ended.revision, &ended.change), (2, &Change::Lapsed { hold, quantity: 1 }));
        assert_eq!(ended.answer_to(&Command::Confirm { hold }), Some(Outcome::HoldExpired));
        assert_eq!(counter.queue.stock().issued, 0);
    }

    #[test]
    fn who_comes_in_the_millisecond_ahead_of_the_end_of_a_hold_gets_the_tickets() {
        let mut counter = Counter::with(9);
        let [hold] = counter.hold(1)[..] else { panic!("one hold") };
        counter.now += Duration::from_millis(999);
        counter.open(9);
        let in_time = counter.ask(Command::Confirm { hold }).unwrap();
        counter.queue.gather(counter.moment());
        counter.now += Duration::from_millis(1);
        assert_eq!(counter.append(), [(in_time, sold_at(1, 8, 2))]);
        assert_eq!(counter.queue.stock().held, 0);
    }

    #[test]
    fn more_that_is_over_than_there_is_room_for_ends_in_several_turns_and_nobody_overtakes() {
        let mut counter = Counter::with(5);
        counter.hold(5);
        counter.now += Duration::from_secs(1);
        let buyer = counter.enter().unwrap();
        for _ in 0..2 {
            counter.open(2);
            counter.enter().unwrap();
            assert!(!counter.queue.goes_on(counter.now));
            assert_eq!(counter.append(), []);
        }
        counter.open(2);
        assert_eq!(counter.append(), [(buyer, sold_at(1, 4, 11))]);
        assert_eq!((counter.queue.stock().held, counter.queue.here()), (0, 2));
    }

    #[test]
    fn a_lapse_that_was_lost_is_recorded_by_the_next_turn() {
        let mut counter = Counter::with(9);
        counter.hold(1);
        counter.now += Duration::from_secs(1);
        counter.open(9);
        let _batch = counter.queue.take(counter.now);
        counter.queue.pipeline().drop_trial();
        counter.queue.lost(Void::Taken);
        assert_eq!(counter.due_in(), Some(Duration::ZERO));
        counter.open(9);
        assert_eq!(counter.append(), []);
        assert_eq!(counter.queue.stock().held, 0);
    }

    /// A ledger whose appends hold so many and take so long; and how many they hold elsewhere than at an end of a part.
    #[derive(Clone, Copy, Debug)]
    struct Pace {
        room: usize,
        usual: usize,
        took: Duration,
    }

    impl Pace {
        /// One turn at `counter`, of one append.
        fn turn(self, counter: &mut Counter) -> Vec<(u64, Answer)> {
            counter.open_with(Room { usual: self.usual, ..Room::for_records(self.room) });
            counter.goes_on_without_anybody();
            let batch = counter.queue.take(counter.now);
            counter.ledger.extend(batch.into_iter().flat_map(|batch| batch.records));
            counter.now += self.took;
            counter.queue.pipeline().accept();
            numbered(counter.queue.settled(counter.now).collect())
        }
    }

    #[test]
    fn where_a_queue_stands_who_would_wait_for_too_long_is_told_at_once() {
        let mut counter = Counter::with(1_000_000);
        let pace = Pace { room: 80, usual: 80, took: Duration::from_millis(100) };
        for _ in 0..400 {
            counter.enter().expect("nothing is known yet");
        }
        for _ in 0..3 {
            assert_eq!(pace.turn(&mut counter).len(), 80);
        }
        assert_eq!(counter.enter(), Err(Refusal::Overloaded), "160 are ahead");
        pace.turn(&mut counter);
        counter.enter().expect("80 are ahead");
        while !counter.queue.is_idle() {
            pace.turn(&mut counter);
        }
        for _ in 0..400 {
            counter.enter().expect("the queue was empty");
        }
    }

    #[test]
    fn an_append_that_was_full_for_want_of_room_says_nothing_of_how_many_one_holds() {
        for (usual, is_let_in) in [(2, false), (80, true)] {
            let mut counter = Counter::with(1_000_000);
            let pace = Pace { room: 2, usual, took: Duration::from_millis(100) };
            for _ in 0..3 {
                for _ in 0..3 {
                    counter.enter().expect("nothing is known yet");
                }
                assert_eq!(pace.turn(&mut counter).len(), 2);
            }
            assert_eq!(counter.enter().is_ok(), is_let_in, "3 are ahead");
        }
    }

    #[test]
    fn queue_that_stands_stays_as_short_as_its_time_allows() {
        let mut counter = Counter::with(1_000_000);
        let pace = Pace { room: 80, usual: 80, took: Duration::from_millis(50) };
        let mut refused = 0;
        for turn in 0..50 {
            for _ in 0..10 * pace.room {
                refused += usize::from(counter.enter().is_err());
            }
            let here = counter.queue.here();
            assert!(turn < 30 || here <= 2 * pace.room, "{here}");
            assert_eq!(pace.turn(&mut counter).len(), pace.room, "no append is wasted");
        }
        assert!(refused > 40 * 9 * pace.room, "{refused}");
    }

    #[derive(Clone, Debug)]
    enum Load {
        Come(usize),
        Turns(usize),
        SlowSync,
        ShortSegment,
        Pause,
    }

    fn any_load() -> impl Strategy<Value = Load> {
        prop_oneof![
            4 => (1..400_usize).prop_map(Load::Come),
            4 => (1..5_usize).prop_map(Load::Turns),
            1 => Just(Load::SlowSync),
            1 => Just(Load::ShortSegment),
            1 => Just(Load::Pause),
        ]
    }

    proptest! {
        #[test]
        fn nobody_is_refused_where_the_wait_is_short(
            room in 1..100_usize,
            took_ms in 1..200_u64,
            loads in prop::collection::vec(any_load(), 1..60),
        ) {
            let mut counter = Counter::with(1_000_000);
            let pace = Pace { room, usual: room, took: Duration::from_millis(took_ms) };
            for load in loads {
                match load {
                    Load::Come(number) => for _ in 0..number {
                        let ahead = counter.queue.here();
                        if counter.enter().is_err() {
                            prop_assert!(ahead >= room, "there was room in the next append");
                            let wait = pace.took * u32::try_from(ahead / room + 2).unwrap();
                            prop_assert!(wait > Duration::from_millis(180), "{wait:?} behind {ahead}");
                        }
                    },
                    Load::Turns(turns) => for _ in 0..turns {
                        pace.turn(&mut counter);
                    },
                    Load::SlowSync => {
                        Pace { took: Duration::from_secs(9), ..pace }.turn(&mut counter);
                        pace.turn(&mut counter);
                    }
                    Load::ShortSegment => {
                        Pace { room: room.div_ceil(9), ..pace }.turn(&mut counter);
                    }
                    Load::Pause => {
                        while !counter.queue.is_idle() {
                            pace.turn(&mut counter);
                        }
                        counter.now += Duration::from_secs(3600);
                    }
                }
            }
        }
    }

    #[derive(Clone, Debug)]
    enum Event {
        Enter,
        Open(usize),
        Append,
        LoseTheRace,
        Wait(u64),
        Withdraw,
        Close,
        Break,
    }

    fn any_event() -> impl Strategy<Value = Event> {
        prop_oneof![
            8 => Just(Event::Enter),
            3 => (1..5_usize).prop_map(Event::Open),
            4 => Just(Event::Append),
            1 => Just(Event::LoseTheRace),
            2 => (0..2000_u64).prop_map(Event::Wait),
            2 => Just(Event::Withdraw),
            1 => Just(Event::Close),
            1 => Just(Event::Break),
        ]
    }

    proptest! {
        #[test]
        fn everybody_is_told_once_and_only_what_is_so(
            tickets in 0..20_u64,
            events in prop::collection::vec(any_event(), 0..60),
        ) {
            let mut counter = Counter::with(tickets);
            let (mut entered, mut told) = (Vec::new(), Vec::new());
            let (mut is_broken, mut in_turn) = (false, false);
            for event in events {
                match event {
                    Event::Enter => entered.extend(counter.enter().ok()),
                    Event::Open(room) if !in_turn && !is_broken => {
                        counter.open(room);
                        in_turn = true;
                    }
                    // Another thread may have turned everybody away in the middle of a turn.
                    Event::Append if in_turn => {
                        in_turn = counter.queue.goes_on(counter.now);
                        told.extend(counter.append());
                    }
                    Event::LoseTheRace if in_turn && !is_broken => {
                        in_turn = false;
                        let _batch = counter.queue.take(counter.now);
                        counter.queue.pipeline().drop_trial();
                        counter.queue.lost(Void::Taken);
                    }
                    Event::Wait(ms) => counter.now += Duration::from_millis(ms),
                    Event::Withdraw => {
                        let late = Err(Refusal::NotSold("late".into()));
                        told.extend(counter.withdraw().into_iter().map(|who| (who, late.clone())));
                    }
                    Event::Close => counter.queue.close(),
                    Event::Break => {
                        let refusal = Refusal::NotSold("broken".into());
                        told.extend(numbered(counter.queue.turn_away(&refusal)));
                        is_broken = true;
                    }
                    Event::Open(_) | Event::Append | Event::LoseTheRace => {}
                }
            }
            told.extend(numbered(counter.queue.turn_away(&Refusal::ShuttingDown)));
            let mut clients: Vec<_> = told.iter().map(|(client, _)| *client).collect();
            clients.sort_unstable();
            prop_assert_eq!(clients, entered, "AnswerOnce");
            let sales = told.iter().filter_map(|(_, answer)| match answer {
                Ok(Outcome::Sold(sale)) => Some(sale.first_ticket),
                _ => None,
            });
            let sales: Vec<_> = sales.collect();
            let expected: Vec<_> = (1..=sales.len() as u64).collect();
            prop_assert_eq!(&sales, &expected, "in the order of their coming");
            let stock = counter.queue.stock();
            prop_assert_eq!(stock.issued, sales.len() as u64, "nothing is sold to one who was turned away");
            prop_assert_eq!(stock.remaining + stock.issued, tickets, "Conservation");
        }
    }
}
