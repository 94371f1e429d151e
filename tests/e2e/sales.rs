//! What buyers were told, and what must hold of all of it together.

use crate::counter::Counter;

use e2e::{Answer, Client};
pub(crate) use e2e::{buy_until_sold_out, tickets, tickets_of};
use serde_json::json;

/// How many of `answers` have this `status`.
pub(crate) fn count_of(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

/// Buys `quantity` tickets in one order.
#[track_caller]
pub(crate) fn order(client: &Client, quantity: u64) -> Answer {
    client.post("/buy", &json!({ "quantity": quantity }))
}

/// `Conservation`: what was there is what was sold and what is left.
#[track_caller]
pub(crate) fn assert_conserved(counter: &Counter, initial: u64, sold: u64) {
    let left = counter.count();
    assert_eq!(initial, sold + left, "{initial} tickets, {sold} sold, {left} left");
}
