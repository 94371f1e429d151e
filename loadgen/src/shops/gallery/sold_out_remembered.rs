//! "Sold out" is remembered after it has ceased to be true.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::shops::{
    calls::{Count, Refusal, Sale, Shop},
    exhibit::{Exhibit, Load},
    till::{Till, pause},
};

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "sold-out-remembered",
    bug: "goes on saying \"sold out\" for a while, though tickets came back",
    story: "At an event on Open Event the organizers added seats days after it had sold out. The page went on \
            saying \"sold out\", and nobody could buy what there was.",
    source: "https://github.com/fossasia/open-event-server/issues/3366",
    mended: "forgets it as soon as a ticket comes back",
    load: Load { requests: 120, refund: 0.5, ..Load::BUYERS },
    processes: 1,
    unseen: None,
    open: |opening| {
        Ok(Box::new(SoldOutRemembered {
            is_mended: opening.is_mended,
            books: Mutex::new(Books { till: Till::new(opening.tickets), ..Books::default() }),
        }))
    },
};

#[derive(Default)]
struct Books {
    till: Till,
    refunded: HashSet<i64>,
    /// Until when nobody is let through to the count.
    sold_out_until: Option<Instant>,
}

struct SoldOutRemembered {
    is_mended: bool,
    books: Mutex<Books>,
}

impl Shop for SoldOutRemembered {
    fn search(&self) -> Result<Count, Refusal> {
        Ok(self.books.lock().till.count())
    }

    fn buy(&self, _key: Option<&str>) -> Result<Sale, Refusal> {
        pause(2);
        let mut books = self.books.lock();
        if books.sold_out_until.is_some_and(|until| Instant::now() < until) {
            return Err(Refusal::SoldOut);
        }
        if books.till.left == 0 {
            books.sold_out_until = Some(Instant::now() + Duration::from_millis(50));
        }
        books.till.check()?;
        Ok(books.till.take())
    }

    fn refund(&self, receipt: i64) -> Result<i64, Refusal> {
        // The bank takes a while.
        pause(4);
        let mut books = self.books.lock();
        if !(1..=books.till.sold).contains(&receipt) {
            return Err(Refusal::NotFound);
        }
        if books.refunded.insert(receipt) {
            books.till.left += 1;
            if self.is_mended {
                books.sold_out_until = None;
            }
        }
        Ok(books.till.left)
    }
}
