//! A sale that is refunded twice at once frees two tickets.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;

use crate::shops::{
    calls::{Count, Refusal, Sale, Shop},
    exhibit::{Exhibit, Load},
    till::{Till, pause},
};

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "refund-frees-twice",
    bug: "looks whether a sale was refunded, pays, and then writes it down",
    story: "An audit of the invoice canister of DFINITY found that a refund could be paid several times: it looked \
            whether the invoice was refunded, waited for the transfer, and stored only then that it was. Whoever \
            asked again meanwhile was paid again.",
    source: "https://github.com/dfinity/invoice-canister/issues/22",
    mended: "writes it down before it pays",
    load: Load {
        requests: 36,
        refund: 0.6,
        retry_after: Some(Duration::from_millis(60)),
        ..Load::BUYERS
    },
    processes: 1,
    unseen: None,
    open: |opening| {
        Ok(Box::new(RefundFreesTwice {
            is_mended: opening.is_mended,
            books: Mutex::new(Books { till: Till::new(opening.tickets), refunded: HashMap::new() }),
        }))
    },
};

/// How long the bank takes: longer than the client waits, who asks again.
const BANK_MS: u64 = 150;

struct Books {
    till: Till,
    /// By receipt, what was left after the refund.
    refunded: HashMap<i64, i64>,
}

impl Books {
    fn free(&mut self, receipt: i64) -> i64 {
        self.till.left += 1;
        self.refunded.insert(receipt, self.till.left);
        self.till.left
    }
}

struct RefundFreesTwice {
    is_mended: bool,
    books: Mutex<Books>,
}

impl Shop for RefundFreesTwice {
    fn search(&self) -> Result<Count, Refusal> {
        Ok(self.books.lock().till.count())
    }

    fn buy(&self, key: Option<&str>) -> Result<Sale, Refusal> {
        self.books.lock().till.sell_once(key)
    }

    fn refund(&self, receipt: i64) -> Result<i64, Refusal> {
        let mut books = self.books.lock();
        if !(1..=books.till.sold).contains(&receipt) {
            return Err(Refusal::NotFound);
        }
        if let Some(left) = books.refunded.get(&receipt) {
            return Ok(*left);
        }
        if self.is_mended {
            let left = books.free(receipt);
            drop(books);
            pause(BANK_MS);
            return Ok(left);
        }
        drop(books);
        pause(BANK_MS);
        Ok(self.books.lock().free(receipt))
    }
}
