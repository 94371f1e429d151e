//! A hold lapses while it is paid for.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::shops::{
    calls::{Count, Held, Refusal, Sale, Shop},
    exhibit::{Exhibit, Load},
    till::{Till, pause},
};

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "hold-lapses-in-confirm",
    bug: "checks that a hold stands, and sells it after it has lapsed",
    story: "The ticket shop Big Neon set tickets aside while a buyer filled in the form. When the card took long, the \
            time of the cart ran out in the middle of paying, the tickets went back on sale, and one could be sold \
            twice.",
    source: "https://github.com/big-neon/bn-api/issues/342",
    mended: "lets no hold lapse that is being paid for",
    load: Load {
        clients: 24,
        requests: 60,
        rate_rps: Some(40),
        mix: [2, 1, 0],
        confirm_after: Duration::from_millis(850),
        ..Load::BUYERS
    },
    processes: 1,
    unseen: None,
    open: |opening| {
        let books = Books { till: Till::new(opening.tickets), ..Books::default() };
        Ok(Box::new(HoldLapsesInConfirm { is_mended: opening.is_mended, books: Mutex::new(books) }))
    },
};

#[derive(Default)]
struct Books {
    till: Till,
    /// When each hold lapses; never, while it is paid for.
    holds: BTreeMap<u64, Option<Instant>>,
    made: u64,
}

impl Books {
    /// Puts back on sale what was held for too long.
    fn lapse(&mut self) {
        let (now, before) = (Instant::now(), self.holds.len());
        self.holds.retain(|_, until| until.is_none_or(|until| until > now));
        self.till.left += i64::try_from(before - self.holds.len()).unwrap_or(0);
    }
}

struct HoldLapsesInConfirm {
    is_mended: bool,
    books: Mutex<Books>,
}

impl Shop for HoldLapsesInConfirm {
    fn search(&self) -> Result<Count, Refusal> {
        let mut books = self.books.lock();
        books.lapse();
        Ok(Count { left: books.till.left, held: books.holds.len() as u64 })
    }

    fn buy(&self, key: Option<&str>) -> Result<Sale, Refusal> {
        // The database takes a while.
        pause(40);
        let mut books = self.books.lock();
        books.lapse();
        books.till.sell_once(key)
    }

    fn hold(&self, seconds: u64) -> Result<Held, Refusal> {
        let mut books = self.books.lock();
        books.lapse();
        books.till.check()?;
        books.till.left -= 1;
        books.made += 1;
        let hold = books.made;
        books.holds.insert(hold, Some(Instant::now() + Duration::from_secs(seconds)));
        Ok(Held { hold, left: books.till.left })
    }

    fn confirm(&self, hold: u64) -> Result<Sale, Refusal> {
        {
            let mut books = self.books.lock();
            books.lapse();
            let until = books.holds.get_mut(&hold).ok_or(Refusal::HoldExpired)?;
            if self.is_mended {
                *until = None;
            }
        }
        // The card is charged.
        pause(300);
        let mut books = self.books.lock();
        books.holds.remove(&hold);
        books.till.sold += 1;
        Ok(Sale { ticket: books.till.sold, left: books.till.left })
    }
}
