//! A counter in PostgreSQL: how to get there, and its engine.

use std::{env, path::PathBuf};

use crate::{
    ledger::{
        Cause, Fault,
        format::base::Base,
        postgres::{
            address::{Address, SCHEME},
            creation,
            engine::{Options, PostgresEngine},
            scan::PostgresScan,
            session::{Database, Surroundings},
            staging::PostgresStage,
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
    let parsed = parse(address)?;
    let (place, options) = (parsed.to_string(), Options { init, ..options(names_max) });
    let engine = Database::new(parsed, surroundings())
        .and_then(|database| PostgresEngine::new(database, options));
    engine.map_err(|error| RunError::Engine { place, cause: Cause::of(error) })
}

/// All of the counter at `postgres://address`, from its beginning, where it can be read; and where that is.
pub(super) fn scan(address: &str) -> Result<(Result<PostgresScan, Fault>, String), RunError> {
    let parsed = parse(address)?;
    let place = parsed.to_string();
    Ok((PostgresScan::open(parsed, surroundings()).map_err(Fault::from), place))
}

/// A counter at `postgres://address` in the making, which begins with `base`.
pub(super) fn stage(address: &str, base: Base) -> Result<PostgresStage, RunError> {
    let parsed = parse(address)?;
    let place = parsed.to_string();
    let stage = PostgresStage::new(parsed, surroundings(), base, options(usize::MAX));
    stage.map_err(|error| RunError::Engine { place, cause: Cause::of(error) })
}

/// Removes the counter at `postgres://address`, and all that was sold from it.
pub(super) fn remove(address: &str) -> Result<(), RunError> {
    let parsed = parse(address)?;
    let place = parsed.to_string();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let database = Database::new(parsed, surroundings());
    let removed =
        database.and_then(|database| runtime.block_on(async { creation::remove(&database).await }));
    removed.map_err(|error| RunError::Engine { place, cause: Cause::of(error) })
}

fn parse(address: &str) -> Result<Address, RunError> {
    let parsed = Address::parse(&format!("{SCHEME}{address}"));
    let parsed =
        parsed.map_err(|error| RunError::Address { scheme: SCHEME, reason: error.to_string() })?;
    if parsed.password.is_some() {
        tracing::warn!(
            "--db {parsed}: everybody on this machine can read a password on a command line; `PGPASSWORD` or a \
             passfile keeps it"
        );
    }
    Ok(parsed)
}

fn options(names_max: usize) -> Options {
    Options { init: None, names_max, now_ms, random }
}

/// What PostgreSQL's own programs look at, too.
fn surroundings() -> Surroundings {
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".pgpass"));
    Surroundings {
        password: env::var("PGPASSWORD").ok(),
        passfile: env::var_os("PGPASSFILE").map(PathBuf::from).or_else(home),
    }
}
