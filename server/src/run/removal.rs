//! Removing a counter that was made for a while: whoever races on an engine does.

#[cfg(feature = "etcd")]
use crate::run::etcd_counter;
#[cfg(feature = "postgres")]
use crate::run::postgres_counter;
use crate::{db::Db, run::RunError};

/// Removes the counter at `db`, which is in etcd or PostgreSQL, and all that was sold from it; none is no error.
///
/// # Errors
/// [`RunError`]: it may be there still. A counter in files is not removed.
pub fn remove(db: &Db) -> Result<(), RunError> {
    match db {
        #[cfg(feature = "etcd")]
        Db::Etcd(address) => etcd_counter::remove(address),
        #[cfg(feature = "postgres")]
        Db::Postgres(address) => postgres_counter::remove(address),
        db => Err(RunError::NotBuiltIn { db: db.clone() }),
    }
}
