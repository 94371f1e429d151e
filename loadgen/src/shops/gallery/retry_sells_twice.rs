//! A request that is sent again is a second request.

use std::time::Duration;

use parking_lot::Mutex;

use crate::shops::{
    calls::{Count, Refusal, Sale, Shop},
    exhibit::{Exhibit, Load},
    till::{Till, pause},
};

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "retry-sells-twice",
    bug: "sells once more to whoever had no answer and asked again",
    story: "The Akash console charged some customers two or three times in July 2026. Each call to pay made a new \
            payment, so whoever tried again since the first call was slow, though it had worked, paid for both.",
    source: "https://github.com/akash-network/console/pull/3449",
    mended: "looks under the same lock whether it has answered this key before",
    load: Load { requests: 14, retry_after: Some(Duration::from_millis(40)), ..Load::BUYERS },
    processes: 1,
    unseen: None,
    open: |opening| {
        Ok(Box::new(RetrySellsTwice {
            is_mended: opening.is_mended,
            till: Mutex::new(Till::new(opening.tickets)),
        }))
    },
};

struct RetrySellsTwice {
    is_mended: bool,
    till: Mutex<Till>,
}

impl Shop for RetrySellsTwice {
    fn search(&self) -> Result<Count, Refusal> {
        Ok(self.till.lock().count())
    }

    fn buy(&self, key: Option<&str>) -> Result<Sale, Refusal> {
        let mut till = self.till.lock();
        if let Some(sale) = till.answer_to(key).filter(|_| self.is_mended) {
            return Ok(sale);
        }
        till.check()?;
        // The card is charged, and all others wait: some of them longer than they care to.
        pause(12);
        let sale = till.take();
        till.remember(key, sale);
        Ok(sale)
    }
}
