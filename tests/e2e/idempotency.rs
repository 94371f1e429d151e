//! `Idempotency-Key` where the counter's files are in the way, or were changed; what it promises stands in
//! `contract`.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
};

use e2e::{Answer, Client, Counter, Method, OutsideLock, Server};

use crate::{
    problem::assert_problem,
    programs::{self, serve, serve_with},
    sales::assert_conserved,
};

const REPLAYED: &str = "Idempotent-Replayed";

#[test]
fn sold_out_is_a_final_answer_too() {
    let counter = Counter::with(1);
    let server = serve(&counter);
    server.buy();

    let first = buy_with(&server, "late", "{}");
    counter.write("{\"count\": 50}\n");
    let again = buy_with(&server, "late", "{}");

    assert_problem(&server, &first, 409, "sold-out");
    assert_eq!((again.status, again.text()), (409, first.text()));
    assert_eq!(again.header(REPLAYED), "true");
    assert_eq!(buy_with(&server, "later", "{}").status, 201);
}

/// What holds of a retry need not hold of the first request, which sold.
#[test]
fn retry_whose_first_record_cannot_be_read_is_told_that_its_outcome_is_unknown() {
    let counter = Counter::with(100);
    let server = Server::start(programs::server().bound_by_permissions(), &counter);
    let first = buy_with(&server, "key", "{}");
    let segments = fs::read_dir(counter.ledger()).expect("the ledger is there");
    let paths = segments.map(|entry| entry.expect("its files can be listed").path());
    let segments = paths.filter(|path| path.extension().is_some_and(|ext| ext == "segment"));
    let segments: Vec<_> = segments.collect();
    let allow = |mode| {
        for segment in &segments {
            fs::set_permissions(segment, Permissions::from_mode(mode)).expect("the test's own");
        }
    };

    allow(0o000);
    let unread = buy_with(&server, "key", "{}");
    let receipt = server.get(first.header("Location"));
    allow(0o600);
    let again = buy_with(&server, "key", "{}");

    for unknown in [&unread, &receipt] {
        assert_problem(&server, unknown, 503, "outcome-unknown");
        assert_eq!(unknown.json()["sold"], "unknown", "{}", unknown.text());
        let folder = counter.folder().display().to_string();
        assert!(!unknown.text().contains(&folder), "{}", unknown.text());
    }
    assert_eq!((again.status, again.text()), (201, first.text()));
    assert_conserved(&counter, 100, 1);
}

#[test]
fn retry_that_finds_the_lock_held_is_not_told_that_nothing_was_sold() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--lock-timeout", "200ms"]);
    let first = buy_with(&server, "key", "{}");

    let lock = OutsideLock::take(&counter);
    let refused = buy_with(&server, "key", "{}");
    let without_key = server.buy();
    drop(lock);

    for (refused, sold) in [(refused, "unknown"), (without_key, "no")] {
        assert_problem(&server, &refused, 503, "lock-timeout");
        assert_eq!(refused.json()["sold"], sold);
    }
    assert_eq!(buy_with(&server, "key", "{}").text(), first.text());
    assert_conserved(&counter, 100, 1);
}

#[track_caller]
fn buy_with(server: &Client, key: &str, body: &str) -> Answer {
    let request = server.request(Method::POST, "/buy").header("Idempotency-Key", key);
    let request = request.header("Content-Type", "application/json");
    Answer::to(request.body(body.to_owned()))
}
