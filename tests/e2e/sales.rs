//! What buyers were told, and what must hold of all of it together.

use std::collections::BTreeSet;

use e2e::{Answer, Client, Counter};
use serde_json::json;

/// The tickets of the answers that sold, in ascending order.
///
/// # Panics
/// When one ticket was sold twice: `NoOversell`.
#[track_caller]
pub(crate) fn tickets(answers: &[Answer]) -> Vec<u64> {
    let mut seen = BTreeSet::new();
    for answer in answers.iter().filter(|answer| answer.status == 201) {
        for ticket in tickets_of(answer) {
            assert!(seen.insert(ticket), "ticket {ticket} was sold twice");
        }
    }
    seen.into_iter().collect()
}

/// The tickets of one answer that sold.
#[track_caller]
pub(crate) fn tickets_of(answer: &Answer) -> Vec<u64> {
    let body = answer.json();
    let tickets = body["tickets"].as_array().unwrap_or_else(|| panic!("no tickets in {body}"));
    tickets.iter().map(|ticket| ticket.as_u64().expect("a ticket is a number")).collect()
}

/// How many of `answers` have this `status`.
pub(crate) fn count_of(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

/// Buys `quantity` tickets in one order.
#[track_caller]
pub(crate) fn order(client: &Client, quantity: u64) -> Answer {
    client.post("/buy", &json!({ "quantity": quantity }))
}

/// Buys one ticket after the other until none is left; all answers, the refusal last.
#[track_caller]
pub(crate) fn buy_until_sold_out(client: &Client) -> Vec<Answer> {
    let mut answers = Vec::new();
    loop {
        let answer = client.buy();
        assert!(matches!(answer.status, 201 | 409), "{answer:?}");
        let is_over = answer.status == 409;
        answers.push(answer);
        if is_over {
            return answers;
        }
    }
}

/// `Conservation`: what was there is what was sold and what is left.
#[track_caller]
pub(crate) fn assert_conserved(counter: &Counter, initial: u64, sold: u64) {
    let left = counter.count();
    assert_eq!(initial, sold + left, "{initial} tickets, {sold} sold, {left} left");
}
