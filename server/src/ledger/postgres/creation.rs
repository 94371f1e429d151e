//! Making a counter where there is none, and removing one.

use std::io;

use tokio_postgres::types::ToSql;

use crate::ledger::{
    format::{
        base::{Base, FORMAT_VERSION},
        snapshot,
    },
    postgres::{
        address::Address,
        error::PostgresError,
        records::bigint,
        session::{Database, Session},
    },
};

/// Makes the counter of `address`, which begins with `base`, and the tables where they are missing; leaves one that
/// is there by now alone.
///
/// # Errors
/// [`PostgresError`].
pub(super) async fn create(
    session: &mut Session,
    address: &Address,
    base: &Base,
) -> Result<(), PostgresError> {
    session.migrate(&address.database).await?;
    let mut bytes = Vec::new();
    snapshot::write(&base.inventory(0), base, &mut bytes)?;
    let line = serde_json::to_string(base).map_err(io::Error::from)?;
    // One statement: whoever finds the counter finds what it begins with. Of two who make it at once one does.
    let sql = "\
        WITH made AS ( \
            INSERT INTO ticket_counter.counter \
                (name, format, key, revision, at_ms, checksum, count, held, sold, refunded, admitted, capacity, kept) \
            VALUES ($1, $2, $3, $8, $4, $9, $5, 0, $10, 0, 0, $11, $8) ON CONFLICT (name) DO NOTHING RETURNING id \
        ), part AS ( \
            INSERT INTO ticket_counter.snapshot_part (counter, revision, writer, part, bytes) \
            SELECT id, $8, 0, 0, $6 FROM made \
        ) INSERT INTO ticket_counter.snapshot (counter, revision, writer, base) SELECT id, $8, 0, $7 FROM made";
    let format = i32::try_from(FORMAT_VERSION).unwrap_or(i32::MAX);
    let (key, stock) = (base.key.as_slice(), base.stock());
    let (count, at_ms, revision) =
        (bigint(stock.remaining), bigint(base.at_ms), bigint(stock.revision));
    let (checksum, sold, capacity) =
        (i64::from(base.after), bigint(stock.issued), bigint(stock.capacity));
    let values: [&(dyn ToSql + Sync); 11] = [
        &address.counter,
        &format,
        &key,
        &at_ms,
        &count,
        &bytes,
        &line,
        &revision,
        &checksum,
        &sold,
        &capacity,
    ];
    session.commit(sql, &values).await.map(|_| ())
}

/// Removes the counter of `database`, and all that was sold from it; none is no error.
///
/// # Errors
/// [`PostgresError`]: it may be there still.
pub async fn remove(database: &Database) -> Result<(), PostgresError> {
    let Address { counter, database: name, .. } = database.address();
    let mut session = Session::connect(database, 0, |_| {}).await?;
    if session.has_tables(name).await? {
        session.commit("DELETE FROM ticket_counter.counter WHERE name = $1", &[counter]).await?;
    }
    Ok(())
}
