//! Making a counter where there is none.

use std::io;

use tokio_postgres::types::ToSql;

use crate::{
    domain::Stock,
    ledger::{
        format::{
            base::{Base, FORMAT_VERSION},
            snapshot,
        },
        postgres::{address::Address, error::PostgresError, records::bigint, session::Session},
    },
};

/// Makes the counter of `address` with `count` tickets, and the tables where they are missing; leaves one that is
/// there by now alone. `key` is the new counter's secret, drawn at random.
///
/// # Errors
/// [`PostgresError`].
pub(super) async fn create(
    session: &mut Session,
    address: &Address,
    count: u64,
    (key, now_ms): ([u8; 32], u64),
) -> Result<(), PostgresError> {
    session.migrate(&address.database).await?;
    let base = Base::of(key, 0, Stock::new(count, 0, 0), now_ms);
    let mut bytes = Vec::new();
    snapshot::write(&base.inventory(0), &base, &mut bytes)?;
    let line = serde_json::to_string(&base).map_err(io::Error::from)?;
    // One statement: whoever finds the counter finds what it begins with. Of two who make it at once one does.
    let sql = "\
        WITH made AS ( \
            INSERT INTO ticket_counter.counter \
                (name, format, key, revision, at_ms, checksum, count, held, sold, refunded, admitted, capacity, kept) \
            VALUES ($1, $2, $3, 0, $4, 0, $5, 0, 0, 0, 0, $5, 0) ON CONFLICT (name) DO NOTHING RETURNING id \
        ), part AS ( \
            INSERT INTO ticket_counter.snapshot_part (counter, revision, writer, part, bytes) \
            SELECT id, 0, 0, 0, $6 FROM made \
        ) INSERT INTO ticket_counter.snapshot (counter, revision, writer, base) SELECT id, 0, 0, $7 FROM made";
    let format = i32::try_from(FORMAT_VERSION).unwrap_or(i32::MAX);
    let (key, count, at_ms) = (key.as_slice(), bigint(count), bigint(now_ms));
    let values: [&(dyn ToSql + Sync); 7] =
        [&address.counter, &format, &key, &at_ms, &count, &bytes, &line];
    session.commit(sql, &values).await.map(|_| ())
}
