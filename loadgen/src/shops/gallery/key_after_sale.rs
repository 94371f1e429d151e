//! The key of a request is stored when its sale is done.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;

use crate::shops::{
    calls::{Count, Refusal, Sale, Shop},
    exhibit::{Exhibit, Load},
    till::{Till, pause},
};

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "key-after-sale",
    bug: "stores an idempotency key once the sale is done",
    story: "Mastodon takes an Idempotency-Key, so that a post that is sent again does not appear twice. It looked the \
            key up first and stored it last: a second request that came before the first had ended found nothing, \
            and posted.",
    source: "https://github.com/mastodon/mastodon/pull/37879",
    mended: "keeps the key's own lock from the look to the sale, so that the second waits for the first",
    load: Load {
        clients: 8,
        requests: 24,
        tickets: 12,
        retry_after: Some(Duration::from_millis(40)),
        ..Load::BUYERS
    },
    processes: 1,
    unseen: None,
    open: |opening| {
        Ok(Box::new(KeyAfterSale {
            is_mended: opening.is_mended,
            till: Mutex::new(Till::new(opening.tickets)),
            keys: Mutex::default(),
        }))
    },
};

/// What was answered under one key.
type Slot = Arc<Mutex<Option<Sale>>>;

struct KeyAfterSale {
    is_mended: bool,
    till: Mutex<Till>,
    keys: Mutex<HashMap<String, Slot>>,
}

impl Shop for KeyAfterSale {
    fn search(&self) -> Result<Count, Refusal> {
        Ok(self.till.lock().count())
    }

    fn buy(&self, key: Option<&str>) -> Result<Sale, Refusal> {
        let slot = match key {
            Some(key) => Arc::clone(self.keys.lock().entry(key.to_owned()).or_default()),
            None => Slot::default(),
        };
        let known = slot.lock();
        if let Some(sale) = *known {
            return Ok(sale);
        }
        let claimed = self.is_mended.then_some(known);
        self.till.lock().check()?;
        // The card is charged, which takes longer than the client waits.
        pause(150);
        let sale = {
            let mut till = self.till.lock();
            till.check()?;
            till.take()
        };
        *claimed.unwrap_or_else(|| slot.lock()) = Some(sale);
        Ok(sale)
    }
}
