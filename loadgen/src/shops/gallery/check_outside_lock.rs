//! The check stands outside the lock.

use parking_lot::Mutex;

use crate::shops::{
    calls::{Count, Refusal, Sale, Shop},
    exhibit::{Exhibit, Load},
    till::{Till, pause},
};

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "check-outside-lock",
    bug: "looks whether a ticket is left, lets the lock go, and sells",
    story: "In 2015 Egor Homakov moved money between his own gift cards of Starbucks from two browsers at once. Both \
            transfers found the balance high enough before either had taken it off, and 15 dollars became 20, \
            which bought him lunch.",
    source: "https://www.businessinsider.com/hackers-are-attacking-starbucks-gift-card-system-2015-5",
    mended: "keeps the lock from the check to the sale",
    load: Load::BUYERS,
    processes: 1,
    unseen: None,
    open: |opening| {
        Ok(Box::new(CheckOutsideLock {
            is_mended: opening.is_mended,
            till: Mutex::new(Till::new(opening.tickets)),
        }))
    },
};

struct CheckOutsideLock {
    is_mended: bool,
    till: Mutex<Till>,
}

impl Shop for CheckOutsideLock {
    fn search(&self) -> Result<Count, Refusal> {
        Ok(self.till.lock().count())
    }

    fn buy(&self, _key: Option<&str>) -> Result<Sale, Refusal> {
        let mut till = self.till.lock();
        till.check()?;
        if !self.is_mended {
            drop(till);
            pause(5);
            till = self.till.lock();
        }
        Ok(till.take())
    }
}
