//! What is read beside the turns, and the hint that there is news: a thread and a connection of its own.
//!
//! A notification only hints. One that is lost costs a second, for the last revision is asked for then.

use std::{
    iter,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant as ClockInstant},
};

use tokio::{
    runtime,
    sync::{mpsc, oneshot, watch},
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};
use tokio_postgres::Notification;

use crate::{
    domain::Record,
    ledger::{
        Cause,
        format::record_line::claimed_checksum,
        late::Asked,
        postgres::{
            error::PostgresError,
            records::{bigint, record, revision},
            session::{CounterId, Database, Session},
        },
    },
};

/// By this name servers tell each other of a revision, as `counter revision`, and ask for a gap, as
/// `counter wanted writer milliseconds`.
const CHANNEL: &str = "ticket_counter";

/// The second word of who asks for a gap; an older server takes it for no revision, and leaves none.
const WANTED: &str = "wanted";

/// How often the last revision is asked for where nothing is heard.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// How long others are told nothing more behind a notification.
const TELL_EVERY: Duration = Duration::from_millis(20);

/// How long to wait before the next try to connect.
const RETRY: Duration = Duration::from_millis(200);

/// How many may wait for records.
const WAITING_MAX: usize = 1024;

/// The way to the thread that reads.
#[derive(Clone)]
pub(super) struct Reader {
    jobs: mpsc::Sender<Job>,
    appended: Arc<watch::Sender<u64>>,
    asked: Arc<watch::Sender<Duration>>,
    heard: Arc<Heard>,
}

/// What is heard of other servers; it may be old.
#[derive(Default)]
struct Heard {
    /// The last revision that somebody is said to have reached, and the gaps that others ask for.
    told: Mutex<(u64, Asked<i64>)>,
    is_further: Condvar,
}

/// What this server tells the others.
struct Telling {
    writer: i64,
    appended: watch::Receiver<u64>,
    asked: watch::Receiver<Duration>,
}

/// Somebody who waits for the records from a revision to another.
struct Job {
    first: u64,
    last: u64,
    /// Whether a connection broke over it already.
    is_again: bool,
    to: oneshot::Sender<Result<Vec<Record>, Cause>>,
}

impl Reader {
    /// Begins to read of `database` for the process `writer`, until nobody has a way to it any more.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn start(database: Arc<Database>, writer: i64) -> Result<Self, PostgresError> {
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let (appended, asked) = (watch::Sender::new(0), watch::Sender::new(Duration::ZERO));
        let telling = Telling { writer, appended: appended.subscribe(), asked: asked.subscribe() };
        let heard = Arc::<Heard>::default();
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let hears = Arc::clone(&heard);
        thread::Builder::new().name("reader".to_owned()).spawn(move || {
            runtime.block_on(serve(&database, waiting, telling, &hears));
            runtime.shutdown_background();
        })?;
        Ok(Self { jobs, appended: Arc::new(appended), asked: Arc::new(asked), heard })
    }

    /// The last revision that somebody is said to have reached; it may be behind.
    pub(super) fn reached(&self) -> u64 {
        self.heard.told().0
    }

    /// How long a gap other servers ask for at `now`.
    pub(super) fn wanted(&self, now: ClockInstant) -> Option<Duration> {
        self.heard.told().1.needs(now)
    }

    /// Waits for so long, or until somebody is said to have got beyond what is said now.
    pub(super) fn stand_back(&self, gap: Duration) {
        let told = self.heard.told();
        let known = told.0;
        // Whether it was the one or the other the next turn finds out.
        let _ = self.heard.is_further.wait_timeout_while(told, gap, |told| told.0 <= known);
    }

    /// Asks other servers for a gap; that may be lost.
    pub(super) fn ask(&self, needs: Duration) {
        self.asked.send_replace(needs);
    }

    /// Tells other servers that the ledger goes up to `revision`; that may be lost.
    pub(super) fn tell(&self, revision: u64) {
        self.heard.reach(revision);
        self.appended.send_replace(revision);
    }

    /// The records from revision `first` to `last`, as many as there are.
    ///
    /// # Errors
    /// [`Cause`].
    pub(super) async fn records(&self, first: u64, last: u64) -> Result<Vec<Record>, Cause> {
        let (to, found) = oneshot::channel();
        let asked = self.jobs.send(Job { first, last, is_again: false, to }).await;
        asked.map_err(|_| Cause::of("nobody reads any more"))?;
        found.await.map_err(Cause::of)?
    }
}

impl Heard {
    fn told(&self) -> MutexGuard<'_, (u64, Asked<i64>)> {
        // Nobody panics within it.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody is said to have reached `revision`.
    fn reach(&self, revision: u64) {
        let mut told = self.told();
        if revision > told.0 {
            told.0 = revision;
            drop(told);
            self.is_further.notify_all();
        }
    }

    /// Notes what a server told of the counter of the process `own`; what is neither of the two is passed over.
    fn note(&self, told: &str, own: i64) {
        let words: Vec<_> = told.split(' ').collect();
        match *words {
            [revision] => {
                if let Ok(revision) = revision.parse() {
                    self.reach(revision);
                }
            }
            [WANTED, writer, needs_ms] => {
                if let (Ok(writer), Ok(needs_ms)) = (writer.parse(), needs_ms.parse())
                    && writer != own
                {
                    let needs = Duration::from_millis(needs_ms);
                    self.told().1.note(writer, needs, ClockInstant::now());
                }
            }
            _ => {}
        }
    }
}

/// Answers what is `asked`, through one connection after the other.
async fn serve(
    database: &Database,
    mut asked: mpsc::Receiver<Job>,
    mut telling: Telling,
    heard: &Arc<Heard>,
) {
    let mut unanswered = None;
    loop {
        let error = match Connected::open(database, telling.writer, Arc::clone(heard)).await {
            Ok(mut connected) => {
                let jobs = (&mut asked, &mut unanswered);
                match connected.serve(jobs, &mut telling, heard).await {
                    Ok(()) => return,
                    // Whoever asked is answered by the next connection, where there is one at once.
                    Err(_) if unanswered.is_some() => continue,
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        tracing::debug!("nothing can be read: {error}");
        let cause = Cause::of(error);
        let waiting = unanswered.take().into_iter();
        for Job { to, .. } in waiting.chain(iter::from_fn(|| asked.try_recv().ok())) {
            // Nobody waits any more where it cannot be sent.
            let _ = to.send(Err(cause.clone()));
        }
        // Whoever asks next does not wait for the next try: it is made for them.
        tokio::select! {
            () = sleep(RETRY) => {}
            job = asked.recv() => match job {
                Some(job) => unanswered = Some(job),
                None => return,
            },
        }
    }
}

struct Connected {
    session: Session,
    identity: CounterId,
}

impl Connected {
    async fn open(
        database: &Database,
        writer: i64,
        heard: Arc<Heard>,
    ) -> Result<Self, PostgresError> {
        let known = heard.told().0;
        let own = Arc::<AtomicU64>::default();
        let listener = Arc::clone(&own);
        let hear = move |notification: &Notification| {
            let own = listener.load(Ordering::Relaxed);
            if let Some((counter, told)) = notification.payload().split_once(' ')
                && counter.parse() == Ok(own)
            {
                heard.note(told, writer);
            }
        };
        let mut session = Session::connect(database, known, hear).await?;
        let identity = session.find(database.address()).await?;
        own.store(identity.id.unsigned_abs(), Ordering::Relaxed);
        // A pooler, or another database that speaks this protocol, may not have it: then the last revision is
        // asked for, and nothing else.
        if let Err(error) = session.query(&format!("LISTEN {CHANNEL}"), &[]).await {
            tracing::debug!("no hints: {error}");
        }
        Ok(Self { session, identity })
    }

    /// Serves until nobody can ask any more, or the connection breaks.
    async fn serve(
        &mut self,
        (asked, unanswered): (&mut mpsc::Receiver<Job>, &mut Option<Job>),
        Telling { writer, appended, asked: gap }: &mut Telling,
        heard: &Heard,
    ) -> Result<(), PostgresError> {
        if let Some(job) = unanswered.take() {
            self.answer(job, unanswered).await?;
        }
        let mut ask = interval(ASK_EVERY);
        ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told_at = Instant::now();
        loop {
            let news = async {
                sleep_until(told_at + TELL_EVERY).await;
                appended.changed().await
            };
            tokio::select! {
                job = asked.recv() => match job {
                    Some(job) => self.answer(job, unanswered).await?,
                    None => return Ok(()),
                },
                news = news => {
                    if news.is_err() {
                        return Ok(());
                    }
                    let revision = *appended.borrow_and_update();
                    self.notify(&revision.to_string()).await?;
                    told_at = Instant::now();
                }
                Ok(()) = gap.changed() => {
                    let needs_ms = gap.borrow_and_update().as_millis();
                    self.notify(&format!("{WANTED} {writer} {needs_ms}")).await?;
                }
                _ = ask.tick() => {
                    let sql = "SELECT revision FROM ticket_counter.counter WHERE id = $1";
                    let rows = self.session.query(sql, &[&self.identity.id]).await?;
                    let last = rows.first().map_or(0, |row| revision(row, 0));
                    heard.reach(last);
                }
            }
        }
    }

    /// Tells other servers something of this counter.
    async fn notify(&mut self, what: &str) -> Result<(), PostgresError> {
        let told = format!("{} {what}", self.identity.id);
        // Not with the batch: whoever notifies keeps all others from committing meanwhile.
        self.session.query("SELECT pg_notify($1, $2)", &[&CHANNEL, &told]).await.map(|_| ())
    }

    /// Answers `job`; where the connection breaks over it for the first time, it is left `unanswered`.
    async fn answer(
        &mut self,
        job: Job,
        unanswered: &mut Option<Job>,
    ) -> Result<(), PostgresError> {
        let found = self.records(job.first, job.last).await;
        let is_usable = self.session.is_usable();
        if found.is_err() && !is_usable && !job.is_again {
            *unanswered = Some(Job { is_again: true, ..job });
        } else {
            // Nobody waits any more where it cannot be sent.
            let _ = job.to.send(found.map_err(Cause::of));
        }
        if is_usable {
            Ok(())
        } else {
            Err(PostgresError::Unknown("the connection broke".to_owned()))
        }
    }

    /// Reads the records from `first` to `last`, with the one ahead of them, whose checksum they go on from.
    async fn records(&mut self, first: u64, last: u64) -> Result<Vec<Record>, PostgresError> {
        let sql = "SELECT revision, line FROM ticket_counter.record \
                   WHERE counter = $1 AND revision BETWEEN $2 AND $3 ORDER BY revision";
        let (from, to) = (bigint(first.saturating_sub(1)), bigint(last));
        let rows = self.session.query(sql, &[&self.identity.id, &from, &to]).await?;
        let mut records = Vec::with_capacity(rows.len());
        let mut chain = 0;
        for row in rows {
            let (at, line): (u64, &str) = (revision(&row, 0), row.get(1));
            if at < first {
                chain = claimed_checksum(line.as_bytes()).unwrap_or_default();
                continue;
            }
            let (record, checksum) = record(line, at, chain)?;
            chain = checksum;
            records.push(record);
        }
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_heard_and_what_is_neither_word_is_passed_over() {
        let (heard, now) = (Heard::default(), ClockInstant::now());
        for told in ["7", "5", "wanted 1 40", "wanted 2 40 0", "wanted 2", "wanted x 40", "x", ""] {
            heard.note(told, 1);
        }
        assert_eq!(heard.told().0, 7);
        assert_eq!(heard.told().1.needs(now), None, "it has asked itself, and else nobody");
        heard.note("wanted -2 40", 1);
        assert_eq!(heard.told().1.needs(now), Some(Duration::from_millis(40)));
    }

    #[test]
    fn who_stands_back_goes_on_once_somebody_has_come() {
        let (jobs, _) = mpsc::channel(1);
        let (appended, asked) = (Arc::new(watch::Sender::new(0)), Arc::default());
        let reader = Reader { jobs, appended, asked, heard: Arc::default() };
        thread::scope(|scope| {
            let waits = scope.spawn(|| reader.stand_back(Duration::MAX));
            while !waits.is_finished() {
                reader.heard.reach(reader.reached() + 1);
                thread::yield_now();
            }
        });
    }
}
