//! The tables, and how they come to be.

use tokio_postgres::Client;

use crate::ledger::postgres::error::PostgresError;

/// What each version adds to the one before; the first is version 1.
const MIGRATIONS: [&str; 1] = [include_str!("schema.sql")];

/// Keeps apart those who make the tables at the same time: "tickets", in ASCII.
const MIGRATING: i64 = 0x0074_6963_6b65_7473;

/// The version of the tables that this program makes and needs.
pub(super) fn version() -> i32 {
    i32::try_from(MIGRATIONS.len()).expect("there are not that many migrations")
}

/// The version of the tables that are there; 0 where there are none.
///
/// # Errors
/// [`PostgresError`], among them [`PostgresError::OtherSchema`].
pub(super) async fn found(client: &Client, database: &str) -> Result<i32, PostgresError> {
    let ask =
        |sql| async move { client.query_one(sql, &[]).await.map_err(|e| PostgresError::of(&e)) };
    // IMPORTANT: read from the catalogue. What `to_regnamespace` says a session may remember from before it waited for
    // who made the tables meanwhile.
    let row = ask("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'ticket_counter'), \
         EXISTS (SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
         WHERE nspname = 'ticket_counter' AND relname = 'migration')")
    .await?;
    match (row.get(0), row.get(1)) {
        (false, _) => Ok(0),
        (true, false) => Err(PostgresError::OtherSchema { database: database.to_owned() }),
        (true, true) => {
            let row = ask("SELECT coalesce(max(version), 0) FROM ticket_counter.migration").await?;
            Ok(row.get(0))
        }
    }
}

/// Brings the tables to this program's version, unless they are newer; one at a time does it.
///
/// # Errors
/// [`PostgresError`]; then nothing was changed.
pub(super) async fn migrate(client: &mut Client, database: &str) -> Result<(), PostgresError> {
    let transaction = client.transaction().await.map_err(|e| PostgresError::of(&e))?;
    let lock = transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATING]).await;
    lock.map_err(|e| PostgresError::of(&e))?;
    let found = found(transaction.client(), database).await?;
    refuse_newer(found)?;
    let done = usize::try_from(found).unwrap_or_default();
    for (version, migration) in (1i32..).zip(MIGRATIONS).skip(done) {
        let applied = transaction.batch_execute(migration).await;
        applied.map_err(|e| PostgresError::of(&e))?;
        let noted = "INSERT INTO ticket_counter.migration (version) VALUES ($1)";
        transaction.execute(noted, &[&version]).await.map_err(|e| PostgresError::of(&e))?;
    }
    transaction.commit().await.map_err(|e| PostgresError::of(&e))
}

/// Refuses tables of a newer program.
///
/// # Errors
/// [`PostgresError::Newer`].
pub(super) fn refuse_newer(found: i32) -> Result<(), PostgresError> {
    let known = version();
    if found > known { Err(PostgresError::Newer { what: "tables", found, known }) } else { Ok(()) }
}
