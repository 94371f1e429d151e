//! `POST /receipts/{receipt}/admit`: tickets are used at the door, once.

use e2e::{Answer, Method, crowd};
use serde_json::json;

use super::steps::{admit, assert_stock, bought, refund, told};
use crate::{
    counter::Counter, operator::serve_for_operator, problem::assert_problem, sales::count_of,
};

#[test]
fn tickets_let_in_once_and_then_say_when_they_did() {
    let counter = Counter::with(10);
    let server = serve_for_operator(&counter, &[]);
    let receipt = bought(&server, 2);

    let first = admit(&server, &receipt);
    let again = admit(&server, &receipt);

    assert_eq!(first.status, 200, "{first:?}");
    let said = first.json();
    assert_eq!((&said["tickets"], &said["revision"]), (&json!([1, 2]), &json!(2)), "{said}");
    let at = said["admitted_at"].as_str().expect("a time");
    humantime::parse_rfc3339(at).expect("RFC 3339");
    assert_problem(&server, &again, 409, "admitted");
    assert_eq!(again.json()["admitted_at"], at);
    let told = told(&server, &receipt);
    assert_eq!((&told["status"], &told["admitted_at"]), (&json!("admitted"), &json!(at)), "{told}");
    assert_stock(&server, &counter, 8, 2, 0);
}

#[test]
fn two_doors_at_once_let_one_in() {
    let counter = Counter::with(10);
    let doors = [serve_for_operator(&counter, &[]), serve_for_operator(&counter, &[])];
    let receipt = bought(&doors[0], 1);

    let answers = crowd(8, |at| admit(&doors[at % 2], &receipt));

    assert_eq!((count_of(&answers, 200), count_of(&answers, 409)), (1, 7), "{answers:?}");
    let first = answers.iter().find(|answer| answer.status == 200).expect("one was let in").json();
    for answer in &answers {
        assert_eq!(answer.json()["admitted_at"], first["admitted_at"]);
    }
}

#[test]
fn refunded_tickets_let_nobody_in() {
    let counter = Counter::with(10);
    let server = serve_for_operator(&counter, &[]);
    let receipt = bought(&server, 2);
    refund(&server, &receipt);

    assert_problem(&server, &admit(&server, &receipt), 409, "refunded");
    assert_stock(&server, &counter, 10, 0, 0);
}

#[test]
fn only_the_operator_stands_at_the_door() {
    let counter = Counter::with(10);
    let server = serve_for_operator(&counter, &["--refunds", "buyer"]);
    let receipt = bought(&server, 2);

    let path = format!("/receipts/{receipt}/admit");
    let refused = Answer::to(server.request(Method::POST, &path));

    assert_problem(&server, &refused, 401, "unauthorized");
    assert_eq!(told(&server, &receipt)["status"], "sold");
}
