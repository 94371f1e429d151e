//! `POST /buy`: the answers, to the field.

use e2e::{Answer, Method, crowd};
use serde_json::json;

use crate::{
    counter::Counter,
    problem::assert_problem,
    programs::{serve, serve_with},
    sales::{assert_conserved, buy_until_sold_out, count_of, order, tickets, tickets_of},
};

#[test]
fn sale_answers_with_ticket_remaining_revision_and_receipt() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    server.buy();
    server.buy();

    let answer = server.buy();

    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("Content-Type"), "application/json");
    let sale = answer.json();
    let receipt = sale["receipt"].as_str().expect("a receipt is a text");
    assert_eq!(sale, json!({"tickets": [3], "remaining": 97, "revision": 3, "receipt": receipt}));
    assert_eq!(answer.header("Location"), format!("/receipts/{receipt}"));
    assert!(
        receipt.len() >= 16 && receipt.bytes().all(|byte| byte.is_ascii_graphic()),
        "{receipt}"
    );
    assert!(!receipt.contains('/'), "{receipt}");
}

#[test]
fn receipt_is_never_the_same_twice() {
    let counter = Counter::with(20);
    let server = serve(&counter);

    let mut receipts =
        (0..20).map(|_| server.buy().json()["receipt"].to_string()).collect::<Vec<_>>();

    receipts.sort_unstable();
    receipts.dedup();
    assert_eq!(receipts.len(), 20);
}

#[test]
fn order_of_several_gets_consecutive_tickets_in_one_revision() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    server.buy();

    let sale = server.post("/buy", &json!({"quantity": 3, "buyer": "user 4711"})).json();

    assert_eq!(sale["tickets"], json!([2, 3, 4]));
    assert_eq!((&sale["remaining"], &sale["revision"]), (&json!(96), &json!(2)));
}

#[test]
fn body_may_be_left_out_in_every_way() {
    let counter = Counter::with(10);
    let server = serve(&counter);
    let with_type = server.request(Method::POST, "/buy").header("Content-Type", "application/json");

    let answers = [
        server.buy(),
        Answer::to(with_type),
        server.post_text("/buy", "{}"),
        server.post("/buy", &json!({"buyer": "user 4711"})),
        Answer::to(
            server
                .request(Method::POST, "/buy")
                .header("Content-Type", "Application/JSON; charset=utf-8")
                .body("{\"quantity\": 1}"),
        ),
    ];

    assert_eq!(tickets(&answers), [1, 2, 3, 4, 5]);
}

#[test]
fn last_ticket_is_sold_and_the_next_buyer_is_told_sold_out() {
    let counter = Counter::with(1);
    let server = serve(&counter);

    let last = server.buy();
    let refused = server.buy();

    assert_eq!(last.json()["remaining"], 0);
    assert_problem(&server, &refused, 409, "sold-out");
    let problem = refused.json();
    assert_eq!(
        (&problem["requested"], &problem["remaining"], &problem["revision"]),
        (&json!(1), &json!(0), &json!(1))
    );
    assert_eq!(counter.count(), 0);
}

#[test]
fn order_for_more_than_is_left_sells_nothing() {
    let counter = Counter::with(2);
    let server = serve(&counter);

    let refused = order(&server, 3);

    assert_problem(&server, &refused, 409, "sold-out");
    assert_eq!(
        (&refused.json()["requested"], &refused.json()["remaining"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(order(&server, 2).status, 201);
}

#[test]
fn order_limit_is_the_operators() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--max-per-order", "4"]);

    assert_eq!(order(&server, 4).status, 201);
    assert_problem(&server, &order(&server, 5), 400, "invalid-request");
    assert_eq!(counter.count(), 96);
}

#[test]
fn hundred_buyers_at_once_get_exactly_ten_tickets() {
    let counter = Counter::with(10);
    let server = serve(&counter);

    let answers = crowd(100, |_| server.buy());

    assert_eq!(tickets(&answers), (1..=10).collect::<Vec<_>>());
    assert_eq!(count_of(&answers, 409), 90);
    assert_conserved(&counter, 10, 10);
}

#[test]
fn remaining_and_revision_tell_the_order_of_sale() {
    let counter = Counter::with(200);
    let server = serve(&counter);

    let answers = crowd(8, |_| buy_until_sold_out(&server)).concat();

    assert_eq!(tickets(&answers), (1..=200).collect::<Vec<_>>());
    for answer in answers.iter().filter(|answer| answer.status == 201) {
        let sale = answer.json();
        let ticket = tickets_of(answer)[0];
        assert_eq!((&sale["revision"], &sale["remaining"]), (&json!(ticket), &json!(200 - ticket)));
    }
}
