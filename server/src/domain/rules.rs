//! The rules of selling: what a request comes to, and the record of it.

use crate::domain::{COUNT_MAX, Change, Command, Order, Outcome, Record, Request, Stock};

/// Answers `request`, whose key was not seen before, on `stock`; a record is dated `at_ms`.
pub(super) fn decide(stock: Stock, request: &Request, at_ms: u64) -> (Outcome, Option<Record>) {
    let remaining = stock.remaining;
    let (remaining, change) = match &request.command {
        Command::Search => return (Outcome::Found(stock), None),
        Command::Buy(order) => match sell(stock, order) {
            Ok(sold) => sold,
            Err(Outcome::SoldOut { .. }) if request.key.is_some() && !is_numbered_out(stock, 0) => {
                let Order { quantity, buyer } = order.clone();
                (remaining, Change::Refused { quantity, buyer })
            }
            Err(refused) => return (refused, None),
        },
        &Command::Restock { quantity } => {
            let more = remaining.saturating_add(quantity);
            if more > COUNT_MAX || is_numbered_out(stock, 0) {
                return (Outcome::OverLimit { remaining }, None);
            }
            (more, Change::Restocked { quantity })
        }
    };
    let key = request.key.clone();
    let record = Record { revision: stock.revision + 1, at_ms, remaining, change, key };
    let outcome = record.outcome().unwrap_or(Outcome::Repeated { revision: record.revision });
    (outcome, Some(record))
}

/// What is left after `order` is sold, and the change; or why it is not.
fn sell(stock: Stock, order: &Order) -> Result<(u64, Change), Outcome> {
    let Stock { remaining, sold, revision } = stock;
    let quantity = order.quantity;
    let sold_out = Outcome::SoldOut { requested: quantity, remaining, revision };
    let left = remaining.checked_sub(quantity).ok_or(sold_out)?;
    if is_numbered_out(stock, quantity) {
        return Err(Outcome::OverLimit { remaining });
    }
    Ok((left, Change::Sold { first_ticket: sold + 1, quantity, buyer: order.buyer.clone() }))
}

/// Whether selling `quantity` more would need a number past the limit.
fn is_numbered_out(stock: Stock, quantity: u64) -> bool {
    stock.revision >= COUNT_MAX || stock.sold.saturating_add(quantity) > COUNT_MAX
}
