//! What to change is said where a run proves less than it could, with flag and figure, and nowhere else.

use std::{
    fs,
    sync::atomic::{AtomicI64, Ordering},
};

use e2e::{Counter, Finished, Stub};
use serde_json::json;

use super::measured::{SEATS_MAP, run};
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

/// It is said by another status than the map has it.
#[test]
fn sold_out_that_the_map_does_not_know() {
    let left = AtomicI64::new(30);
    let shop = Stub::http(move |request| match request.call.as_str() {
        "GET /left" => ("200 OK", json!({"left": left.load(Ordering::SeqCst)}).to_string()),
        _ => match left.fetch_sub(1, Ordering::SeqCst) {
            seat @ 1.. => ("201 Created", json!({"seat": seat}).to_string()),
            _ => {
                left.fetch_add(1, Ordering::SeqCst);
                ("404 Not Found", json!({"error": "sold out"}).to_string())
            }
        },
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = folder.path().join("shop.toml");
    fs::write(&map, SEATS_MAP).expect("the folder is the test's own");

    let finished = run(&shop.url()).args(["-c", "8", "-n", "60", "--map"]).arg(&map).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_advises(&finished, &["30 times: status 404", "`status` and `where` of `sold_out`"]);
}

#[test]
fn shop_that_asks_for_more_time_than_anybody_has() {
    let shop = Stub::http(|request| match request.call.as_str() {
        "GET /search" => ("200 OK", json!({"count": 20}).to_string()),
        _ => ("503 Service Unavailable\r\nRetry-After: 3600", String::new()),
    });

    let finished = run(&shop.url()).args(["-c", "8", "-n", "30", "--retry"]).run();

    assert_advises(&finished, &["Everything failed", "more than a minute", "a minute at most"]);
    assert!(!advice(&finished)[0].contains("--retry"), "{finished:?}");
}

#[test]
fn too_much_stock_in_rounds_is_told_of_one_of_them() {
    let counter = Counter::with(300);
    let server = serve(&counter);

    let finished =
        run(server.url()).args(["-c", "8", "-n", "40", "--rounds", "3", "--reset", "true"]).run();

    assert_advises(&finished, &["Too much stock: 40 purchases left"]);
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
