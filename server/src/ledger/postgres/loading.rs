//! What a ledger has come to: the last snapshot that is whole, and the records behind it.

use std::io;

use crate::{
    domain::Inventory,
    ledger::{
        format::{base::Base, snapshot},
        postgres::{
            batch::Place,
            error::PostgresError,
            records::{bigint, number, record, revision},
            session::{CounterId, Session},
        },
    },
};

/// How many records are read at once.
const RECORDS_MAX: i64 = 10_000;

/// How many parts of a snapshot are read at once.
const PARTS_MAX: i64 = 16;

/// The records behind a revision, with the last that there is: as one statement, and so as of one moment.
pub(super) const NEWS: &str = "\
    SELECT head.revision, head.checksum, head.kept, head.id, record.revision, record.writer, record.line \
    FROM ticket_counter.counter AS head LEFT JOIN LATERAL ( \
        SELECT revision, writer, line FROM ticket_counter.record \
        WHERE counter = head.id AND revision > $2 ORDER BY revision LIMIT $3 \
    ) AS record ON true WHERE head.name = $1 ORDER BY record.revision";

/// A page of news.
pub(super) const NEWS_MAX: i64 = RECORDS_MAX;

/// What was loaded.
pub(super) struct Loaded {
    pub(super) inventory: Inventory,
    pub(super) place: Place,
}

/// Reads what the counter `identity` has come to; up to `names_max` requests are known again.
///
/// # Errors
/// [`PostgresError`].
pub(super) async fn load(
    session: &mut Session,
    identity: &CounterId,
    names_max: usize,
) -> Result<Loaded, PostgresError> {
    let sql = "SELECT revision, writer, base FROM ticket_counter.snapshot WHERE counter = $1 \
               ORDER BY revision DESC";
    for row in session.query(sql, &[&identity.id]).await? {
        let (at, writer, base): (i64, i64, String) = (row.get(0), row.get(1), row.get(2));
        match restored(session, identity, (at, writer), &base, names_max).await? {
            Ok((inventory, base)) => return read_on(session, identity, inventory, &base).await,
            Err(reason) => tracing::warn!("the snapshot of revision {at} is passed over: {reason}"),
        }
    }
    Err(PostgresError::damaged(0, "there is no snapshot to begin with"))
}

/// The inventory in one snapshot, or why there is none.
pub(super) async fn restored(
    session: &mut Session,
    identity: &CounterId,
    (at, writer): (i64, i64),
    base: &str,
    names_max: usize,
) -> Result<io::Result<(Inventory, Base)>, PostgresError> {
    let base: Base = match serde_json::from_str(base) {
        Ok(base) => base,
        Err(error) => return Ok(Err(error.into())),
    };
    if base.key != identity.key || base.revision != number(at) || !base.is_possible() {
        return Ok(Err(io::Error::other("it is of another place")));
    }
    let mut bytes = Vec::new();
    let mut next = 0i64;
    loop {
        let sql = "SELECT part, bytes FROM ticket_counter.snapshot_part WHERE counter = $1 AND revision = $2 \
                   AND writer = $3 AND part >= $4 ORDER BY part LIMIT $5";
        let rows = session.query(sql, &[&identity.id, &at, &writer, &next, &PARTS_MAX]).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            bytes.extend_from_slice(row.get(1));
            next = row.get::<_, i64>(0) + 1;
        }
    }
    Ok(snapshot::read(&bytes[..], &base, names_max).map(|inventory| (inventory, base)))
}

/// Folds the records behind `base` into `inventory`, up to where the ledger ended at one of the reads.
async fn read_on(
    session: &mut Session,
    identity: &CounterId,
    mut inventory: Inventory,
    base: &Base,
) -> Result<Loaded, PostgresError> {
    let mut place = Place { stock: base.stock(), checksum: base.after, at_ms: base.at_ms };
    loop {
        let sql = "SELECT revision, line FROM ticket_counter.record WHERE counter = $1 AND revision > $2 \
                   ORDER BY revision LIMIT $3";
        let from = bigint(place.stock.revision);
        let rows = session.query(sql, &[&identity.id, &from, &RECORDS_MAX]).await?;
        // IMPORTANT: not where nothing is left: while others sell there is something each time.
        let is_end = rows.len() < usize::try_from(RECORDS_MAX).unwrap_or(usize::MAX);
        for row in rows {
            let expected = place.stock.revision + 1;
            let found = revision(&row, 0);
            if found != expected {
                return Err(PostgresError::damaged(expected, "it is missing"));
            }
            let (record, checksum) = record(row.get(1), found, place.checksum)?;
            let folded = inventory.fold(&record);
            folded.map_err(|fault| PostgresError::damaged(found, &fault))?;
            place = Place { stock: inventory.stock(), checksum, at_ms: record.at_ms };
        }
        if is_end {
            return Ok(Loaded { inventory, place });
        }
    }
}
