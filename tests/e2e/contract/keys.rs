//! `Idempotency-Key` on `/holds`, of what was refused, and beyond `--keys-max`; that on `/buy` stands in
//! `idempotency`.

use e2e::{Answer, Client, Method};
use serde_json::json;

use super::steps::{assert_same, assert_stock, release, token};
use crate::{
    counter::Counter,
    operator::{post_as_operator, serve_for_operator},
    problem::assert_problem,
    programs::{serve, serve_with},
};

#[test]
fn keyed_hold_is_made_once() {
    let counter = Counter::with(10);
    let server = serve(&counter);

    let first = keyed(&server, "/holds", "cart 1", "{\"quantity\": 2}");
    let again = keyed(&server, "/holds", "cart 1", "{\"quantity\": 2}");
    let other = keyed(&server, "/holds", "cart 2", "{\"quantity\": 2}");

    assert_eq!(first.status, 201, "{first:?}");
    assert_same(&first, &again);
    assert_eq!((first.header(REPLAYED), again.header(REPLAYED)), ("", "true"));
    assert_ne!(token(&other, "hold"), token(&first, "hold"));
    assert_stock(&server, &counter, 6, 0, 4);
}

#[test]
fn key_of_a_hold_with_another_hold_is_refused() {
    let counter = Counter::with(10);
    let server = serve(&counter);
    keyed(&server, "/holds", "cart 1", "{\"quantity\": 2, \"seconds\": 60}");

    for body in ["{\"quantity\": 3, \"seconds\": 60}", "{\"quantity\": 2, \"seconds\": 61}"] {
        let refused = keyed(&server, "/holds", "cart 1", body);

        assert_problem(&server, &refused, 422, "key-reused");
    }
    assert_stock(&server, &counter, 8, 0, 2);
}

/// A key belongs to its call: a client may number its holds and its purchases alike.
#[test]
fn one_key_at_two_calls_is_two_requests() {
    let counter = Counter::with(10);
    let server = serve(&counter);

    let held = keyed(&server, "/holds", "1", "{\"quantity\": 2}");
    let sold = keyed(&server, "/buy", "1", "{\"quantity\": 2}");

    assert_eq!((held.status, sold.status), (201, 201));
    assert_stock(&server, &counter, 6, 2, 2);
}

#[test]
fn keyed_hold_that_was_given_back_is_told_again_and_not_made_again() {
    let counter = Counter::with(10);
    let server = serve(&counter);
    let first = keyed(&server, "/holds", "cart 1", "{\"quantity\": 2}");
    release(&server, &token(&first, "hold"));

    let again = keyed(&server, "/holds", "cart 1", "{\"quantity\": 2}");

    assert_same(&first, &again);
    assert_stock(&server, &counter, 10, 0, 0);
}

#[test]
fn sold_out_with_a_key_stays_sold_out() {
    let counter = Counter::with(1);
    let server = serve_for_operator(&counter, &[]);
    for call in ["/buy", "/holds"] {
        let first = keyed(&server, call, "late", "{\"quantity\": 2}");
        post_as_operator(&server, "/restock", &json!({"quantity": 10}));

        let again = keyed(&server, call, "late", "{\"quantity\": 2}");

        assert_problem(&server, &first, 409, "sold-out");
        assert_same(&first, &again);
        assert_eq!((first.header(REPLAYED), again.header(REPLAYED)), ("", "true"), "{call}");
        keyed(&server, "/buy", &format!("rest of {call}"), "{\"quantity\": 10}");
    }
    assert_stock(&server, &counter, 1, 20, 0);
}

#[test]
fn oldest_key_is_forgotten_where_there_are_more_than_the_operator_allows() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--keys-max", "3"]);
    let buy = |key: &str| keyed(&server, "/buy", key, "{}").header(REPLAYED).to_owned();

    for key in ["1", "2", "3", "4"] {
        assert_eq!(buy(key), "", "{key}");
    }

    for key in ["4", "3", "2"] {
        assert_eq!(buy(key), "true", "{key}");
    }
    assert_eq!(buy("1"), "");
    assert_stock(&server, &counter, 95, 5, 0);
}

const REPLAYED: &str = "Idempotent-Replayed";

#[track_caller]
fn keyed(server: &Client, path: &str, key: &str, body: &str) -> Answer {
    let request = server.request(Method::POST, path).header("Idempotency-Key", key);
    Answer::to(request.header("Content-Type", "application/json").body(body.to_owned()))
}
