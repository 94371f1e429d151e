//! `DELETE /receipts/{receipt}`: the tickets of a sale go back to the count.

use e2e::{Answer, Method};
use serde_json::json;

use super::steps::{admit, assert_same, assert_stock, bought, refund, told};
use crate::{
    counter::Counter,
    operator::{as_operator, serve_for_operator},
    problem::assert_problem,
    programs::serve_with,
    sales::{order, tickets_of},
};

#[test]
fn refunded_tickets_go_back_to_the_count_and_their_numbers_do_not() {
    let counter = Counter::with(10);
    let server = serve_for_operator(&counter, &[]);
    let receipt = bought(&server, 2);

    let first = refund(&server, &receipt);
    let next = order(&server, 1);

    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(first.json(), json!({"remaining": 10, "revision": 2}));
    assert_eq!(tickets_of(&next), [3]);
    let told = told(&server, &receipt);
    assert_eq!((&told["status"], &told["tickets"]), (&json!("refunded"), &json!([1, 2])), "{told}");
    assert_stock(&server, &counter, 9, 1, 0);
}

#[test]
fn refund_of_a_refund_is_the_same_answer_and_gives_nothing_back() {
    let counter = Counter::with(10);
    let server = serve_for_operator(&counter, &[]);
    let receipt = bought(&server, 2);

    let first = refund(&server, &receipt);
    server.buy();
    let again = refund(&server, &receipt);

    assert_same(&first, &again);
    assert_stock(&server, &counter, 9, 1, 0);
}

#[test]
fn admitted_tickets_are_not_refunded() {
    let counter = Counter::with(10);
    let server = serve_for_operator(&counter, &[]);
    let receipt = bought(&server, 2);
    let admitted = admit(&server, &receipt);

    let refused = refund(&server, &receipt);

    assert_problem(&server, &refused, 409, "admitted");
    assert_eq!(refused.json()["admitted_at"], admitted.json()["admitted_at"]);
    assert_stock(&server, &counter, 8, 2, 0);
}

#[test]
fn buyer_refunds_only_where_the_operator_lets_buyers() {
    let counter = Counter::with(10);
    let by_buyer =
        |server: &e2e::Server, receipt: &str| Answer::to(server.request(Method::DELETE, receipt));
    let server = serve_for_operator(&counter, &[]);
    let receipt = format!("/receipts/{}", bought(&server, 2));
    assert_problem(&server, &by_buyer(&server, &receipt), 401, "unauthorized");
    server.terminate();

    // Without an operator, too.
    let server = serve_with(&counter, &["--refunds", "buyer"]);
    let refunded = by_buyer(&server, &receipt);

    assert_eq!(refunded.status, 200, "{refunded:?}");
    assert_stock(&server, &counter, 10, 0, 0);
}

#[test]
fn receipt_that_nobody_got_is_not_refunded() {
    let counter = Counter::with(10);
    let server = serve_for_operator(&counter, &[]);
    bought(&server, 2);

    let refused = as_operator(&server, Method::DELETE, "/receipts/nothing");

    assert_problem(&server, &refused, 404, "not-found");
    assert_stock(&server, &counter, 8, 2, 0);
}
