//! A restock and a sale write over each other.

use std::time::Duration;

use parking_lot::Mutex;

use crate::shops::{
    calls::{Count, Refusal, Sale, Shop},
    exhibit::{Exhibit, Load},
    till::{Till, pause},
};

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "restock-lost",
    bug: "reads the count, adds what came in, and writes the sum over every sale since",
    story: "Medusa adjusted its stock from a snapshot: it read how many pieces there were, added what had come in, and \
            wrote the sum as a number. Of two adjustments at once the later one wrote over the other.",
    source: "https://github.com/medusajs/medusa/issues/16576",
    mended: "adds under the lock that it reads under",
    load: Load {
        tickets: 20,
        requests: 60,
        restocks: &[
            (Duration::from_millis(20), 5),
            (Duration::from_millis(50), 5),
            (Duration::from_millis(80), 5),
        ],
        ..Load::BUYERS
    },
    processes: 1,
    unseen: None,
    open: |opening| {
        Ok(Box::new(RestockLost {
            is_mended: opening.is_mended,
            till: Mutex::new(Till::new(opening.tickets)),
        }))
    },
};

struct RestockLost {
    is_mended: bool,
    till: Mutex<Till>,
}

impl Shop for RestockLost {
    fn search(&self) -> Result<Count, Refusal> {
        Ok(self.till.lock().count())
    }

    fn buy(&self, _key: Option<&str>) -> Result<Sale, Refusal> {
        let mut till = self.till.lock();
        // The database takes a while, whatever it says.
        pause(3);
        till.check()?;
        Ok(till.take())
    }

    fn restock(&self, quantity: i64) -> Result<i64, Refusal> {
        let mut till = self.till.lock();
        let left = till.left;
        if !self.is_mended {
            drop(till);
            pause(15);
            till = self.till.lock();
        }
        till.left = left + quantity;
        Ok(till.left)
    }
}
