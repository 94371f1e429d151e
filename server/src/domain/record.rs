//! One line of the ledger: a change of the count, or an answer that must not change; and what follows from it.

use crate::domain::{
    COUNT_MAX, Command, Hold, Inconsistent, OpenHold, Order, Outcome, Sale, SaleStatus, SoldBefore,
    Stock, keys::Name,
};

/// A change, with its place in the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The change's number: 1, 2, 3, … without gaps.
    pub revision: u64,
    /// When, in milliseconds since 1970 UTC; never before the record ahead of it.
    pub at_ms: u64,
    /// How many were left after it.
    pub remaining: u64,
    /// What happened.
    pub change: Change,
    /// The idempotency key of the request that did it.
    pub key: Option<Box<str>>,
}

impl Record {
    /// The answer to the request that made this record; `None` for what nobody asked for.
    pub fn outcome(&self) -> Option<Outcome> {
        let &Self { revision, remaining, at_ms, .. } = self;
        match &self.change {
            &Change::Sold { first_ticket, quantity, .. } => {
                Some(Outcome::Sold(Sale { first_ticket, quantity, remaining, revision }))
            }
            &Change::Refused { quantity: requested, .. } => {
                Some(Outcome::SoldOut { requested, remaining, revision })
            }
            &Change::Held { quantity, expires_at_ms, .. } => {
                Some(Outcome::Held(Hold { quantity, expires_at_ms, remaining, revision }))
            }
            Change::Released { .. } | Change::Refunded { .. } | Change::Restocked { .. } => {
                Some(Outcome::Changed { remaining, revision })
            }
            Change::Admitted { .. } => Some(Outcome::Admitted { at_ms, revision }),
            &Change::SaleSet { is_open } => Some(Outcome::SaleSet { is_open, remaining, revision }),
            Change::Lapsed { .. } | Change::Adjusted { .. } | Change::Restored { .. } => None,
        }
    }

    /// What the request that is repeated by `command` was answered by this record, which has its name.
    ///
    /// `None` where it was another request.
    pub fn answer_to(&self, command: &Command) -> Option<Outcome> {
        let is_the_same = match (&self.change, command) {
            (Change::Sold { quantity, buyer, hold: None, .. }, Command::Buy(order)) => {
                (*quantity, buyer) == (order.quantity, &order.buyer)
            }
            (Change::Refused { quantity, buyer, seconds: None }, Command::Buy(order)) => {
                (*quantity, buyer) == (order.quantity, &order.buyer)
            }
            (
                Change::Refused { quantity, buyer, seconds: Some(asked) },
                Command::Hold { order, seconds },
            ) => (*quantity, buyer, asked) == (order.quantity, &order.buyer, seconds),
            (Change::Held { quantity, expires_at_ms, buyer }, Command::Hold { order, seconds }) => {
                let asked = expires_at_ms.saturating_sub(self.at_ms) / 1000;
                (*quantity, buyer, asked) == (order.quantity, &order.buyer, *seconds)
            }
            (Change::Sold { hold: Some(hold), .. }, Command::Confirm { hold: asked })
            | (Change::Released { hold, .. }, Command::Release { hold: asked }) => hold == asked,
            (Change::Sold { hold: Some(hold), .. }, Command::Release { hold: asked }) => {
                return (hold == asked).then_some(Outcome::HoldConfirmed);
            }
            (
                Change::Lapsed { hold, .. } | Change::Released { hold, .. },
                Command::Confirm { hold: asked } | Command::Release { hold: asked },
            ) => return (hold == asked).then_some(Outcome::HoldExpired),
            (Change::Refunded { sale, .. }, Command::Refund(SoldBefore { revision, .. })) => {
                sale == revision
            }
            (Change::Restocked { quantity }, Command::Restock { quantity: asked }) => {
                quantity == asked
            }
            _ => false,
        };
        if is_the_same { self.outcome() } else { None }
    }

    /// By what a repetition of the request that made this record is known.
    pub(super) fn name(&self) -> Option<Name<'_>> {
        let key = self.key.as_deref();
        match self.change {
            Change::Sold { hold: Some(hold), .. }
            | Change::Released { hold, .. }
            | Change::Lapsed { hold, .. } => Some(Name::EndOf(hold)),
            Change::Sold { .. } | Change::Refused { seconds: None, .. } => key.map(Name::Buy),
            Change::Held { .. } | Change::Refused { .. } => key.map(Name::Hold),
            Change::Restocked { .. } => key.map(Name::Restock),
            Change::Refunded { .. }
            | Change::Admitted { .. }
            | Change::SaleSet { .. }
            | Change::Adjusted { .. }
            | Change::Restored { .. } => None,
        }
    }

    /// The hold that it made, by its revision.
    pub(super) fn opened_hold(&self) -> Option<(u64, OpenHold)> {
        let Change::Held { quantity, expires_at_ms, buyer } = &self.change else { return None };
        let (quantity, expires_at_ms, buyer) = (*quantity, *expires_at_ms, buyer.clone());
        Some((self.revision, OpenHold { quantity, expires_at_ms, buyer }))
    }

    /// The hold that it ended, and how many tickets that was of.
    pub fn ended_hold(&self) -> Option<(u64, u64)> {
        match self.change {
            Change::Sold { hold: Some(hold), quantity, .. }
            | Change::Released { hold, quantity }
            | Change::Lapsed { hold, quantity } => Some((hold, quantity)),
            _ => None,
        }
    }

    /// The sale that it refunded or admitted.
    pub(super) fn ended_sale(&self) -> Option<(u64, SaleStatus)> {
        let &Self { revision, at_ms, .. } = self;
        match self.change {
            Change::Refunded { sale, .. } => Some((sale, SaleStatus::Refunded { revision })),
            Change::Admitted { sale, .. } => Some((sale, SaleStatus::Admitted { revision, at_ms })),
            _ => None,
        }
    }
}

impl Stock {
    /// The stock after `record`.
    ///
    /// # Errors
    /// [`Inconsistent`] where the record does not follow.
    pub fn after(mut self, record: &Record) -> Result<Self, Inconsistent> {
        self.fold(record).map(|()| self)
    }

    /// Becomes the stock after `record`, in place.
    ///
    /// # Errors
    /// [`Inconsistent`] where the record does not follow; it is unchanged then.
    pub(super) fn fold(&mut self, record: &Record) -> Result<(), Inconsistent> {
        let revision = record.revision;
        if revision != self.revision + 1 {
            return Err(Inconsistent::Revision { found: revision, expected: self.revision + 1 });
        }
        if let Change::Sold { first_ticket: found, .. } = record.change
            && found != self.issued + 1
        {
            return Err(Inconsistent::Ticket { revision, found, expected: self.issued + 1 });
        }
        let after = self.changed_by(record).filter(|after| {
            // What is held has to have room when it comes back.
            let comes_back = after.remaining.saturating_add(after.held);
            let numbers = [comes_back, after.issued, record.at_ms];
            numbers.iter().all(|number| *number <= COUNT_MAX)
        });
        let after = after.ok_or(Inconsistent::Impossible { revision })?;
        if after.remaining != record.remaining {
            let (found, expected) = (record.remaining, after.remaining);
            return Err(Inconsistent::Remaining { revision, found, expected });
        }
        if !after.is_conserved() {
            return Err(Inconsistent::Conservation { revision });
        }
        *self = after;
        Ok(())
    }

    /// What `record` changes; `None` where it takes what is not there.
    #[inline]
    fn changed_by(&self, record: &Record) -> Option<Self> {
        let mut after = Self { revision: record.revision, ..*self };
        let &Self { remaining, held, issued, refunded, admitted, .. } = self;
        match record.change {
            Change::Sold { quantity, hold: None, .. } => {
                after.remaining = remaining.checked_sub(quantity)?;
                after.issued = issued.checked_add(quantity)?;
            }
            Change::Sold { quantity, hold: Some(_), .. } => {
                after.held = held.checked_sub(quantity)?;
                after.issued = issued.checked_add(quantity)?;
            }
            Change::Refused { .. } => {}
            Change::Held { quantity, .. } => {
                after.remaining = remaining.checked_sub(quantity)?;
                after.held = held.checked_add(quantity)?;
            }
            Change::Released { quantity, .. } | Change::Lapsed { quantity, .. } => {
                after.held = held.checked_sub(quantity)?;
                after.remaining = remaining.checked_add(quantity)?;
            }
            Change::Refunded { quantity, .. } => {
                after.refunded = refunded.checked_add(quantity)?;
                after.remaining = remaining.checked_add(quantity)?;
            }
            Change::Admitted { quantity, .. } => {
                after.admitted = admitted.checked_add(quantity)?;
            }
            Change::Restocked { quantity } => {
                after.remaining = remaining.checked_add(quantity)?;
                after.capacity = self.capacity.checked_add(quantity)?;
            }
            Change::SaleSet { is_open } => after.is_closed = !is_open,
            Change::Adjusted { sold } => after.adjust(record.remaining, sold)?,
            Change::Restored { epoch, sold } => {
                after.adjust(record.remaining, sold)?;
                after.epoch = epoch;
            }
        }
        (after.refunded.saturating_add(after.admitted) <= after.issued).then_some(after)
    }

    /// Takes over a count from outside, and the numbers given out by then.
    fn adjust(&mut self, remaining: u64, issued: u64) -> Option<()> {
        let added = issued.checked_sub(self.issued)?;
        let capacity = self.capacity.checked_add(added)?.checked_add(remaining)?;
        self.capacity = capacity.checked_sub(self.remaining)?;
        (self.remaining, self.issued) = (remaining, issued);
        Some(())
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Tickets were sold.
    Sold {
        /// The first of the ticket numbers.
        first_ticket: u64,
        /// How many tickets.
        quantity: u64,
        /// Who bought, in the buyer's own words.
        buyer: Option<Box<str>>,
        /// The revision of the hold that had set them aside.
        hold: Option<u64>,
    },
    /// A buyer with a key was told "sold out": a retry must be told the same.
    Refused {
        /// How many tickets were asked for.
        quantity: u64,
        /// Who asked, in the buyer's own words.
        buyer: Option<Box<str>>,
        /// For how long they were to be held; `None` where they were to be bought.
        seconds: Option<u64>,
    },
    /// Tickets were set aside.
    Held {
        /// How many.
        quantity: u64,
        /// From when on they cannot be bought by whoever holds them, in milliseconds since 1970 UTC.
        expires_at_ms: u64,
        /// For whom, in the buyer's own words.
        buyer: Option<Box<str>>,
    },
    /// Whoever held tickets gave them back.
    Released {
        /// The revision of the hold.
        hold: u64,
        /// How many tickets.
        quantity: u64,
    },
    /// The time of a hold was over.
    Lapsed {
        /// The revision of the hold.
        hold: u64,
        /// How many tickets.
        quantity: u64,
    },
    /// The tickets of a sale were taken back.
    Refunded {
        /// The revision of the sale.
        sale: u64,
        /// How many tickets.
        quantity: u64,
    },
    /// The tickets of a sale were used.
    Admitted {
        /// The revision of the sale.
        sale: u64,
        /// How many tickets.
        quantity: u64,
    },
    /// Tickets were added.
    Restocked {
        /// How many.
        quantity: u64,
    },
    /// The operator opened or closed the sale.
    SaleSet {
        /// Whether tickets are to be had from now on.
        is_open: bool,
    },
    /// Somebody outside wrote another count into `db.txt`.
    Adjusted {
        /// The ticket numbers given out, from now on; never fewer than before.
        sold: u64,
    },
    /// A backup was put in place: what was sold behind it is not in the ledger.
    Restored {
        /// The ledger's new life.
        epoch: u64,
        /// The ticket numbers given out, from now on; never fewer than before.
        sold: u64,
    },
}

impl Change {
    /// The change that sets aside, at the time `at_ms`, what was ordered.
    pub(super) fn held(order: &Order, seconds: u64, at_ms: u64) -> Self {
        let Order { quantity, buyer } = order.clone();
        Self::Held { quantity, expires_at_ms: at_ms + seconds * 1000, buyer }
    }
}
