//! The count is read from a copy that lags behind.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
        mpsc::{self, Sender},
    },
    thread,
};

use parking_lot::Mutex;

use crate::shops::{
    calls::{Count, Refusal, Sale, Shop},
    exhibit::{Exhibit, Load},
    till::{Till, pause},
};

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "stale-replica",
    bug: "tells what is left from a copy of the database that lags behind",
    story: "MongoDB promised that whoever reads from the primary reads what was written last. A Jepsen test of 2015 \
            showed reads of older values all the same, since a primary that had lost its place went on answering \
            for a while.",
    source: "https://aphyr.com/posts/322-call-me-maybe-mongodb-stale-reads",
    mended: "reads where it writes",
    load: Load { requests: 60, tickets: 20, mix: [1, 0, 1], ..Load::BUYERS },
    processes: 1,
    unseen: None,
    open: |opening| {
        let replica = Arc::new(AtomicI64::new(opening.tickets));
        Ok(Box::new(StaleReplica {
            is_mended: opening.is_mended,
            till: Mutex::new(Till::new(opening.tickets)),
            changes: replicate(Arc::clone(&replica)),
            replica,
        }))
    },
};

struct StaleReplica {
    is_mended: bool,
    till: Mutex<Till>,
    /// The way to the replica.
    changes: Sender<i64>,
    replica: Arc<AtomicI64>,
}

/// Applies every change to `replica`, one after the other; ends when the shop does.
fn replicate(replica: Arc<AtomicI64>) -> Sender<i64> {
    let (changes, coming) = mpsc::channel();
    thread::spawn(move || {
        for left in coming {
            pause(4);
            replica.store(left, Ordering::Relaxed);
        }
    });
    changes
}

impl Shop for StaleReplica {
    fn search(&self) -> Result<Count, Refusal> {
        if self.is_mended {
            return Ok(self.till.lock().count());
        }
        Ok(Count { left: self.replica.load(Ordering::Relaxed), held: 0 })
    }

    fn buy(&self, _key: Option<&str>) -> Result<Sale, Refusal> {
        pause(2);
        let mut till = self.till.lock();
        till.check()?;
        let sale = till.take();
        // Nobody is there to take it where the shop ends.
        let _ = self.changes.send(sale.left);
        Ok(sale)
    }
}
