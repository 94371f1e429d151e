//! The count is taken down whatever it is.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::shops::{
    calls::{Count, Refusal, Sale, Shop},
    exhibit::{Exhibit, Load},
    till::pause,
};

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "decrement-without-check",
    bug: "takes one off at one stroke, and asks before, not with it, whether one is there",
    story: "A seller of tickets on WooCommerce had 4 left while 120 buyers were filling in their cards. The stock was \
            checked before the payment and taken down after it, whatever it was by then, and ended at -16.",
    source: "https://github.com/woocommerce/woocommerce/issues/24009",
    mended: "takes one off only where one is there: check and decrement are one step",
    load: Load::BUYERS,
    processes: 1,
    unseen: None,
    open: |opening| {
        Ok(Box::new(DecrementWithoutCheck {
            is_mended: opening.is_mended,
            tickets: opening.tickets,
            left: AtomicI64::new(opening.tickets),
        }))
    },
};

struct DecrementWithoutCheck {
    is_mended: bool,
    tickets: i64,
    left: AtomicI64,
}

impl Shop for DecrementWithoutCheck {
    fn search(&self) -> Result<Count, Refusal> {
        Ok(Count { left: self.left.load(Ordering::SeqCst), held: 0 })
    }

    fn buy(&self, _key: Option<&str>) -> Result<Sale, Refusal> {
        if self.left.load(Ordering::SeqCst) <= 0 {
            return Err(Refusal::SoldOut);
        }
        // The buyer pays.
        pause(5);
        let before = if self.is_mended {
            let one_less = |left| (left > 0).then_some(left - 1);
            let taken = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less);
            taken.map_err(|_| Refusal::SoldOut)?
        } else {
            self.left.fetch_sub(1, Ordering::SeqCst)
        };
        let left = before - 1;
        Ok(Sale { ticket: self.tickets - left, left })
    }
}
