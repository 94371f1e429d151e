//! Records as they come back from the table.

use tokio_postgres::Row;

use crate::{
    domain::Record,
    ledger::{
        format::record_line::{RecordLine, decode},
        postgres::error::PostgresError,
    },
};

/// The revision in column `column` of `row`.
pub(super) fn revision(row: &Row, column: usize) -> u64 {
    number(row.get(column))
}

/// A number of the tables, where none is negative.
pub(super) fn number(number: i64) -> u64 {
    number.try_into().unwrap_or_default()
}

/// A number for the tables, which goes to 2^53 − 1 at most.
pub(super) fn bigint(number: u64) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// The record in `line`, which stands at `revision` behind a line whose checksum is `chain`; and its own.
pub(super) fn record(
    line: &str,
    revision: u64,
    chain: u32,
) -> Result<(Record, u32), PostgresError> {
    let decoded = decode::<RecordLine>(line.as_bytes(), chain);
    let (line, checksum) = decoded.map_err(|fault| PostgresError::line(revision, &fault))?;
    if line.record.revision != revision {
        let found = line.record.revision;
        return Err(PostgresError::damaged(revision, &format!("it says that it is `{found}`")));
    }
    Ok((line.record, checksum))
}
