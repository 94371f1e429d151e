//! `POST /holds`, `POST /holds/{hold}/confirm`, `DELETE /holds/{hold}`: tickets set aside for a while.

use std::time::{Duration, SystemTime};

use e2e::eventually;
use serde_json::json;

use super::steps::{assert_same, assert_stock, confirm, held, hold, release, token, told};
use crate::{
    counter::Counter,
    operator::serve_for_operator,
    problem::assert_problem,
    programs::{serve, serve_with},
    sales::{order, tickets_of},
};

#[test]
fn hold_takes_tickets_off_the_count_and_says_until_when() {
    let counter = Counter::with(10);
    let server = serve(&counter);

    let answer = hold(&server, 2, 120);

    assert_eq!(answer.status, 201, "{answer:?}");
    let told = answer.json();
    let members = (&told["quantity"], &told["remaining"], &told["revision"]);
    assert_eq!(members, (&json!(2), &json!(8), &json!(1)), "{told}");
    let ends = humantime::parse_rfc3339(&token(&answer, "expires_at")).expect("RFC 3339");
    let left = ends.duration_since(SystemTime::now()).expect("it is to come");
    assert!(left <= Duration::from_secs(120) && left > Duration::from_secs(60), "{left:?}");
    assert_stock(&server, &counter, 8, 0, 2);
}

#[test]
fn hold_without_a_body_is_of_one_ticket() {
    let counter = Counter::with(10);
    let server = serve(&counter);

    let answer = server.post_text("/holds", "");

    assert_eq!((answer.status, &answer.json()["quantity"]), (201, &json!(1)), "{answer:?}");
    assert_stock(&server, &counter, 9, 0, 1);
}

#[test]
fn hold_of_more_than_is_left_is_sold_out() {
    let counter = Counter::with(3);
    let server = serve(&counter);
    held(&server, 2);

    let refused = hold(&server, 2, 120);

    assert_problem(&server, &refused, 409, "sold-out");
    let told = refused.json();
    let members = (&told["requested"], &told["remaining"], &told["revision"]);
    assert_eq!(members, (&json!(2), &json!(1), &json!(1)), "{told}");
    assert_problem(&server, &order(&server, 2), 409, "sold-out");
    assert_stock(&server, &counter, 1, 0, 2);
}

#[test]
fn confirmed_hold_is_a_sale_and_confirmed_again_the_same_one() {
    let counter = Counter::with(10);
    let server = serve(&counter);
    let hold = held(&server, 2);
    server.buy();

    let first = confirm(&server, &hold);
    let again = confirm(&server, &hold);

    assert_eq!(first.status, 201, "{first:?}");
    // Numbers run in the order of sale, and this one was sold second.
    assert_eq!(tickets_of(&first), [2, 3]);
    assert_eq!(first.json()["remaining"], 7);
    let receipt = token(&first, "receipt");
    assert_eq!(first.header("Location"), format!("/receipts/{receipt}"));
    assert_same(&first, &again);
    assert_eq!(again.header("Idempotent-Replayed"), "true");
    assert_eq!(told(&server, &receipt)["status"], "sold");
    assert_stock(&server, &counter, 7, 3, 0);
}

#[test]
fn end_of_a_hold_is_told_again_when_it_is_not_remembered_any_more() {
    let counter = Counter::with(10);
    let server = serve_with(&counter, &["--keys-max", "1"]);
    let (confirmed, released) = (held(&server, 2), held(&server, 3));
    let (sold, back) = (confirm(&server, &confirmed), release(&server, &released));
    let other = held(&server, 1);
    confirm(&server, &other);

    let (sold_again, back_again) = (confirm(&server, &confirmed), release(&server, &released));

    assert_same(&sold, &sold_again);
    assert_same(&back, &back_again);
    assert_problem(&server, &release(&server, &confirmed), 409, "confirmed");
    assert_problem(&server, &confirm(&server, &released), 410, "hold-expired");
    assert_stock(&server, &counter, 7, 3, 0);
}

#[test]
fn released_hold_is_back_and_released_again_the_same_answer() {
    let counter = Counter::with(10);
    let server = serve(&counter);
    let hold = held(&server, 2);

    let first = release(&server, &hold);
    server.buy();
    let again = release(&server, &hold);

    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(first.json(), json!({"remaining": 10, "revision": 2}));
    assert_same(&first, &again);
    assert_stock(&server, &counter, 9, 1, 0);
}

#[test]
fn released_hold_is_not_confirmed_and_confirmed_hold_not_released() {
    let counter = Counter::with(10);
    let server = serve(&counter);
    let (released, confirmed) = (held(&server, 1), held(&server, 2));
    release(&server, &released);
    confirm(&server, &confirmed);

    assert_problem(&server, &confirm(&server, &released), 410, "hold-expired");
    assert_problem(&server, &release(&server, &confirmed), 409, "confirmed");

    assert_stock(&server, &counter, 8, 2, 0);
}

/// What is kept tells: nobody asks the server, which has to wake up for it.
#[test]
fn hold_comes_back_by_itself_when_its_time_is_over() {
    let counter = Counter::with(10);
    let server = serve(&counter);
    let hold = token(&hold(&server, 3, 1), "hold");
    assert_eq!(counter.count(), 7);

    eventually("the tickets of a hold of one second in what is kept", || {
        (counter.count() == 10).then_some(())
    });

    assert_stock(&server, &counter, 10, 0, 0);
    assert_problem(&server, &confirm(&server, &hold), 410, "hold-expired");
    assert_problem(&server, &release(&server, &hold), 410, "hold-expired");
    let described = server.get("/openapi.json").json();
    for (path, method) in [("/holds/{hold}/confirm", "post"), ("/holds/{hold}", "delete")] {
        assert!(described["paths"][path][method]["responses"]["410"].is_object(), "{path}");
    }
    assert_eq!(order(&server, 10).status, 201);
}

#[test]
fn hold_that_nobody_made_is_not_found() {
    let counter = Counter::with(10);
    let server = serve(&counter);

    assert_problem(&server, &confirm(&server, "nothing"), 404, "not-found");
    assert_problem(&server, &release(&server, "nothing"), 404, "not-found");
}

#[test]
fn hold_is_no_longer_than_the_operator_lets_it_be() {
    let counter = Counter::with(10);
    let server = serve_with(&counter, &["--hold-max", "90s"]);

    assert_eq!(hold(&server, 1, 90).status, 201);
    let refused = hold(&server, 1, 91);

    assert_problem(&server, &refused, 400, "invalid-request");
    assert!(refused.text().contains("from 1 to 90"), "{}", refused.text());
    let usual = server.post_text("/holds", "{}");
    let ends = humantime::parse_rfc3339(&token(&usual, "expires_at")).expect("RFC 3339");
    let left = ends.duration_since(SystemTime::now()).expect("it is to come");
    assert!(left <= Duration::from_secs(90), "{left:?}");
}

#[test]
fn hold_survives_sigkill_with_its_answers() {
    let counter = Counter::with(10);
    let server = serve_for_operator(&counter, &[]);
    let (open, done) = (held(&server, 1), held(&server, 2));
    let sold = confirm(&server, &done);
    server.kill();

    let server = serve_for_operator(&counter, &[]);

    assert_stock(&server, &counter, 7, 2, 1);
    assert_same(&sold, &confirm(&server, &done));
    assert_eq!(tickets_of(&confirm(&server, &open)), [3]);
}
