//! `Idempotency-Key` on `/buy`: a retry gets the first answer again, and nothing is sold twice.

use e2e::{Answer, Client, Method, crowd};
use serde_json::json;

use crate::{
    counter::Counter,
    problem::assert_problem,
    programs::serve,
    sales::{assert_conserved, tickets_of},
};

const REPLAYED: &str = "Idempotent-Replayed";

#[test]
fn retry_with_the_same_key_gets_the_first_answer_again() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    let first = buy_with(&server, "order 4711", "{\"quantity\": 2, \"buyer\": \"me\"}");
    server.buy();
    let again = buy_with(&server, "order 4711", "{\"quantity\": 2, \"buyer\": \"me\"}");

    assert_eq!((first.status, first.header(REPLAYED)), (201, ""));
    assert_eq!((again.status, again.header(REPLAYED)), (201, "true"));
    assert_eq!(again.text(), first.text());
    assert_eq!(again.header("Location"), first.header("Location"));
    assert_conserved(&counter, 100, 3);
}

#[test]
fn other_key_is_another_sale() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    let sales = ["a", "A", "a ", "b"].map(|key| buy_with(&server, key, "{}"));

    // A header field's value ends before its white space, so `a ` is `a`.
    let numbers = sales.each_ref().map(|sale| tickets_of(sale)[0]);
    assert_eq!(numbers, [1, 2, 1, 3]);
}

#[test]
fn key_with_another_request_is_refused() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    buy_with(&server, "key", "{\"quantity\": 1}");

    for body in ["{\"quantity\": 2}", "{\"quantity\": 1, \"buyer\": \"me\"}"] {
        let reused = buy_with(&server, "key", body);

        assert_problem(&server, &reused, 422, "key-reused");
    }
    assert_conserved(&counter, 100, 1);
}

#[test]
fn same_request_may_be_written_in_another_way() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    let answers = ["", "{}", "{\"quantity\": 1}", " { \"quantity\" :1 } "]
        .map(|body| buy_with(&server, "key", body));

    for answer in &answers {
        assert_eq!(tickets_of(answer), [1], "{answer:?}");
    }
}

#[test]
fn key_that_cannot_be_one_is_refused() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let longest = "k".repeat(255);
    let too_long = "k".repeat(256);

    assert_eq!(buy_with(&server, &longest, "{}").status, 201);
    for key in ["", " ", "ü", "tab\there", &too_long] {
        let refused = buy_with(&server, key, "{}");

        assert_eq!(refused.status, 400, "{key:?}: {}", refused.text());
        assert_problem(&server, &refused, 400, "invalid-request");
        let detail = refused.json()["detail"].to_string().to_lowercase();
        assert!(detail.contains("idempotency-key"), "{key:?}: {detail}");
    }
    let twice = server.request(Method::POST, "/buy").header("Idempotency-Key", "a");
    let refused = Answer::to(twice.header("Idempotency-Key", "b"));
    assert_problem(&server, &refused, 400, "invalid-request");
    assert_conserved(&counter, 100, 1);
}

/// F34: one key at several servers at once.
#[test]
fn two_at_once_with_one_key_are_one_sale_and_both_get_its_answer() {
    let counter = Counter::with(100);
    let servers = [serve(&counter), serve(&counter), serve(&counter)];

    for round in 0..10 {
        let key = format!("round {round}");
        let answers = crowd(8, |at| buy_with(&servers[at % 3], &key, "{}"));

        for answer in &answers {
            assert_eq!((answer.status, answer.text()), (201, answers[0].text()), "{key}");
        }
        let first = answers.iter().filter(|answer| answer.header(REPLAYED).is_empty());
        assert_eq!(first.count(), 1, "{key}");
    }
    assert_conserved(&counter, 100, 10);
}

/// F36: the key settles what a killed server has sold.
#[test]
fn key_is_remembered_through_sigkill() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let first = buy_with(&server, "key", "{}");

    server.kill();
    let restarted = serve(&counter);
    let again = buy_with(&restarted, "key", "{}");

    assert_eq!((again.status, again.text()), (201, first.text()));
    assert_eq!(again.header(REPLAYED), "true");
    assert_eq!(restarted.search()["sold"], json!(1));
}

#[track_caller]
fn buy_with(server: &Client, key: &str, body: &str) -> Answer {
    let request = server.request(Method::POST, "/buy").header("Idempotency-Key", key);
    let request = request.header("Content-Type", "application/json");
    Answer::to(request.body(body.to_owned()))
}
