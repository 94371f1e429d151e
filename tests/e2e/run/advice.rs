//! What to change is said where a run proves less than it could, with flag and figure, and nowhere else.

use e2e::{Counter, Finished, Stub};
use serde_json::json;

use super::measured::run;
use crate::programs::{serve, serve_with};

#[track_caller]
fn advice(finished: &Finished) -> Vec<String> {
    let advice = finished.json()["advice"].clone();
    let advice: Vec<String> = serde_json::from_value(advice).expect("a list of words");
    let is_shown = finished.stderr.contains("what to change:");
    assert_eq!(is_shown, !advice.is_empty(), "{finished:?}");
    advice
}

#[track_caller]
fn assert_advises(finished: &Finished, parts: &[&str]) {
    let advice = advice(finished);
    assert_eq!(advice.len(), 1, "{advice:#?}");
    for part in parts {
        assert!(advice[0].contains(part), "no {part}: {advice:#?}");
    }
}

/// And the figure is right: a run that takes the advice needs none.
#[test]
fn too_much_stock_and_how_many_purchases_would_be_enough() {
    let counter = Counter::with(200);
    let server = serve(&counter);

    let finished = run(server.url()).args(["-c", "20", "-n", "60"]).run();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_advises(&finished, &["60 purchases left 140 of 200 tickets", "at most 10", "`-n 220`"]);

    counter.change_count(60);
    let taken = run(server.url()).args(["-c", "20", "-n", "220"]).run();
    assert_eq!(advice(&taken), [""; 0], "{taken:?}");
    assert_eq!(taken.json()["untried"], json!([]), "{taken:?}");

    counter.change_count(200);
    let taken = run(server.url()).args(["-c", "20", "--until-sold-out"]).run();
    assert_eq!(advice(&taken), [""; 0], "{taken:?}");
}

#[test]
fn too_few_clients_and_purchases_that_never_meet() {
    let counter = Counter::with(20);
    let server = serve(&counter);

    let alone = run(server.url()).args(["-c", "1", "-n", "30"]).run();
    assert_eq!(alone.code, Some(3), "{alone:?}");
    assert_advises(&alone, &["No race", "none of 30 purchases met another", "`-c 50`"]);

    counter.change_count(20);
    let slow = run(server.url()).args(["-c", "10", "-n", "25", "-q", "40"]).run();
    assert_advises(&slow, &["No race", "one was due every 25.0 ms", "`-q "]);

    counter.change_count(20);
    let few = run(server.url()).args(["-c", "3", "-n", "30"]).run();
    assert_advises(&few, &["Too few clients: 3 clients", "`-c 50`"]);
}

#[test]
fn shop_that_refuses_everybody() {
    let shop = Stub::http(|request| match request.call.as_str() {
        "GET /search" => ("200 OK", json!({"count": 20}).to_string()),
        _ => ("403 Forbidden", json!({"error": "not you"}).to_string()),
    });

    let finished = run(&shop.url()).args(["-c", "10", "-n", "30"]).run();

    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert_advises(&finished, &["Everything failed, 30 of 30", "30 times:", "`loadgen try URL"]);

    let busy = Stub::http(|request| match request.call.as_str() {
        "GET /search" => ("200 OK", json!({"count": 20}).to_string()),
        _ => ("429 Too Many Requests", String::new()),
    });
    let finished = run(&busy.url()).args(["-c", "20", "-n", "60"]).run();
    assert_advises(&finished, &["Everything failed", "`-c 5`", "`--retry`"]);
}

#[test]
fn shop_with_nothing_to_sell() {
    let counter = Counter::with(0);
    let server = serve(&counter);
    let finished = run(server.url()).args(["-c", "10", "-n", "30"]).run();
    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert_advises(&finished, &["Nothing was on sale"]);
}

#[test]
fn fault_that_was_shown_needs_none() {
    let counter = Counter::with(1000);
    let seller = ["--locking", "none", "--check-delay", "5ms", "--write-delay", "5ms"];
    let server = serve_with(&counter, &seller);

    let finished = run(server.url()).args(["-c", "5", "-n", "30"]).run();

    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert_eq!(advice(&finished), [""; 0], "{finished:?}");
}
