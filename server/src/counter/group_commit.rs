//! The group commit: all who wait share one lock, one write and one sync.
//!
//! Whoever asks meets the committer's thread only in the [`Queue`], behind one
//! mutex. While the thread appends, those who come are decided on the loops that
//! they come from; so the thread does nothing but system calls. Their answers
//! leave in one message a batch and event loop.

use std::{
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, task::spawn_blocking};

use crate::{
    counter::{
        Answer, Meters, Refusal, ReplyChannel, ReplyTo,
        queue::{Moment, Queue, Told, Withdrawn},
    },
    domain::{Inventory, Memory, Request, SaleStatus, Stock},
    ledger::{
        Archive, Batch, Clients, Engine, Fault, Holder, Pipeline, Timed, Turned, Void, Writer,
    },
};

/// After how long without a request the ledger may rest.
const REST_AFTER: Duration = Duration::from_secs(1);

/// How long to look for the next request before sleeping: what two wakes of a thread take on a small machine.
const LOOK_AROUND: Duration = Duration::from_micros(100);

/// How long to wait before the next try where a turn could not be taken.
const RETRY: Duration = Duration::from_millis(20);

/// How far the records may be ahead of the machine's clock without a word.
const CLOCK_LAG_MIN: Duration = Duration::from_secs(60);

/// How long the lock is left alone after a turn that was ended for others' sake.
///
/// A waiter is woken when it is free, and has to get there before we are back.
const GAP: Duration = Duration::from_micros(100);

/// How long an answer to who holds the lock is good for.
const HOLDERS_FOR: Duration = Duration::from_millis(100);

/// How long to wait, while nobody comes, before it is tried again whether an obstacle is gone, and before the
/// clock is looked at again while tickets are held: it may be set, and a machine that sleeps does not wait.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

const PANICKED: &str = "no more sales until a restart: the queue panicked";

/// The way to a counter that commits in groups, whatever its engine.
#[derive(Clone)]
pub struct GroupCommit(Arc<dyn Door>);

/// What both sides of the queue share.
struct Shared<B> {
    queue: Mutex<Guarded<B>>,
    arrival: Condvar,
    archive: Arc<dyn Archive>,
    replies: Vec<ReplyChannel>,
    meters: Arc<Meters>,
    now_ms: fn() -> u64,
}

struct Guarded<B> {
    queue: Queue<B, ReplyTo>,
    /// How many have to be here for the committer to be woken; 0 while it is awake.
    wake_at: usize,
    /// Whether the last turn ended while there was still somebody.
    is_crowded: bool,
}

/// The queue as those who ask see it.
trait Door: Send + Sync {
    fn enter(&self, request: Request, recipient: ReplyTo) -> Result<(), Refusal>;
    fn stock(&self) -> Stock;
    fn status(&self, sale: u64) -> SaleStatus;
    fn memory(&self) -> Memory;
    fn waiting(&self) -> usize;
    fn obstacle(&self) -> Option<Refusal>;
    fn close(&self);
    fn turn_away(&self, refusal: &Refusal);
    fn withdraw_late(&self, now: Instant) -> Withdrawn<ReplyTo>;
    fn tell(&self, recipients: Vec<ReplyTo>, refusal: &Refusal);
    fn archive(&self) -> Arc<dyn Archive>;
}

impl GroupCommit {
    /// A group commit on `engine`, in which `inventory` is durable; the committer takes its turns. Where it is
    /// an error, which says why, the first of them tells.
    ///
    /// Nobody waits longer than `lock_timeout` to be decided. Answers leave through `replies`, one channel for
    /// each event loop; `now_ms` is the time in milliseconds since 1970 UTC.
    pub fn new<E: Engine>(
        engine: E,
        inventory: Result<Inventory, Arc<str>>,
        archive: Arc<dyn Archive>,
        lock_timeout: Duration,
        replies: Vec<ReplyChannel>,
        meters: Arc<Meters>,
        now_ms: fn() -> u64,
    ) -> (Self, Committer<Timed<E>>) {
        let unreached = inventory.as_ref().err().cloned();
        let is_heard = unreached.is_none();
        let inventory = inventory.unwrap_or_else(|_| Inventory::new(Stock::default(), 0));
        let mut queue = Queue::new(inventory, lock_timeout);
        if let Some(cause) = unreached {
            // Whoever asks whether buyers can come is told so from the beginning.
            queue.set_obstacle(&cause);
        }
        let queue = Mutex::new(Guarded { queue, wake_at: 0, is_crowded: false });
        let shared = Shared { queue, arrival: Condvar::new(), archive, replies, meters, now_ms };
        let shared = Arc::new(shared);
        let writer = Writer::new(Timed::new(engine, shared.meters.clone()), now_ms);
        let committer = Committer { shared: Arc::clone(&shared), writer, is_heard };
        (Self(shared), committer)
    }

    /// Waits in the queue; the answer comes through `channel`.
    ///
    /// Whoever drops the wait before being decided is not sold anything; a sale
    /// that was decided is finished even if nobody waits for it any more. A client that
    /// closes its connection is not seen to: it may have ended its sending half only.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn ask(&self, request: Request, channel: &ReplyChannel) -> Answer {
        let (to, answer) = oneshot::channel();
        self.0.enter(request, ReplyTo { to, event_loop: channel.index() })?;
        let stopped = || Refusal::Unknown("the committer stopped in the middle of a turn".into());
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// The stock that is durable, as far as this process knows.
    pub fn stock(&self) -> Stock {
        self.0.stock()
    }

    /// What became of the sale at `revision`, as far as this process knows.
    pub fn status(&self, revision: u64) -> SaleStatus {
        self.0.status(revision)
    }

    /// What is kept of the past.
    pub fn memory(&self) -> Memory {
        self.0.memory()
    }

    /// How many wait to be decided, or are decided and not taken yet.
    pub fn waiting(&self) -> usize {
        self.0.waiting()
    }

    /// Why nobody is served now, if so: for good, or since the last try.
    pub fn obstacle(&self) -> Option<Refusal> {
        self.0.obstacle()
    }

    /// Serves nobody from now on but those who are here already.
    pub fn close(&self) {
        self.0.close();
    }

    /// Tells everybody who is still here why they are not served.
    pub fn turn_away(&self, refusal: &Refusal) {
        self.0.turn_away(refusal);
    }

    /// Withdraws, for as long as it is polled, the requests that have waited too long.
    pub async fn watch(&self) {
        let mut holders = Holders::default();
        loop {
            let Withdrawn { recipients, unsettled, obstacle, waited, next } =
                self.0.withdraw_late(Instant::now());
            if let Some(cause) = obstacle.clone().filter(|_| !unsettled.is_empty()) {
                self.0.tell(unsettled, &Refusal::Unknown(cause));
            }
            if !recipients.is_empty() {
                let refusal = match obstacle {
                    Some(cause) => Refusal::NotSold(cause),
                    None => {
                        let holders = holders.look(self.0.archive()).await;
                        Refusal::LockTimeout { waited, holders }
                    }
                };
                self.0.tell(recipients, &refusal);
            }
            let next = next.max(Instant::now() + Duration::from_millis(1));
            tokio::time::sleep_until(next.into()).await;
        }
    }
}

/// Who held the lock when somebody last looked.
#[derive(Default)]
struct Holders {
    last: Option<(Instant, Vec<Holder>)>,
}

impl Holders {
    /// Looks on another thread, since that reads of every process, and not more often than is of use.
    async fn look(&mut self, archive: Arc<dyn Archive>) -> Vec<Holder> {
        if let Some((at, holders)) = &self.last
            && at.elapsed() < HOLDERS_FOR
        {
            return holders.clone();
        }
        let holders = spawn_blocking(move || archive.holders()).await.unwrap_or_default();
        self.last = Some((Instant::now(), holders.clone()));
        holders
    }
}

impl<B: Batch> Guarded<B> {
    /// How long to sleep where nobody comes; `None` for until somebody does.
    fn patience(&mut self, is_restless: bool, now: Moment) -> Option<Duration> {
        if self.queue.has_obstacle() {
            // Whatever is due waits for that, too.
            return Some(LOOK_AGAIN);
        }
        let due_in = self.queue.due_in(now.at_ms).map(|due_in| due_in.min(LOOK_AGAIN));
        is_restless.then_some(REST_AFTER).into_iter().chain(due_in).min()
    }
}

impl<B: Batch> Shared<B> {
    fn now(&self) -> Moment {
        Moment::now(self.now_ms)
    }

    fn lock(&self) -> MutexGuard<'_, Guarded<B>> {
        self.queue.lock().unwrap_or_else(|poisoned| {
            // Nobody knows what whoever panicked had decided: nothing of it may be appended.
            self.queue.clear_poison();
            let mut guarded = poisoned.into_inner();
            tracing::error!("{PANICKED}");
            let told = guarded.queue.turn_away(&Refusal::NotSold(PANICKED.into()));
            self.post(told);
            guarded
        })
    }

    /// Looks for a moment whether somebody comes: a lone client asks again as soon as it is answered, and
    /// waking this thread would take longer than that.
    fn look_around<'a>(
        &'a self,
        mut guarded: MutexGuard<'a, Guarded<B>>,
    ) -> MutexGuard<'a, Guarded<B>> {
        let start = Instant::now();
        while guarded.queue.is_idle() && !guarded.queue.is_closed() && start.elapsed() < LOOK_AROUND
        {
            drop(guarded);
            thread::yield_now();
            guarded = self.lock();
        }
        guarded
    }

    /// Sleeps until `wake_at` are here or `patience` is over, or for no reason.
    fn sleep<'a>(
        &self,
        mut guarded: MutexGuard<'a, Guarded<B>>,
        wake_at: usize,
        patience: Option<Duration>,
    ) -> MutexGuard<'a, Guarded<B>> {
        if guarded.queue.here() >= wake_at || guarded.queue.is_closed() {
            return guarded;
        }
        guarded.wake_at = wake_at;
        let mut guarded = match patience {
            None => self.arrival.wait(guarded).unwrap_or_else(PoisonError::into_inner),
            Some(patience) => {
                let woken = self.arrival.wait_timeout(guarded, patience);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        guarded.wake_at = 0;
        guarded
    }

    /// Sends the answers to the event loops that they are for.
    fn post(&self, told: impl IntoIterator<Item = Told<ReplyTo>>) {
        let mut answers: Vec<Vec<Told<ReplyTo>>> =
            self.replies.iter().map(|_| Vec::new()).collect();
        for (recipient, answer) in told {
            answers[recipient.event_loop].push((recipient, answer));
        }
        for (channel, answers) in self.replies.iter().zip(answers) {
            if !answers.is_empty() {
                channel.send(answers);
            }
        }
    }
}

impl<B: Batch> Door for Shared<B> {
    fn enter(&self, request: Request, recipient: ReplyTo) -> Result<(), Refusal> {
        let is_due = {
            let mut guarded = self.lock();
            // Under the lock: whoever waited for it must not come with a time that others are past.
            guarded.queue.enter(request, recipient, Instant::now())?;
            let is_due = (1..=guarded.queue.here()).contains(&guarded.wake_at);
            if is_due {
                guarded.wake_at = 0;
            }
            is_due
        };
        if is_due {
            // Behind the guard, so that the committer does not wake to a taken mutex.
            self.arrival.notify_one();
        }
        Ok(())
    }

    fn stock(&self) -> Stock {
        self.lock().queue.stock()
    }

    fn status(&self, sale: u64) -> SaleStatus {
        self.lock().queue.inventory().status(sale)
    }

    fn memory(&self) -> Memory {
        self.lock().queue.inventory().memory()
    }

    fn waiting(&self) -> usize {
        self.lock().queue.here()
    }

    fn obstacle(&self) -> Option<Refusal> {
        self.lock().queue.obstacle()
    }

    fn close(&self) {
        let mut guarded = self.lock();
        guarded.queue.close();
        guarded.wake_at = 0;
        self.arrival.notify_one();
    }

    fn turn_away(&self, refusal: &Refusal) {
        let told = self.lock().queue.turn_away(refusal);
        self.post(told);
    }

    fn withdraw_late(&self, now: Instant) -> Withdrawn<ReplyTo> {
        self.lock().queue.withdraw_late(now)
    }

    fn tell(&self, recipients: Vec<ReplyTo>, refusal: &Refusal) {
        if let Refusal::LockTimeout { .. } = refusal {
            recipients.iter().for_each(|_| self.meters.lock_timed_out());
        }
        self.post(recipients.into_iter().map(|recipient| (recipient, Err(refusal.clone()))));
    }

    fn archive(&self) -> Arc<dyn Archive> {
        Arc::clone(&self.archive)
    }
}

impl<B: Batch> Clients for Shared<B> {
    type Batch = B;

    fn with<R>(&self, work: impl FnOnce(&mut Pipeline<B>) -> R) -> R {
        work(self.lock().queue.pipeline())
    }

    fn gather(&self) -> bool {
        let mut guarded = self.lock();
        let now = self.now();
        guarded.queue.gather(now);
        if let Some((expected, patience)) = guarded.queue.commit_delay(now.instant) {
            guarded = self.sleep(guarded, expected, Some(patience));
        }
        let goes_on = guarded.queue.goes_on(Instant::now());
        guarded.is_crowded = guarded.queue.here() > 0;
        goes_on
    }

    fn take(&self) -> Option<B> {
        self.lock().queue.take(Instant::now())
    }

    fn owes(&self) -> bool {
        self.lock().queue.owes()
    }

    fn settled(&self) {
        let told = self.lock().queue.settled(Instant::now());
        let mut answers = 0;
        self.post(told.inspect(|_| answers += 1));
        if answers > 0 {
            self.meters.settled(answers);
        }
    }

    fn lost(&self, which: Void) {
        self.lock().queue.lost(which);
    }
}

/// Takes turns at a ledger for everybody in the queue; a thread of its own.
pub struct Committer<E: Engine> {
    shared: Arc<Shared<E::Batch>>,
    writer: Writer<E>,
    /// Whether this process knows what the ledger has come to; else that is its next turn's.
    is_heard: bool,
}

/// Turns everybody away when the committer ends, however it ends: nobody waits for ever.
struct LastWord<B: Batch>(Arc<Shared<B>>);

impl<B: Batch> Drop for LastWord<B> {
    fn drop(&mut self) {
        let refusal = self.0.obstacle();
        let stopped = || Refusal::NotSold("the committer stopped".into());
        self.0.turn_away(&refusal.unwrap_or_else(stopped));
    }
}

impl<E: Engine> Committer<E> {
    /// Sells until the queue is closed and nobody is in it, or until the ledger is broken.
    pub fn run(mut self) {
        let _last_word = LastWord(Arc::clone(&self.shared));
        let mut is_restless = true;
        let (mut failures, mut is_warned) = (0, false);
        loop {
            let mut guarded = self.shared.lock();
            let patience = guarded.patience(is_restless, self.shared.now());
            if is_restless {
                guarded = self.shared.look_around(guarded);
            }
            while self.is_heard && guarded.queue.is_idle() && !guarded.queue.is_closed() {
                let start = Instant::now();
                guarded = self.shared.sleep(guarded, 1, patience);
                if patience.is_some_and(|patience| start.elapsed() >= patience) {
                    break;
                }
            }
            let (is_idle, is_closed) = (guarded.queue.is_idle(), guarded.queue.is_closed());
            // Who asks whether buyers can come back would otherwise never hear that they can.
            let looks_again =
                is_idle && !is_closed && (guarded.queue.has_obstacle() || !self.is_heard);
            // What is held comes back at its time, also where nobody asks for it.
            let lapses = is_idle && !is_closed && !guarded.queue.has_obstacle() && {
                let due_in = guarded.queue.due_in(self.shared.now().at_ms);
                due_in.is_some_and(|due_in| due_in.is_zero())
            };
            drop(guarded);
            if is_idle && !looks_again && !lapses {
                if is_restless && !self.rest() {
                    return;
                }
                if is_closed {
                    return;
                }
                is_restless = false;
                continue;
            }
            is_restless = true;
            let turned = self.writer.turn(&*self.shared);
            // Where that failed, there is an obstacle, and the next try is made for that.
            let was_heard = mem::replace(&mut self.is_heard, true);
            match turned {
                Turned::Done => {
                    failures = 0;
                    is_warned = is_warned || self.warn_of_the_clock();
                }
                Turned::Again => continue,
                Turned::Waits(cause) => {
                    failures += 1;
                    self.wait_for(&cause.to_string().into(), failures > 1 || !was_heard);
                }
                Turned::Broken(cause) => return self.poison(&cause),
            }
            if self.shared.lock().is_crowded {
                thread::sleep(GAP);
            }
        }
    }

    /// Says where the records are ahead of this machine's clock; whether that was due.
    fn warn_of_the_clock(&self) -> bool {
        let lag = Duration::from_millis(
            self.shared.with(|pipeline| pipeline.lag_ms((self.shared.now_ms)())),
        );
        let is_due = lag >= CLOCK_LAG_MIN;
        if is_due {
            let lag = humantime::format_duration(Duration::from_secs(lag.as_secs()));
            tracing::warn!(
                "this machine's clock is {lag} behind the last record: the times in the ledger go on \
                 from that record until the clock has caught up"
            );
        }
        is_due
    }

    /// Lets the ledger rest; false where it is broken.
    fn rest(&mut self) -> bool {
        match self.writer.rest() {
            Err(Fault::Lasting(cause)) => {
                self.poison(&cause);
                return false;
            }
            Err(Fault::Passing(cause)) => tracing::debug!("no rest: {cause}"),
            Ok(()) => {}
        }
        true
    }

    /// Waits a moment before the next try, unless that is due at once.
    fn wait_for(&self, cause: &Arc<str>, is_again: bool) {
        if !is_again {
            return;
        }
        if self.shared.lock().queue.set_obstacle(cause) {
            tracing::warn!("nothing can be sold: {cause}");
        }
        thread::sleep(RETRY);
    }

    /// Stops selling: nobody knows what is in the ledger.
    fn poison(&self, cause: &dyn std::fmt::Display) {
        let cause = format!("no more sales until a restart has recovered: {cause}");
        tracing::error!("{cause}");
        self.shared.turn_away(&Refusal::NotSold(cause.into()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::task::JoinHandle;

    use super::*;
    use crate::{
        counter::ReplyDelivery,
        domain::{COUNT_MAX, Change, Command, Identity, Order, Outcome, Record},
        ledger::{Cause, Found, Summary},
        simulation::engine::{SimEngine, SimLedger, SimTurn},
    };

    /// Nothing can be read but through turns.
    struct NoArchive;

    impl Archive for NoArchive {
        fn is_current(&self, _known: Stock) -> bool {
            false
        }

        fn identity(&self) -> Option<Identity> {
            None
        }

        fn summary(&self) -> Result<Summary, Cause> {
            unreachable!("nobody asks")
        }

        fn records(self: Arc<Self>, _first: u64, _last: u64) -> Found {
            Box::pin(async { Ok(Vec::new()) })
        }

        fn holders(&self) -> Vec<Holder> {
            Vec::new()
        }
    }

    /// A counter on an engine in memory, in which nothing goes wrong by itself.
    fn counter() -> (GroupCommit, Committer<Timed<SimEngine>>, ReplyChannel, ReplyDelivery) {
        let ledger = SimLedger::new(1);
        ledger.calm();
        let (engine, inventory) = ledger.open(None);
        let (channel, delivery) = ReplyChannel::new(0);
        let (limit, channels) = (Duration::from_secs(3), vec![channel.clone()]);
        let (archive, meters) = (Arc::new(NoArchive), Arc::default());
        let (counter, committer) =
            GroupCommit::new(engine, Ok(inventory), archive, limit, channels, meters, || 0);
        (counter, committer, channel, delivery)
    }

    /// How an engine begins its turns.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Begins {
        Well,
        Never,
        Broken,
    }

    /// An engine that counts its turns, and may not begin any.
    struct Counted {
        engine: SimEngine,
        begins: Begins,
        turns: Arc<AtomicUsize>,
        rests: Arc<AtomicUsize>,
    }

    impl Engine for Counted {
        type Batch = <SimEngine as Engine>::Batch;
        type Turn<'a> = SimTurn<'a>;

        fn begin(&mut self) -> Result<SimTurn<'_>, Fault> {
            self.turns.fetch_add(1, Ordering::Relaxed);
            match self.begins {
                Begins::Well => self.engine.begin(),
                Begins::Never => Err(Fault::Passing(Cause::of("on purpose"))),
                Begins::Broken => Err(Fault::Lasting(Cause::of("on purpose"))),
            }
        }

        fn rest(&mut self) -> Result<(), Fault> {
            self.rests.fetch_add(1, Ordering::Relaxed);
            self.engine.rest()
        }
    }

    /// A counter that began anew with two tickets held until `expires_at_ms`, and how many turns it took; nobody
    /// asks it anything.
    struct Holding {
        counter: GroupCommit,
        turns: Arc<AtomicUsize>,
        rests: Arc<AtomicUsize>,
        committing: thread::JoinHandle<()>,
    }

    impl Holding {
        fn until(expires_at_ms: u64, begins: Begins, now_ms: fn() -> u64) -> Self {
            Self::at((0, AHEAD_MS), expires_at_ms, begins, now_ms)
        }

        fn at(
            (revision, at_ms): (u64, u64),
            expires_at_ms: u64,
            begins: Begins,
            now_ms: fn() -> u64,
        ) -> Self {
            let ledger = SimLedger::new(1);
            ledger.calm();
            let (engine, _) = ledger.open(None);
            let mut inventory = Inventory::new(Stock::new(9, 0, revision), 0);
            let change = Change::Held { quantity: 2, expires_at_ms, buyer: None };
            let held = Record { revision: revision + 1, at_ms, remaining: 7, change, key: None };
            inventory.fold(&held).unwrap();
            let engine = engine.behind(inventory.stock());
            let (turns, rests) = (Arc::default(), Arc::default());
            let (counted_turns, counted_rests) = (Arc::clone(&turns), Arc::clone(&rests));
            let counted = Counted { engine, begins, turns: counted_turns, rests: counted_rests };
            let (channel, _) = ReplyChannel::new(0);
            let (limit, archive) = (Duration::from_secs(3), Arc::new(NoArchive));
            let (counter, committer) = GroupCommit::new(
                counted,
                Ok(inventory),
                archive,
                limit,
                vec![channel],
                Arc::default(),
                now_ms,
            );
            let committing = thread::spawn(move || committer.run());
            Self { counter, turns, rests, committing }
        }

        fn held(&self) -> u64 {
            self.counter.stock().held
        }

        /// Waits until `is_so`, though nobody asks anything.
        fn wait_until(&self, is_so: impl Fn(&Self) -> bool) {
            let start = Instant::now();
            while !is_so(self) {
                assert!(start.elapsed() < Duration::from_secs(20), "it never is");
                thread::sleep(Duration::from_millis(1));
            }
        }

        fn wait_for_the_end_of_holds(&self) {
            self.wait_until(|holding| holding.held() == 0);
        }

        /// Closes the counter, and gives how many turns it took.
        fn end(self) -> usize {
            self.counter.close();
            self.committing.join().unwrap();
            self.turns.load(Ordering::Relaxed)
        }
    }

    /// When the last record was made, for those whose machine's clock is behind it.
    const AHEAD_MS: u64 = 1_000_000;

    /// A clock that began when it was looked at first, far behind that record.
    fn behind_ms() -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_millis().try_into().unwrap()
    }

    #[test]
    fn what_is_held_comes_back_at_its_time_though_nobody_asks() {
        fn now_ms() -> u64 {
            AHEAD_MS + behind_ms()
        }
        let holding = Holding::until(now_ms() + 50, Begins::Well, now_ms);
        holding.wait_for_the_end_of_holds();
        assert_eq!((holding.counter.stock().remaining, holding.end()), (9, 1));
    }

    #[test]
    fn what_is_held_comes_back_though_the_ledger_is_ahead_of_the_clock() {
        let holding = Holding::until(AHEAD_MS + 50, Begins::Well, behind_ms);
        holding.wait_for_the_end_of_holds();
        assert_eq!(holding.end(), 1);
    }

    #[test]
    fn a_clock_that_is_set_is_noticed_though_nobody_asks() {
        static SET: AtomicUsize = AtomicUsize::new(0);
        let now_ms = || AHEAD_MS + SET.load(Ordering::Relaxed) as u64;
        let holding = Holding::until(AHEAD_MS + 3_600_000, Begins::Well, now_ms);
        // From now on nothing but what is held wakes the committer.
        holding.wait_until(|holding| holding.rests.load(Ordering::Relaxed) > 0);
        SET.store(3_600_000, Ordering::Relaxed);
        holding.wait_for_the_end_of_holds();
        assert_eq!(holding.end(), 1);
    }

    #[test]
    fn where_no_turn_can_be_taken_what_is_due_waits_and_the_committer_sleeps() {
        let holding = Holding::until(AHEAD_MS + 1, Begins::Never, || AHEAD_MS + 1);
        thread::sleep(5 * RETRY);
        assert_eq!((holding.held(), holding.counter.obstacle().is_some()), (2, true));
        assert!(holding.end() <= 2, "two tries at once, then one a second");
    }

    #[test]
    fn at_the_last_revision_nothing_is_due_and_the_committer_sleeps() {
        let last = (COUNT_MAX - 1, 0);
        let holding = Holding::at(last, 1, Begins::Well, || AHEAD_MS);
        thread::sleep(RETRY);
        assert_eq!((holding.held(), holding.end()), (2, 0));
    }

    #[test]
    fn a_broken_ledger_ends_the_committer_though_holds_are_due() {
        let holding = Holding::until(AHEAD_MS + 1, Begins::Broken, || AHEAD_MS + 1);
        holding.committing.join().unwrap();
        assert_eq!(holding.turns.load(Ordering::Relaxed), 1);
        assert!(matches!(holding.counter.obstacle(), Some(Refusal::NotSold(_))));
    }

    #[test]
    fn a_closed_counter_ends_though_holds_are_due() {
        let holding = Holding::until(AHEAD_MS + 1, Begins::Never, || AHEAD_MS + 1);
        holding.end();
    }

    fn buy() -> Request {
        Command::Buy(Order { quantity: 1, buyer: None }).into()
    }

    /// Somebody who waits in the queue.
    async fn waiting(
        counter: &GroupCommit,
        committer: &Committer<Timed<SimEngine>>,
        channel: &ReplyChannel,
    ) -> JoinHandle<Answer> {
        let (counter, channel) = (counter.clone(), channel.clone());
        let waiting = tokio::spawn(async move { counter.ask(buy(), &channel).await });
        while committer.shared.lock().queue.here() == 0 {
            tokio::task::yield_now().await;
        }
        waiting
    }

    #[tokio::test]
    async fn who_asks_is_answered_by_the_committers_thread() {
        let (counter, committer, channel, delivery) = counter();
        tokio::spawn(delivery.run());
        let committing = thread::spawn(move || committer.run());

        let answer = counter.ask(buy(), &channel).await;

        assert!(matches!(answer, Ok(Outcome::Sold(_))), "{answer:?}");
        counter.close();
        committing.join().unwrap();
        assert_eq!(counter.ask(buy(), &channel).await, Err(Refusal::ShuttingDown));
    }

    #[tokio::test]
    async fn queue_that_panicked_tells_those_in_it_and_sells_nothing_more() {
        let (counter, committer, channel, delivery) = counter();
        tokio::spawn(delivery.run());
        let waiting = waiting(&counter, &committer, &channel).await;

        let shared = Arc::clone(&committer.shared);
        let panicked = thread::spawn(move || shared.with(|_| panic!("on purpose")));
        panicked.join().unwrap_err();

        let refused = Err(Refusal::NotSold(PANICKED.into()));
        assert_eq!(counter.ask(buy(), &channel).await, refused);
        assert_eq!(waiting.await.unwrap(), refused);
        committer.run();
        assert_eq!(counter.obstacle(), refused.err());
    }

    #[tokio::test]
    async fn whoever_still_waits_when_the_server_ends_has_bought_nothing() {
        let (counter, committer, channel, delivery) = counter();
        tokio::spawn(delivery.run());
        let waiting = waiting(&counter, &committer, &channel).await;

        counter.turn_away(&Refusal::ShuttingDown);

        assert_eq!(waiting.await.unwrap(), Err(Refusal::ShuttingDown));
        assert_eq!(counter.stock().issued, 0);
    }
}
