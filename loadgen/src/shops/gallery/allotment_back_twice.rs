//! An allotment is given back twice.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::shops::{
    calls::{Count, Refusal, Sale, Shop},
    exhibit::{Exhibit, Load},
    till::{Till, pause},
};

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "allotment-back-twice",
    bug: "lets two at once give back the same tickets of one box office",
    story: "CockroachDB hands out quota from a pool to proposals and takes it back. A proposal that was applied and \
            failed had two that gave its quota back, the request and Raft, and the pool grew beyond its size.",
    source: "https://github.com/cockroachdb/cockroach/pull/26979",
    mended: "reads what is there and takes it away in one turn",
    load: Load { requests: 40, tickets: 14, ..Load::BUYERS },
    processes: 1,
    unseen: None,
    open: |opening| {
        Ok(Box::new(AllotmentBackTwice {
            is_mended: opening.is_mended,
            books: Mutex::new(Books { till: Till::new(opening.tickets), allotted: [0; 2] }),
            buyers: AtomicUsize::new(0),
        }))
    },
};

/// How many tickets a box office fetches at a time.
const ALLOTMENT: i64 = 5;

struct Books {
    /// All that is left is what stands here and what the box offices have.
    till: Till,
    allotted: [i64; 2],
}

struct AllotmentBackTwice {
    is_mended: bool,
    books: Mutex<Books>,
    buyers: AtomicUsize,
}

impl Books {
    fn left(&self) -> i64 {
        self.till.left + self.allotted.iter().sum::<i64>()
    }
}

impl Shop for AllotmentBackTwice {
    fn search(&self) -> Result<Count, Refusal> {
        Ok(Count { left: self.books.lock().left(), held: 0 })
    }

    fn buy(&self, _key: Option<&str>) -> Result<Sale, Refusal> {
        // Buyers go to one box office or the other, and one of both is the faster.
        let own = usize::from(self.buyers.fetch_add(1, Ordering::Relaxed).is_multiple_of(4));
        pause(3);
        let mut books = self.books.lock();
        while books.allotted[own] == 0 {
            if books.till.left > 0 {
                let fetched = books.till.left.min(ALLOTMENT);
                books.till.left -= fetched;
                books.allotted[own] = fetched;
                break;
            }
            let others = books.allotted[1 - own];
            if others == 0 {
                return Err(Refusal::SoldOut);
            }
            // The other box office gives back what it has.
            if !self.is_mended {
                drop(books);
                pause(3);
                books = self.books.lock();
            }
            books.till.left += others;
            books.allotted[1 - own] = 0;
        }
        books.allotted[own] -= 1;
        books.till.sold += 1;
        Ok(Sale { ticket: books.till.sold, left: books.left() })
    }
}
