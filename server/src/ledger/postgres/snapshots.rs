//! Snapshots: written beside the sales, through a connection of their own.
//!
//! A snapshot is named once all its parts are there; one that was left half done is cleared away by later ones.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use tokio::runtime::{self, Runtime};

use crate::{
    domain::Inventory,
    ledger::{
        format::{base::Base, snapshot},
        postgres::{
            error::PostgresError,
            records::bigint,
            session::{CounterId, Database, Session},
        },
    },
};

/// How many records are worth a snapshot: a start reads them in a second or two.
pub(super) const EVERY_RECORDS: u64 = 100_000;

/// How much goes into one part, in bytes.
const PART_BYTES: usize = 1 << 20;

/// How many snapshots are kept beside the first, which says what the ledger begins with: the one before the last may
/// be the last sound one.
const KEPT: i64 = 2;

/// Makes the snapshots of one process.
pub(super) struct Snapshots {
    database: Arc<Database>,
    writer: i64,
    is_running: Arc<AtomicBool>,
}

impl Snapshots {
    pub(super) fn new(database: Arc<Database>, writer: i64) -> Self {
        Self { database, writer, is_running: Arc::default() }
    }

    /// Whether none is being written.
    pub(super) fn is_free(&self) -> bool {
        !self.is_running.load(Ordering::Acquire)
    }

    /// Writes `inventory`, from which the records behind `base` go on, while others sell.
    pub(super) fn keep(&self, inventory: Inventory, base: Base, identity: &CounterId) {
        self.is_running.store(true, Ordering::Release);
        let (database, is_running) = (Arc::clone(&self.database), Arc::clone(&self.is_running));
        let (writer, identity) = (self.writer, identity.clone());
        let write = move || {
            match write(&database, (&inventory, &base), writer, &identity) {
                Ok(true) => {}
                Ok(false) => tracing::debug!("other servers have made later snapshots"),
                Err(error) => tracing::warn!("no snapshot of the ledger: {error}"),
            }
            is_running.store(false, Ordering::Release);
        };
        if let Err(error) = thread::Builder::new().name("snapshot".to_owned()).spawn(write) {
            tracing::debug!("no thread to write a snapshot: {error}");
            self.is_running.store(false, Ordering::Release);
        }
    }
}

/// Writes a snapshot; whether it was named, or others have made later ones meanwhile.
fn write(
    database: &Database,
    (inventory, base): (&Inventory, &Base),
    writer: i64,
    identity: &CounterId,
) -> Result<bool, PostgresError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let session = runtime.block_on(Session::connect(database, base.revision, |_| {}))?;
    let at = bigint(base.revision);
    let mut parts = Parts { runtime, session, at, writer, counter: identity.id, next: 0 };
    let mut out = io::BufWriter::with_capacity(PART_BYTES, &mut parts);
    let written = snapshot::write(inventory, base, &mut out).and_then(|()| out.flush());
    drop(out);
    written?;
    let line = serde_json::to_string(base).map_err(io::Error::from)?;
    let is_named = parts.name(&line)?;
    if let Err(error) = parts.clear_away_old() {
        tracing::debug!("older snapshots are left to the next one: {error}");
    }
    parts.runtime.shutdown_background();
    Ok(is_named)
}

/// The parts of one snapshot.
struct Parts {
    runtime: Runtime,
    session: Session,
    counter: i64,
    at: i64,
    writer: i64,
    next: i64,
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Self { runtime, session, counter, at, writer, next } = self;
        let length = bytes.len().min(PART_BYTES);
        let part = &bytes[..length];
        let sql = "INSERT INTO ticket_counter.snapshot_part (counter, revision, writer, part, bytes) \
                   VALUES ($1, $2, $3, $4, $5)";
        let inserted = runtime.block_on(session.commit(sql, &[counter, at, writer, next, &part]));
        inserted.map_err(io::Error::other)?;
        *next += 1;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Parts {
    /// Names what was written; whether all of it was there to be named.
    fn name(&mut self, base: &str) -> Result<bool, PostgresError> {
        let Self { runtime, session, counter, at, writer, next } = self;
        let sql = "\
            WITH whole AS ( \
                SELECT FROM ticket_counter.snapshot_part WHERE (counter, revision, writer) = ($1, $2, $3) \
                HAVING count(*) = $5 \
            ), named AS ( \
                INSERT INTO ticket_counter.snapshot (counter, revision, writer, base) SELECT $1, $2, $3, $4 FROM whole \
                ON CONFLICT (counter, revision) DO NOTHING \
            ) UPDATE ticket_counter.counter SET kept = greatest(kept, $2) WHERE id = $1 AND EXISTS (SELECT FROM whole)";
        let rows = runtime.block_on(session.commit(sql, &[counter, at, writer, &base, next]))?;
        Ok(rows > 0)
    }

    /// Clears away what is not kept any more.
    ///
    /// IMPORTANT: of a snapshot that has no name another server may be writing the parts: so only those go that are of an
    /// older revision than all that are kept, and what has lost some of its parts to that gets no name. One that loses
    /// them just as it is named is older than these, too: nobody starts from it, and it goes with the next clearing.
    fn clear_away_old(&mut self) -> Result<(), PostgresError> {
        let Self { runtime, session, counter, .. } = self;
        let sql = "\
            WITH kept AS ( \
                SELECT revision FROM ticket_counter.snapshot WHERE counter = $1 ORDER BY revision DESC LIMIT $2 \
            ), first AS ( \
                SELECT revision, writer FROM ticket_counter.snapshot WHERE counter = $1 ORDER BY revision LIMIT 1 \
            ), old AS ( \
                DELETE FROM ticket_counter.snapshot WHERE counter = $1 \
                AND revision < (SELECT min(revision) FROM kept) AND revision > (SELECT revision FROM first) \
            ) DELETE FROM ticket_counter.snapshot_part AS part WHERE counter = $1 \
                AND revision < (SELECT min(revision) FROM kept) \
                AND (revision, writer) <> (SELECT revision, writer FROM first)";
        runtime.block_on(session.commit(sql, &[counter, &KEPT])).map(drop)
    }
}
