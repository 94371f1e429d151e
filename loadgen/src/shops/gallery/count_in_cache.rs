//! The count that decides is one that somebody kept.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::shops::{
    calls::{Count, Refusal, Sale, Shop},
    exhibit::{Exhibit, Load},
    till::{Till, pause},
};

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "count-in-cache",
    bug: "asks a cache whether a ticket is left",
    story: "Shopware sold what was gone: an order wrote the stock to the database, nothing told the cache of products \
            in Redis, and the next checkout read one piece left from there and let the order pass. The stock stood \
            at -1.",
    source: "https://github.com/shopware/shopware/issues/14816",
    mended: "asks the count itself, under the lock that it sells under",
    load: Load::BUYERS,
    processes: 1,
    unseen: None,
    open: |opening| {
        Ok(Box::new(CountInCache {
            is_mended: opening.is_mended,
            till: Mutex::new(Till::new(opening.tickets)),
            cache: Mutex::new(None),
        }))
    },
};

/// How long the cache keeps a count.
const KEPT: Duration = Duration::from_millis(40);

struct CountInCache {
    is_mended: bool,
    till: Mutex<Till>,
    /// What was left, and when that was read.
    cache: Mutex<Option<(i64, Instant)>>,
}

impl CountInCache {
    fn cached_left(&self) -> i64 {
        let mut cache = self.cache.lock();
        if let Some((left, _)) = cache.filter(|(_, read)| read.elapsed() < KEPT) {
            return left;
        }
        let left = self.till.lock().left;
        *cache = Some((left, Instant::now()));
        left
    }
}

impl Shop for CountInCache {
    fn search(&self) -> Result<Count, Refusal> {
        Ok(self.till.lock().count())
    }

    fn buy(&self, _key: Option<&str>) -> Result<Sale, Refusal> {
        // The database takes a while.
        pause(2);
        if !self.is_mended && self.cached_left() <= 0 {
            return Err(Refusal::SoldOut);
        }
        let mut till = self.till.lock();
        if self.is_mended {
            till.check()?;
        }
        Ok(till.take())
    }
}
