//! The rules of selling: what a request comes to, and the record of it.

use crate::domain::{
    COUNT_MAX, Change, Command, OpenHold, Order, Outcome, Record, Request, SaleStatus, SoldBefore,
    Stock,
};

/// What a request is decided on.
pub(super) struct Facts<'a> {
    pub(super) stock: &'a Stock,
    /// Now.
    pub(super) at_ms: u64,
    /// The hold that the request speaks of, where it is open.
    pub(super) hold: Option<&'a OpenHold>,
    /// What became of the sale that the request speaks of.
    pub(super) sale: SaleStatus,
}

/// Answers `request`, which was not seen before.
pub(super) fn decide(facts: &Facts<'_>, request: &Request) -> (Outcome, Option<Record>) {
    let stock = facts.stock;
    let over_limit = || (Outcome::OverLimit { remaining: stock.remaining }, None);
    let (remaining, change) = match change(facts, request) {
        Ok(changed) => changed,
        Err(outcome) => return (outcome, None),
    };
    if stock.revision >= COUNT_MAX {
        return over_limit();
    }
    let key = request.key.clone();
    let (revision, at_ms) = (stock.revision + 1, facts.at_ms);
    let record = Record { revision, at_ms, remaining, change, key };
    match record.outcome() {
        Some(outcome) => (outcome, Some(record)),
        None => over_limit(),
    }
}

/// What is left after `request`, and the change; or the answer, where nothing changes.
fn change(facts: &Facts<'_>, request: &Request) -> Result<(u64, Change), Outcome> {
    let &Facts { stock, at_ms, hold, sale } = facts;
    let &Stock { remaining, revision, .. } = stock;
    match &request.command {
        Command::Search => Err(Outcome::Found(Box::new(*stock))),
        Command::Buy(order) => match take(stock, order) {
            Err(Outcome::SoldOut { .. }) if request.key.is_some() => {
                Ok((remaining, refused(order, None)))
            }
            left => Ok((left?, sold(stock, order, None)?)),
        },
        Command::Hold { order, seconds } => match take(stock, order) {
            Err(Outcome::SoldOut { .. }) if request.key.is_some() => {
                Ok((remaining, refused(order, Some(*seconds))))
            }
            left => Ok((left?, Change::held(order, *seconds, at_ms))),
        },
        &Command::Confirm { hold: made } => {
            let open = hold.filter(|hold| !hold.is_over(at_ms)).ok_or(Outcome::HoldExpired)?;
            let OpenHold { quantity, buyer, .. } = open.clone();
            Ok((remaining, sold(stock, &Order { quantity, buyer }, Some(made))?))
        }
        &Command::Release { hold: made } => {
            let open = hold.filter(|hold| !hold.is_over(at_ms)).ok_or(Outcome::HoldExpired)?;
            let quantity = open.quantity;
            Ok((remaining + quantity, Change::Released { hold: made, quantity }))
        }
        &Command::Refund(SoldBefore { revision: made, quantity }) => match sale {
            SaleStatus::Sold => {
                Ok((put(stock, quantity)?, Change::Refunded { sale: made, quantity }))
            }
            SaleStatus::Refunded { revision } => Err(Outcome::Repeated { revision }),
            SaleStatus::Admitted { at_ms, .. } => Err(Outcome::AdmittedBefore { at_ms }),
        },
        &Command::Admit(SoldBefore { revision: made, quantity }) => match sale {
            SaleStatus::Sold => Ok((remaining, Change::Admitted { sale: made, quantity })),
            SaleStatus::Refunded { .. } => Err(Outcome::RefundedBefore),
            SaleStatus::Admitted { at_ms, .. } => Err(Outcome::AdmittedBefore { at_ms }),
        },
        &Command::Restock { quantity } => {
            Ok((put(stock, quantity)?, Change::Restocked { quantity }))
        }
        &Command::SetSale { is_open } if is_open != stock.is_closed => {
            Err(Outcome::SaleSet { is_open, remaining, revision })
        }
        &Command::SetSale { is_open } => Ok((remaining, Change::SaleSet { is_open })),
    }
}

/// What is left where `order` is taken; or why it cannot be.
fn take(stock: &Stock, order: &Order) -> Result<u64, Outcome> {
    let &Stock { remaining, revision, .. } = stock;
    if stock.is_closed {
        return Err(Outcome::SaleClosed);
    }
    let sold_out = Outcome::SoldOut { requested: order.quantity, remaining, revision };
    remaining.checked_sub(order.quantity).ok_or(sold_out)
}

/// What is left where `quantity` tickets are put to it; what is held has to have room when it comes back.
fn put(stock: &Stock, quantity: u64) -> Result<u64, Outcome> {
    let &Stock { remaining, held, .. } = stock;
    let after = remaining.saturating_add(quantity);
    let has_room = after.saturating_add(held) <= COUNT_MAX;
    has_room.then_some(after).ok_or(Outcome::OverLimit { remaining })
}

/// The sale of `order`, from a `hold` or from what is left.
fn sold(stock: &Stock, order: &Order, hold: Option<u64>) -> Result<Change, Outcome> {
    let Order { quantity, buyer } = order.clone();
    if stock.issued.saturating_add(quantity) > COUNT_MAX {
        return Err(Outcome::OverLimit { remaining: stock.remaining });
    }
    Ok(Change::Sold { first_ticket: stock.issued + 1, quantity, buyer, hold })
}

fn refused(order: &Order, seconds: Option<u64>) -> Change {
    let Order { quantity, buyer } = order.clone();
    Change::Refused { quantity, buyer, seconds }
}
