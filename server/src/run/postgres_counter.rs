//! A counter in PostgreSQL: how to get there, and its engine.

use std::{env, path::PathBuf};

use crate::{
    ledger::{
        Cause,
        postgres::{
            address::{Address, SCHEME},
            engine::{Options, PostgresEngine},
            session::{Database, Surroundings},
        },
    },
    run::{
        RunError,
        machine::{now_ms, random},
    },
};

/// The engine of the counter at `postgres://address`, which makes a missing one with `init` tickets.
///
/// # Errors
/// [`RunError`]; a database that cannot be reached is none.
pub(super) fn engine(
    address: &str,
    init: Option<u64>,
    names_max: usize,
) -> Result<PostgresEngine, RunError> {
    let parsed = Address::parse(&format!("{SCHEME}{address}"));
    let parsed =
        parsed.map_err(|error| RunError::Address { scheme: SCHEME, reason: error.to_string() })?;
    if parsed.password.is_some() {
        tracing::warn!(
            "--db {parsed}: everybody on this machine can read a password on a command line; `PGPASSWORD` or a \
             passfile keeps it"
        );
    }
    let place = parsed.to_string();
    let options = Options { init, names_max, now_ms, random };
    let engine = Database::new(parsed, surroundings())
        .and_then(|database| PostgresEngine::new(database, options));
    engine.map_err(|error| RunError::Engine { place, cause: Cause::of(error) })
}

/// What PostgreSQL's own programs look at, too.
fn surroundings() -> Surroundings {
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".pgpass"));
    Surroundings {
        password: env::var("PGPASSWORD").ok(),
        passfile: env::var_os("PGPASSFILE").map(PathBuf::from).or_else(home),
    }
}
