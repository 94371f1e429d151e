//! The steps that the scripts are made of.

use e2e::{Answer, Client, Method};
use serde_json::{Value, json};

use crate::{counter::Counter, operator::as_operator};

/// Holds `quantity` tickets for `seconds`.
#[track_caller]
pub(super) fn hold(server: &Client, quantity: u64, seconds: u64) -> Answer {
    server.post("/holds", &json!({"quantity": quantity, "seconds": seconds}))
}

/// Holds `quantity` tickets for an hour, and returns the hold's token.
#[track_caller]
pub(super) fn held(server: &Client, quantity: u64) -> String {
    token(&hold(server, quantity, 3600), "hold")
}

/// Buys `quantity` tickets, and returns the receipt.
#[track_caller]
pub(super) fn bought(server: &Client, quantity: u64) -> String {
    token(&server.post("/buy", &json!({"quantity": quantity})), "receipt")
}

/// Confirms `hold`.
#[track_caller]
pub(super) fn confirm(server: &Client, hold: &str) -> Answer {
    Answer::to(server.request(Method::POST, &format!("/holds/{hold}/confirm")))
}

/// Gives `hold` back.
#[track_caller]
pub(super) fn release(server: &Client, hold: &str) -> Answer {
    Answer::to(server.request(Method::DELETE, &format!("/holds/{hold}")))
}

/// Refunds the sale with `receipt`, as the operator.
#[track_caller]
pub(super) fn refund(server: &Client, receipt: &str) -> Answer {
    as_operator(server, Method::DELETE, &format!("/receipts/{receipt}"))
}

/// Lets the holders of `receipt` in, as the operator.
#[track_caller]
pub(super) fn admit(server: &Client, receipt: &str) -> Answer {
    as_operator(server, Method::POST, &format!("/receipts/{receipt}/admit"))
}

/// What the sale with `receipt` is told to be.
#[track_caller]
pub(super) fn told(server: &Client, receipt: &str) -> Value {
    let answer = server.get(&format!("/receipts/{receipt}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// The text of the member `member`.
#[track_caller]
pub(super) fn token(answer: &Answer, member: &str) -> String {
    let body = answer.json();
    body[member].as_str().unwrap_or_else(|| panic!("no `{member}` in {body}")).to_owned()
}

/// Fails unless `again` is `first` again, body and all.
#[track_caller]
pub(super) fn assert_same(first: &Answer, again: &Answer) {
    assert_eq!((first.status, &first.text()), (again.status, &again.text()));
    assert_eq!(first.header("Location"), again.header("Location"));
}

/// Fails unless what is left, sold and held is this, at `server`, and as what is kept has it.
#[track_caller]
pub(super) fn assert_stock(server: &Client, counter: &Counter, count: u64, sold: u64, held: u64) {
    let found = server.search();
    let stands = (&found["count"], &found["sold"], &found["held"]);
    assert_eq!(stands, (&json!(count), &json!(sold), &json!(held)), "{found}");
    assert_eq!(counter.count(), count);
}
