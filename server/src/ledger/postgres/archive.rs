//! Reading beside the turns: single records.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    domain::{Identity, Stock},
    ledger::{
        Archive, Cause, Found, Holder, Summary,
        postgres::{reader::Reader, seen::Seen},
    },
};

/// What is read of a ledger in PostgreSQL.
pub struct PostgresArchive {
    reader: Reader,
    seen: Arc<Mutex<Seen>>,
}

impl PostgresArchive {
    pub(super) fn new(reader: Reader, seen: Arc<Mutex<Seen>>) -> Self {
        Self { reader, seen }
    }

    /// Another one, on the same connection.
    pub fn another(&self) -> Self {
        Self::new(self.reader.clone(), Arc::clone(&self.seen))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // It is written as a whole, or not at all.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Archive for PostgresArchive {
    /// Only the primary knows: a turn asks it.
    fn is_current(&self, _known: Stock) -> bool {
        false
    }

    fn may_have_news(&self, known: Stock) -> bool {
        self.reader.reached() > known.revision
    }

    fn is_read_anew(&self) -> bool {
        false
    }

    fn identity(&self) -> Option<Identity> {
        self.seen().identity.clone()
    }

    /// What the last turn saw, unless the last try to take one failed.
    fn summary(&self) -> Result<Summary, Cause> {
        let seen = self.seen();
        match (&seen.obstacle, seen.stock) {
            (Some(cause), _) => Err(cause.clone()),
            (None, Some(stock)) => {
                let (remaining, sold) = (stock.remaining, Some(stock.issued));
                Ok(Summary { remaining, sold })
            }
            (None, None) => Err(Cause::of("PostgreSQL was not asked yet")),
        }
    }

    fn records(self: Arc<Self>, first: u64, last: u64) -> Found {
        Box::pin(async move { self.reader.records(first, last).await })
    }

    /// Nobody holds a lock between turns.
    fn holders(&self) -> Vec<Holder> {
        Vec::new()
    }
}
