//! `GET /metrics`: what a monitoring system reads.

use std::{collections::BTreeMap, fs};

use e2e::{Answer, Counter, Finished, Method, Server, eventually};
use serde_json::json;

use crate::{
    programs::{serve, serve_with},
    python_tools::python_tool,
    sales::order,
};

/// Reads OpenMetrics as strictly as its reference parser does, and tells how many families there were.
const PARSER: &str = "
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(open(sys.argv[1]).read()))
print(sum(1 for family in families if family.samples))
";

#[test]
fn what_was_sold_and_how_long_it_took_is_counted() {
    let counter = Counter::with(8);
    let server = serve_with(&counter, &["--refunds", "buyer"]);
    order(&server, 3);
    let sale = server.buy().header("Location").to_owned();
    assert_eq!(Answer::to(server.request(Method::DELETE, &sale)).status, 200);
    assert_eq!(server.post("/holds", &json!({"quantity": 2, "seconds": 3600})).status, 201);
    for _ in 0..2 {
        let twice = server.request(Method::POST, "/buy").header("Idempotency-Key", "one");
        assert_eq!(Answer::to(twice).status, 201);
    }
    assert_eq!(order(&server, 3).status, 409);

    // The last answer leaves ahead of the end of its turn.
    let values = eventually("the end of the last turn", || {
        let values = values(&server);
        let turns = |what: &str| values[&format!("tickets_lock_{what}_seconds_count")];
        (turns("hold") == turns("wait")).then_some(values)
    });

    for (name, value) in [
        ("tickets_available", 2.0),
        ("tickets_capacity", 8.0),
        ("tickets_sold_total", 5.0),
        ("tickets_buy_requests_total{outcome=\"sold\"}", 3.0),
        ("tickets_buy_requests_total{outcome=\"sold_out\"}", 1.0),
        ("tickets_buy_requests_total{outcome=\"replayed\"}", 1.0),
        ("tickets_buy_requests_total{outcome=\"unknown\"}", 0.0),
        ("tickets_idempotency_replays_total", 1.0),
        ("tickets_lock_timeouts_total", 0.0),
        ("tickets_journal_fsync_seconds_count", 5.0),
        ("tickets_journal_appends_total{outcome=\"durable\"}", 5.0),
        ("tickets_ledger_info{engine=\"file\"}", 1.0),
        ("tickets_held", 2.0),
        ("tickets_refunded_total", 1.0),
        ("tickets_holds_expired_total", 0.0),
        ("tickets_conservation_violations_total", 0.0),
        ("tickets_keys", 1.0),
        ("tickets_queue", 0.0),
        ("tickets_live_listeners", 0.0),
        ("http_request_duration_seconds_count{route=\"/buy\",status=\"2xx\"}", 4.0),
        ("http_request_duration_seconds_count{route=\"/buy\",status=\"4xx\"}", 1.0),
        ("http_request_duration_seconds_count{route=\"/receipts/{receipt}\",status=\"2xx\"}", 1.0),
        ("http_request_duration_seconds_bucket{le=\"+Inf\",route=\"/buy\",status=\"2xx\"}", 4.0),
    ] {
        assert_eq!(values.get(name), Some(&value), "{name}: {values:#?}");
    }
    let turns = values["tickets_lock_hold_seconds_count"];
    // Several requests may share a turn, where the machine is slow.
    assert!(turns >= 1.0, "{values:#?}");
    assert!(values["tickets_lock_hold_seconds_sum"] > values["tickets_journal_fsync_seconds_sum"]);
}

#[test]
fn counter_that_cannot_be_read_is_watched_on() {
    let counter = Counter::with(5);
    let server = serve(&counter);
    assert_eq!(values(&server)["tickets_available"], 5.0);
    counter.write("no counter");
    assert_eq!(server.buy().status, 503);

    let values = values(&server);

    assert_eq!(values["tickets_available"], 5.0);
    assert_eq!(values["tickets_buy_requests_total{outcome=\"not_sold\"}"], 1.0);
}

#[test]
fn counter_that_could_not_be_read_yet_is_not_told_to_be_empty() {
    let counter = Counter::with(5);
    let server = serve_with(&counter, &["--lock-timeout", "100ms"]);
    counter.write("no counter");

    let unread = values(&server);

    for name in ["tickets_available", "tickets_capacity", "tickets_held", "tickets_sold_total"] {
        assert_eq!(unread.get(name), None, "{name}: {unread:#?}");
    }
    assert_eq!(unread["tickets_conservation_violations_total"], 0.0);
    counter.write("{\"count\": 5}");
    assert_eq!(values(&server)["tickets_available"], 5.0);
}

#[test]
fn what_is_told_is_openmetrics_to_its_reference_parser() {
    let counter = Counter::with(5);
    let server = serve(&counter);
    assert_eq!(order(&server, 3).status, 201);
    assert_eq!(server.get("/nowhere").status, 404);
    let text = server.get("/metrics").text();

    let read = parsed(&text);
    // Without its unit a name is wrong, and without its end a text.
    let unfit = [text.replace("_seconds", "_minutes"), text.replace("# EOF\n", "")];
    let refused = unfit.map(|text| parsed(&text));

    assert_eq!(read.code, Some(0), "{read:?}\n{text}");
    assert!(read.stdout.trim().parse::<usize>().is_ok_and(|families| families > 20), "{read:?}");
    assert!(refused.iter().all(|said| said.code == Some(1)), "{refused:?}");
}

/// What the reference parser says to `text`.
fn parsed(text: &str) -> Finished {
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    fs::write(file.path(), text).expect("it is the test's own");
    python_tool("python").args(["-c", PARSER]).arg(file.path()).run()
}

/// Each sample, by its name and labels, of a text that is as OpenMetrics has it.
fn values(server: &Server) -> BTreeMap<String, f64> {
    let answer = server.get("/metrics");
    assert_eq!(answer.status, 200, "{answer:?}");
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.header("Content-Type"), kind);
    let text = answer.text();
    let samples = text.strip_suffix("# EOF\n").expect("it ends as a whole text does");
    let samples = samples.lines().filter(|line| !line.starts_with("# "));
    let samples = samples.map(|line| {
        assert!(line.starts_with("tickets_") || line.starts_with("http_"), "{line}");
        let (name, value) = line.rsplit_once(' ').expect("a sample has a value");
        (name.to_owned(), value.parse().expect("a number"))
    });
    samples.collect()
}
