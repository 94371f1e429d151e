//! Numbers are made from a count that goes both ways.

use std::collections::HashSet;

use parking_lot::Mutex;

use crate::shops::{
    calls::{Count, Refusal, Sale, Shop},
    exhibit::{Exhibit, Load},
    till::{Till, pause},
};

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "numbers-from-count",
    bug: "numbers a ticket by how many are out, which a refund makes fewer",
    story: "csv_record, which keeps records in a file, numbered a new one by how many there were. After one in the \
            middle was removed, the next got a number that another still had.",
    source: "https://github.com/lukelex/csv_record/issues/25",
    mended: "counts the numbers by themselves, and never down",
    load: Load { requests: 40, refund: 0.5, ..Load::BUYERS },
    processes: 1,
    unseen: None,
    open: |opening| {
        let till = Till::new(opening.tickets);
        let is_mended = opening.is_mended;
        let books = Mutex::new(Books { till, out: HashSet::new() });
        Ok(Box::new(NumbersFromCount { is_mended, tickets: opening.tickets, books }))
    },
};

struct Books {
    till: Till,
    /// The numbers that buyers have.
    out: HashSet<i64>,
}

struct NumbersFromCount {
    is_mended: bool,
    tickets: i64,
    books: Mutex<Books>,
}

impl Shop for NumbersFromCount {
    fn search(&self) -> Result<Count, Refusal> {
        Ok(self.books.lock().till.count())
    }

    fn buy(&self, _key: Option<&str>) -> Result<Sale, Refusal> {
        pause(2);
        let mut books = self.books.lock();
        books.till.check()?;
        let mut sale = books.till.take();
        if !self.is_mended {
            sale.ticket = self.tickets - sale.left;
        }
        books.out.insert(sale.ticket);
        Ok(sale)
    }

    fn refund(&self, receipt: i64) -> Result<i64, Refusal> {
        let mut books = self.books.lock();
        if !books.out.remove(&receipt) {
            return Err(Refusal::NotFound);
        }
        books.till.left += 1;
        Ok(books.till.left)
    }
}
