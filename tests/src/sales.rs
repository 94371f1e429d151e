//! What buyers were told of the tickets that they bought.

use std::collections::BTreeSet;

use crate::{Answer, Client};

/// The tickets of the answers that sold, in ascending order.
///
/// # Panics
/// When one ticket was sold twice: `NoOversell`.
#[track_caller]
pub fn tickets(answers: &[Answer]) -> Vec<u64> {
    let mut seen = BTreeSet::new();
    for answer in answers.iter().filter(|answer| answer.status == 201) {
        for ticket in tickets_of(answer) {
            assert!(seen.insert(ticket), "ticket {ticket} was sold twice");
        }
    }
    seen.into_iter().collect()
}

/// The tickets of one answer that sold.
///
/// # Panics
/// When it did not sell.
#[track_caller]
pub fn tickets_of(answer: &Answer) -> Vec<u64> {
    let body = answer.json();
    let tickets = body["tickets"].as_array().unwrap_or_else(|| panic!("no tickets in {body}"));
    tickets.iter().map(|ticket| ticket.as_u64().expect("a ticket is a number")).collect()
}

/// Buys one ticket after the other until none is left; all answers, the refusal last.
///
/// # Panics
/// When an answer is neither a sale nor a refusal.
#[track_caller]
pub fn buy_until_sold_out(client: &Client) -> Vec<Answer> {
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
