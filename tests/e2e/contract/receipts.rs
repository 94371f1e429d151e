//! `GET /receipts/{receipt}`: what a sale was.

use std::time::Duration;

use e2e::crowd;
use serde_json::json;

use crate::{
    counter::Counter,
    problem::assert_problem,
    programs::serve,
    sales::{order, tickets_of},
};

#[test]
fn receipt_tells_the_sale() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    server.buy();
    let sale = order(&server, 2);

    let receipt = server.get(sale.header("Location"));

    assert_eq!((receipt.status, receipt.header("Content-Type")), (200, "application/json"));
    let told = receipt.json();
    assert_eq!(told["status"], "sold", "{told}");
    assert_eq!(told["tickets"], json!([2, 3]), "{told}");
    assert_eq!(told["revision"], 2, "{told}");
    let at = told["at"].as_str().expect("a time");
    let at = humantime::parse_rfc3339(at).expect("RFC 3339");
    assert!(at.elapsed().expect("it is past") < Duration::from_secs(60), "{told}");
}

#[test]
fn receipt_is_found_at_another_server_and_after_a_restart() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let other = serve(&counter);
    let sales = crowd(10, |_| server.buy());

    let found_by = |asked: &e2e::Server| {
        sales.iter().map(|sale| asked.get(sale.header("Location")).json()).collect::<Vec<_>>()
    };

    let found = found_by(&other);
    for (told, sale) in found.iter().zip(&sales) {
        assert_eq!(told["tickets"], json!(tickets_of(sale)), "{told}");
    }
    server.kill();
    assert_eq!(found_by(&serve(&counter)), found);
}

#[test]
fn receipt_that_was_never_given_is_not_found() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let sale = server.buy().json();
    let receipt = sale["receipt"].as_str().expect("a receipt").to_owned();
    let mut tampered = receipt.clone().into_bytes();
    let last = tampered.last_mut().expect("a receipt is not empty");
    *last = if *last == b'a' { b'b' } else { b'a' };
    let tampered = String::from_utf8(tampered).expect("ASCII stays ASCII");

    for unknown in [&*tampered, &receipt[..receipt.len() - 1], "1", "x", "%00", "1-1"] {
        let answer = server.get(&format!("/receipts/{unknown}"));

        assert_problem(&server, &answer, 404, "not-found");
    }
}

#[test]
fn receipt_of_one_counter_is_nothing_at_another() {
    let counters = [Counter::with(100), Counter::with(100)];
    let servers = counters.each_ref().map(serve);
    let sale = servers[0].buy();
    servers[1].buy();

    let answer = servers[1].get(sale.header("Location"));

    assert_problem(&servers[1], &answer, 404, "not-found");
}
