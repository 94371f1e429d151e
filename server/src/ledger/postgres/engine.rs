//! The ledger in PostgreSQL as an engine.
//!
//! # Why nobody is told anything old
//! A sale is told once its batch is committed, and that is committed only where the head was still at the revision
//! and the checksum that the sale was decided on: the row of the head is locked for the comparison, and
//! who waits for that lock compares with what the one before left (READ COMMITTED, on purpose; nothing rests on
//! SERIALIZABLE). What is told without a record, such as that nothing is left, was decided on the news of
//! the turn, and [`Turn::confirm`] reads the head once more behind the decision: a statement on the primary sees
//! whatever was committed, and so whatever anybody was told of, before it began. Between the two readings nobody
//! appended, so the answer was true when it was read, after the question came and before it was answered.
//!
//! # What that rests on
//! - There is one primary. A commit on a primary that was demoted waits for a standby that follows it
//!   no more, and so never ends: it sells nothing, where `synchronous_standby_names` is set. But until its sessions
//!   end it can be read, and tells servers that can reach nothing else what was true when it was demoted.
//! - What is seen has reached the standby: PostgreSQL shows a commit once it has, except where somebody cancelled
//!   its wait, or the primary was restarted meanwhile. So behind a new session, a warning or a lost answer
//!   nothing that was read is told before a commit of nothing behind it (the fence) was answered.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::runtime::{self, Runtime};
use tokio_postgres::{Row, Statement, types::ToSql};

use crate::{
    domain::{Change, Identity, Inventory, Record, Stock},
    ledger::{
        Appended, Cause, Engine, Fault, News, Turn,
        format::base::Base,
        late::Late,
        postgres::{
            archive::PostgresArchive,
            batch::{Place, PostgresBatch},
            creation::create,
            error::PostgresError,
            gaps::Gaps,
            loading::{NEWS, NEWS_MAX, load},
            reader::Reader,
            records::{bigint, number, record, revision},
            seen::Seen,
            session::{CounterId, Database, Session},
            snapshots::{EVERY_RECORDS, Snapshots},
        },
    },
};

/// Appends lines at exactly the revisions behind the one that the head has to be at; nothing where it is not.
const APPEND: &str = "\
    WITH head AS ( \
        SELECT id FROM ticket_counter.counter WHERE id = $1 AND revision = $2 AND checksum = $3 FOR UPDATE \
    ) INSERT INTO ticket_counter.record (counter, revision, writer, line) \
    SELECT head.id, $2 + line.nth, $4, line.text \
    FROM head, unnest($5::text[]) WITH ORDINALITY AS line (text, nth)";

/// Where the head is.
const HEAD: &str = "SELECT revision, checksum FROM ticket_counter.counter WHERE id = $1";

/// A commit of nothing: what was seen before it has reached the standby once it is answered. It waits for whoever
/// is appending.
const FENCE: &str = "UPDATE ticket_counter.counter SET fence = fence + 1 WHERE id = $1";

/// Whether somebody waits for the synchronous standby.
const WAITING: &str = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = current_database())";

/// Who appended a record.
const WRITER: &str =
    "SELECT writer FROM ticket_counter.record WHERE counter = $1 AND revision = $2";

/// How a ledger in PostgreSQL is opened: what comes from the world outside.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// With how many tickets a missing counter is made; `None` where it is not.
    pub init: Option<u64>,
    /// How many requests are known again, at most.
    pub names_max: usize,
    /// The time in milliseconds since 1970 UTC.
    pub now_ms: fn() -> u64,
    /// Random bytes that nobody can guess: the key of a new counter, and the number of this process.
    pub random: fn() -> io::Result<[u8; 32]>,
}

/// The ledger in PostgreSQL.
pub struct PostgresEngine {
    runtime: Option<Runtime>,
    database: Arc<Database>,
    options: Options,
    /// What a missing counter begins with, where `options` do not say it.
    new: Option<Base>,
    /// The number of this process, which its records carry.
    writer: i64,
    /// Whether no turn was begun yet.
    is_new: bool,
    open: Option<Open>,
    known: Option<Known>,
    /// What the ledger had come to when it was read, until that is told.
    untold: Option<Inventory>,
    /// Whether something may be seen that the standby does not have.
    is_in_doubt: bool,
    /// A batch of which it is not known whether it is there goes behind this revision.
    unsettled: Option<u64>,
    /// Why the last append was refused; told in place of the next turn.
    refused: Option<Cause>,
    snapshots: Snapshots,
    reader: Reader,
    late: Late,
    gaps: Gaps,
    seen: Arc<Mutex<Seen>>,
    advice: Vec<String>,
}

/// A session, and what is asked through it often.
struct Open {
    session: Session,
    news: Statement,
    append: Statement,
    head: Statement,
}

/// What this process knows of the ledger.
struct Known {
    identity: CounterId,
    place: Place,
    /// The revision of the last snapshot.
    kept: u64,
}

/// A record that is news, its line's checksum, and whether this process has appended it.
type Heard = (Record, u32, bool);

/// A turn, which keeps nobody out.
pub struct PostgresTurn<'a>(&'a mut PostgresEngine);

impl PostgresEngine {
    /// An engine on the counter of `database`, which is not reached before its first turn.
    ///
    /// # Errors
    /// [`PostgresError::System`].
    pub fn new(database: Database, options: Options) -> Result<Self, PostgresError> {
        Self::with(database, options, None)
    }

    /// The same; a missing counter is made to begin with `new`, where that is given.
    pub(super) fn with(
        database: Database,
        options: Options,
        new: Option<Base>,
    ) -> Result<Self, PostgresError> {
        let database = Arc::new(database);
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let random = (options.random)()?;
        let writer = random.first_chunk().map_or(1, |bytes| i64::from_le_bytes(*bytes));
        Ok(Self {
            runtime: Some(runtime),
            options,
            new,
            writer,
            is_new: true,
            open: None,
            known: None,
            untold: None,
            is_in_doubt: true,
            unsettled: None,
            refused: None,
            snapshots: Snapshots::new(Arc::clone(&database), writer),
            reader: Reader::start(Arc::clone(&database), writer)?,
            late: Late::default(),
            gaps: Gaps::default(),
            database,
            seen: Arc::default(),
            advice: Vec::new(),
        })
    }

    /// What is read beside the turns.
    pub fn archive(&self) -> PostgresArchive {
        PostgresArchive::new(self.reader.clone(), Arc::clone(&self.seen))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // It is written as a whole, or not at all.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what came of asking, for those who read.
    fn noted<T>(&mut self, came: Result<T, PostgresError>) -> Result<T, Fault> {
        if let (Err(PostgresError::Refused(_)), Some(open)) = (&came, &mut self.open) {
            open.session.retire();
        }
        came.map_err(|error| {
            let fault = Fault::from(error);
            let (Fault::Passing(cause) | Fault::Lasting(cause)) = &fault;
            self.seen().obstacle = Some(cause.clone());
            fault
        })
    }

    /// Has a session that can be used, a new one if need be, to the counter that was opened.
    fn connect(&mut self) -> Result<(), PostgresError> {
        if self.open.as_ref().is_some_and(|open| open.session.is_usable()) {
            return Ok(());
        }
        self.open = None;
        self.is_in_doubt = true;
        let Self { runtime: Some(runtime), database, known, options, new, .. } = &*self else {
            unreachable!("the runtime goes with the engine")
        };
        let connected = runtime.block_on(async {
            let last = known.as_ref().map_or(0, |known| known.place.stock.revision);
            let mut session = Session::connect(database, last, |_| {}).await?;
            let identity = find_or_create(&mut session, database, *options, new.as_ref()).await?;
            if known.as_ref().is_some_and(|known| known.identity != identity) {
                let counter = database.address().counter.clone();
                return Err(PostgresError::Replaced { counter });
            }
            let news = session.prepare(NEWS).await?;
            let append = session.prepare(APPEND).await?;
            let head = session.prepare(HEAD).await?;
            Ok((Open { session, news, append, head }, identity))
        });
        let (open, identity) = connected?;
        let place = self.database.address();
        tracing::info!("{place}: selling from {}", open.session.server);
        if open.session.advice != self.advice {
            self.advice.clone_from(&open.session.advice);
            self.advice.iter().for_each(|advice| tracing::warn!("{place}: {advice}"));
        }
        self.open = Some(open);
        if self.known.is_none() {
            let nothing = Place { stock: Stock::default(), checksum: 0, at_ms: 0 };
            self.known = Some(Known { identity, place: nothing, kept: 0 });
        }
        Ok(())
    }

    /// Reads all that the ledger has come to, where that was not done yet.
    fn load_once(&mut self) -> Result<(), PostgresError> {
        if self.is_loaded() {
            return Ok(());
        }
        self.untold = Some(self.load()?);
        let stock = self.parts().2.place.stock;
        let mut seen = self.seen();
        (seen.stock, seen.obstacle) = (Some(stock), None);
        Ok(())
    }

    /// The parts that a question needs, at once.
    fn parts(&mut self) -> (&Runtime, &mut Open, &mut Known) {
        match self {
            Self { runtime: Some(runtime), open: Some(open), known: Some(known), .. } => {
                (runtime, open, known)
            }
            _ => unreachable!("a turn has a session"),
        }
    }

    /// What another connection than that of the turns needs.
    pub(super) fn surroundings(&self) -> (&Runtime, &Database) {
        let runtime = self.runtime.as_ref().expect("the runtime goes with the engine");
        (runtime, &self.database)
    }

    /// Which counter it is, and up to which revision it is known; `None` ahead of the first turn.
    pub(super) fn place(&self) -> Option<(&CounterId, u64)> {
        let known = self.known.as_ref()?;
        Some((&known.identity, known.place.stock.revision))
    }

    /// Whether the ledger was read.
    fn is_loaded(&self) -> bool {
        self.seen().identity.is_some()
    }

    /// Reads all that the ledger has come to.
    fn load(&mut self) -> Result<Inventory, PostgresError> {
        let names_max = self.options.names_max;
        let (runtime, open, known) = self.parts();
        let loaded = runtime.block_on(load(&mut open.session, &known.identity, names_max))?;
        known.place = loaded.place;
        self.fence()?;
        let key = self.parts().2.identity.key;
        let epochs = loaded.inventory.epochs().to_vec();
        self.seen().identity = Some(Identity { key, epochs });
        Ok(loaded.inventory)
    }

    /// Commits nothing: then the standby has whatever was seen.
    fn fence(&mut self) -> Result<(), PostgresError> {
        let (runtime, open, known) = self.parts();
        let fenced = runtime.block_on(open.session.commit(FENCE, &[&known.identity.id]));
        match fenced {
            Ok(1) => Ok(()),
            Ok(_) => Err(self.replaced()),
            // Behind a question without an answer nothing is answered.
            Err(error) if !open.session.is_usable() => Err(error),
            Err(error) => {
                let is_waiting = runtime.block_on(open.session.query(WAITING, &[]));
                let is_waiting = is_waiting.is_ok_and(|rows| rows.iter().any(|row| row.get(0)));
                Err(if is_waiting { PostgresError::StandbyAway } else { error })
            }
        }
    }

    fn replaced(&self) -> PostgresError {
        PostgresError::Replaced { counter: self.database.address().counter.clone() }
    }

    /// A page of what others have appended, and whether there is more.
    fn page(&mut self) -> Result<(Vec<Heard>, bool), PostgresError> {
        let (writer, counter) = (self.writer, self.database.address().counter.clone());
        let (runtime, open, known) = self.parts();
        let place = known.place;
        let from = bigint(place.stock.revision);
        let values: [&(dyn ToSql + Sync); 3] = [&counter, &from, &NEWS_MAX];
        let rows = runtime.block_on(open.session.query(&open.news, &values))?;
        let Some(head) = rows.first().filter(|row| row.get::<_, i64>(3) == known.identity.id)
        else {
            return Err(self.replaced());
        };
        known.kept = known.kept.max(number(head.get(2)));
        refuse_another_history(place, revision(head, 0), head.get(1))?;
        let (mut news, mut chain, mut next) = (Vec::new(), place.checksum, place.stock.revision);
        for row in &rows {
            let Some(found) = row.get::<_, Option<i64>>(4).map(number) else { break };
            next += 1;
            if found != next {
                return Err(PostgresError::damaged(next, "it is missing"));
            }
            let (record, checksum) = match record(row.get(6), found, chain) {
                // Behind what this process knows, the first line tells whether they are one history.
                Err(_) if news.is_empty() => {
                    return Err(PostgresError::AnotherHistory { revision: place.stock.revision });
                }
                read => read?,
            };
            chain = checksum;
            news.push((record, checksum, row.get::<_, i64>(5) == writer));
        }
        let has_more = next < revision(head, 0);
        Ok((news, has_more))
    }

    fn learn(&mut self, hear: &mut dyn FnMut(News)) -> Result<(), PostgresError> {
        if let Some(inventory) = self.untold.take() {
            hear(News::Snapshot(Box::new(inventory)));
        }
        loop {
            let (news, has_more) = self.page()?;
            if self.is_in_doubt {
                // IMPORTANT: between reading and telling: whatever was read was committed before this.
                self.fence()?;
            }
            for (record, checksum, is_own) in news {
                // Whoever had the revision, nothing can be put there any more.
                self.unsettled = None;
                self.pass(&record, checksum)?;
                hear(News::Record { record, is_own });
            }
            if !has_more {
                break;
            }
        }
        self.is_in_doubt = false;
        let stock = self.parts().2.place.stock;
        let mut seen = self.seen();
        (seen.stock, seen.obstacle) = (Some(stock), None);
        Ok(())
    }

    /// Goes on behind `record`.
    fn pass(&mut self, record: &Record, checksum: u32) -> Result<(), PostgresError> {
        let known = self.parts().2;
        let stock = known.place.stock.after(record);
        let stock = stock.map_err(|fault| PostgresError::damaged(record.revision, &fault))?;
        known.place = Place { stock, checksum, at_ms: record.at_ms };
        if let Change::Restored { epoch, .. } = record.change
            && let Some(identity) = &mut self.seen().identity
        {
            identity.epochs.push((record.revision, epoch));
        }
        Ok(())
    }

    /// Appends `batch`, and says how many records that were.
    fn insert(&mut self, batch: &PostgresBatch) -> Result<u64, PostgresError> {
        let writer = self.writer;
        let (runtime, open, known) = self.parts();
        let (id, from) = (known.identity.id, bigint(batch.start.stock.revision));
        let checksum = i64::from(batch.start.checksum);
        let values: [&(dyn ToSql + Sync); 5] = [&id, &from, &checksum, &writer, &batch.lines];
        runtime.block_on(open.session.commit(&open.append, &values))
    }

    /// Whether this process has appended the record at `revision`, and the standby has it.
    fn is_own(&mut self, revision: u64) -> Result<bool, PostgresError> {
        let writer = self.writer;
        let (runtime, open, known) = self.parts();
        let revision = bigint(revision);
        let values: [&(dyn ToSql + Sync); 2] = [&known.identity.id, &revision];
        let rows = runtime.block_on(open.session.query(WRITER, &values))?;
        let is_own = rows.first().is_some_and(|row| row.get::<_, i64>(0) == writer);
        self.fence()?;
        Ok(is_own)
    }

    /// Notes whether what was sent came after another's batch; one that always does asks for a gap.
    fn note_late(&mut self, is_late: bool) {
        self.late.was(is_late);
        if is_late && let Some(needs) = self.late.asks(Instant::now()) {
            self.reader.ask(needs);
        }
    }

    /// What became of an append that nobody had tried before.
    fn first_try(&mut self, batch: &PostgresBatch) -> Appended {
        match self.insert(batch) {
            Ok(rows) if rows == batch.lines.len() as u64 => self.durable(batch),
            Ok(_) => {
                self.note_late(true);
                Appended::Lost
            }
            Err(PostgresError::Refused(reason)) => {
                // A definite no is a race lost, with a reason for the next turn: nothing is there.
                self.is_in_doubt = true;
                self.refused = Some(Cause::of(PostgresError::Refused(reason)));
                Appended::Lost
            }
            Err(error) => {
                self.unsettled = Some(batch.start.stock.revision);
                self.unknown(error)
            }
        }
    }

    /// What became of an append that may have come through before.
    fn another_try(&mut self, batch: &PostgresBatch) -> Appended {
        let first = batch.start.stock.revision + 1;
        // IMPORTANT: whatever this one comes to, also a definite no, says nothing of the one before.
        let owner = match self.insert(batch) {
            Ok(rows) if rows == batch.lines.len() as u64 => Ok(true),
            Ok(_) => self.is_own(first),
            Err(error) => Err(error),
        };
        match owner {
            Ok(true) => self.durable(batch),
            Ok(false) => {
                self.unsettled = None;
                Appended::Lost
            }
            Err(error) => self.unknown(error),
        }
    }

    fn unknown(&mut self, error: PostgresError) -> Appended {
        self.is_in_doubt = true;
        Appended::Unknown(Cause::of(error))
    }

    fn durable(&mut self, batch: &PostgresBatch) -> Appended {
        self.unsettled = None;
        self.note_late(false);
        self.parts().2.place = batch.end;
        self.seen().stock = Some(batch.end.stock);
        self.reader.tell(batch.end.stock.revision);
        Appended::Durable
    }
}

/// Finds the counter of `database`; makes it where it is missing, to begin with `new` or
/// with as many tickets as `options` say.
async fn find_or_create(
    session: &mut Session,
    database: &Database,
    options: Options,
    new: Option<&Base>,
) -> Result<CounterId, PostgresError> {
    let address = database.address();
    let new = match (new, options.init) {
        (Some(new), _) => Some(new.clone()),
        (None, Some(count)) => {
            let (key, stock) = ((options.random)()?, Stock::new(count, 0, 0));
            Some(Base::of(key, 0, stock, (options.now_ms)()))
        }
        (None, None) => None,
    };
    match (session.find(address).await, new) {
        (Err(PostgresError::NoCounter { .. }), Some(new)) => {
            create(session, address, &new).await?;
            session.find(address).await
        }
        (found, _) => found,
    }
}

/// Refuses a ledger that is not the one that led to `place`, by its last `revision` and `checksum`.
fn refuse_another_history(place: Place, revision: u64, checksum: i64) -> Result<(), PostgresError> {
    let known = place.stock.revision;
    if revision < known {
        return Err(PostgresError::Behind { ledger: revision, known });
    }
    if revision == known && checksum != i64::from(place.checksum) {
        return Err(PostgresError::AnotherHistory { revision });
    }
    Ok(())
}

impl Engine for PostgresEngine {
    type Batch = PostgresBatch;
    type Turn<'a> = PostgresTurn<'a>;

    fn begin(&mut self) -> Result<PostgresTurn<'_>, Fault> {
        if let Some(cause) = self.refused.take() {
            self.seen().obstacle = Some(cause.clone());
            return Err(Fault::Passing(cause));
        }
        let now = Instant::now();
        if let Some(gap) = self.gaps.next(now, self.reader.wanted(now)) {
            self.reader.stand_back(gap);
            self.gaps.is_over(Instant::now());
        }
        self.late.begins(Instant::now());
        let is_first = std::mem::replace(&mut self.is_new, false);
        let ready = self.connect().and_then(|()| self.load_once());
        // Who starts a server on a counter that there is not has mistyped it; later on somebody may put it back.
        let is_mistyped = is_first && matches!(ready, Err(PostgresError::NoCounter { .. }));
        match self.noted(ready) {
            Ok(()) => Ok(PostgresTurn(self)),
            Err(Fault::Passing(cause)) if is_mistyped => Err(Fault::Lasting(cause)),
            Err(fault) => Err(fault),
        }
    }

    fn rest(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

impl Turn for PostgresTurn<'_> {
    type Batch = PostgresBatch;

    fn news(&mut self, hear: &mut dyn FnMut(News)) -> Result<(), Fault> {
        let learnt = self.0.learn(hear);
        self.0.noted(learnt)
    }

    fn batch(&mut self) -> Result<PostgresBatch, Fault> {
        Ok(PostgresBatch::at(self.0.parts().2.place))
    }

    fn confirm(&mut self) -> Result<bool, Fault> {
        let (runtime, open, known) = self.0.parts();
        let rows = runtime.block_on(open.session.query(&open.head, &[&known.identity.id]));
        let place = known.place;
        let rows = self.0.noted(rows)?;
        let is_at = |row: &Row| {
            revision(row, 0) == place.stock.revision
                && row.get::<_, i64>(1) == i64::from(place.checksum)
        };
        let is_unmoved = rows.first().is_some_and(is_at);
        self.0.note_late(!is_unmoved);
        Ok(is_unmoved)
    }

    fn append(&mut self, batch: &PostgresBatch) -> Appended {
        let engine = &mut *self.0;
        assert_eq!(batch.start, engine.parts().2.place, "a batch goes where the ledger ends");
        if engine.unsettled == Some(batch.start.stock.revision) {
            engine.another_try(batch)
        } else {
            engine.first_try(batch)
        }
    }

    fn is_snapshot_due(&self) -> bool {
        let PostgresEngine { known, snapshots, .. } = &*self.0;
        let behind = known.as_ref().map_or(0, |known| known.place.stock.revision - known.kept);
        behind >= EVERY_RECORDS && snapshots.is_free()
    }

    fn keep(&mut self, inventory: Inventory) {
        let (_, _, known) = self.0.parts();
        let Place { stock, checksum, at_ms } = known.place;
        assert_eq!(inventory.stock(), stock, "it is what the ledger has come to");
        let (identity, base) =
            (known.identity.clone(), Base::of(known.identity.key, checksum, stock, at_ms));
        // Where it fails the next is due a good while later, not at once.
        known.kept = stock.revision;
        self.0.snapshots.keep(inventory, base, &identity);
    }

    fn end(self) -> Result<(), Fault> {
        Ok(())
    }
}

impl Drop for PostgresEngine {
    fn drop(&mut self) {
        self.open = None;
        if let Some(runtime) = self.runtime.take() {
            // A name that is being looked up is not waited for.
            runtime.shutdown_background();
        }
    }
}
