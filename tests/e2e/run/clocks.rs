//! Both clocks, and what only one of them can see.

use std::{thread, time::Duration};

use e2e::{Counter, Finished, Server, Signal};
use serde_json::Value;

use super::measured::{decimal, number, result, run};
use crate::programs::{serve, serve_with};

/// Long enough that a second is one in twenty of the operations, well past the 99th percentile.
const LENGTH: &str = "5s";

/// Lets `pace` run against a server that stands still for one second in the middle.
#[track_caller]
fn beside_a_pause(server: &Server, pace: &[&str]) -> Finished {
    let load = run(server.url()).args(["-c", "50", "-z", LENGTH]).args(pace).start();
    // From its own words: only now are its clients at work.
    let is_at_work = |line: &str| line.contains("p99").then_some(());
    assert!(load.stderr().find_line(Duration::from_secs(30), is_at_work).is_some());
    server.signal(Signal::STOP);
    thread::sleep(Duration::from_secs(1));
    server.signal(Signal::CONT);
    load.finish(Duration::from_secs(60))
}

fn p99_ms(result: &Value, clock: &str) -> f64 {
    decimal(&result[clock]["p99"]) / 1000.0
}

#[test]
fn response_time_of_an_open_loop_shows_the_second_in_which_a_server_stood_still() {
    let counter = Counter::with(1_000_000);
    let server = serve(&counter);

    let result = result(&beside_a_pause(&server, &["-q", "5000"]));

    // Sent by the clock they would have waited up to a second, so every hundredth more than 0.7 s.
    // Of the requests that were under way only 50, one a client, saw the pause: 1 in 500.
    let (response, service) = (p99_ms(&result, "response_us"), p99_ms(&result, "service_us"));
    assert!(response > 500.0, "{result}");
    assert!(service < response / 2.0, "{result}");
}

#[test]
fn closed_loop_omits_the_second_from_both_clocks() {
    let counter = Counter::with(10_000_000);
    let server = serve(&counter);

    let result = result(&beside_a_pause(&server, &[]));

    // The negative control: nobody was due while nobody was answered, and the same pause is gone.
    assert_eq!(result["response_us"], result["service_us"]);
    assert!(p99_ms(&result, "response_us") < 500.0, "{result}");
    assert!(decimal(&result["response_us"]["max"]) > 900_000.0, "{result}");
}

#[test]
fn rate_is_reached_where_all_is_sent_in_time_however_late_the_answers() {
    let counter = Counter::with(1_000_000);
    let server = serve_with(&counter, &["--locking", "none", "--check-delay", "400ms"]);

    let finished = run(server.url()).args(["-c", "200", "-q", "100", "-z", "2s"]).run();

    let result = result(&finished);
    assert_eq!(number(&result["requests"]), 200, "{result}");
    assert_eq!(result["asked_rate_reached"], true, "{result}");
}

#[test]
fn what_was_due_before_an_interrupt_and_never_sent_is_told() {
    let counter = Counter::with(1_000_000);
    let server = serve(&counter);
    let load = run(server.url()).args(["-c", "4", "-q", "1000", "-z", "10m"]).start();
    let is_at_work = |line: &str| line.contains("p99").then_some(());
    assert!(load.stderr().find_line(Duration::from_secs(30), is_at_work).is_some());
    server.signal(Signal::STOP);
    thread::sleep(Duration::from_secs(1));

    load.signal(Signal::INT);

    let finished = load.finish(Duration::from_secs(30));
    server.signal(Signal::CONT);
    let result = result(&finished);
    // A thousand were due meanwhile, and four of them were sent.
    assert!(number(&result["unsent"]) > 500, "{result}");
    assert_eq!(result["asked_rate_reached"], false, "{result}");
    assert!(decimal(&result["response_us"]["max"]) > 900_000.0, "{result}");
}

#[test]
fn rate_that_is_not_reached_is_said_loudly_and_what_was_never_sent_has_waited() {
    let counter = Counter::with(1_000_000);
    let server = Server::start(
        crate::programs::server().args([
            "--locking",
            "mutex",
            "--check-delay",
            "10ms",
            "--write-delay",
            "10ms",
        ]),
        &counter,
    );

    let finished = run(server.url()).args(["-c", "4", "-q", "500", "-z", "2s"]).run();

    let result = result(&finished);
    assert_eq!(result["asked_rate_rps"], 500.0);
    assert_eq!(result["asked_rate_reached"], false);
    assert!(decimal(&result["rate_rps"]) < 100.0, "{result}");
    assert_eq!(number(&result["requests"]) + number(&result["unsent"]), 1000, "{result}");
    assert!(finished.stderr.contains("ASKED RATE NOT REACHED"), "{}", finished.stderr);
    // Nearly all were due and never sent: half of them for more than half of the time.
    assert!(decimal(&result["response_us"]["p50"]) > 500_000.0, "{result}");
}

#[test]
fn rate_that_is_reached_is_the_rate_that_was_asked_for() {
    let counter = Counter::with(1_000_000);
    let server = serve(&counter);
    for arrivals in ["constant", "poisson"] {
        let finished = run(server.url())
            .args(["-c", "10", "-q", "300", "-z", "2s", "--arrivals", arrivals])
            .run();

        let result = result(&finished);
        assert_eq!(result["asked_rate_reached"], true, "{arrivals}: {result}");
        assert_eq!(result["asked_rate_rps"], 300.0);
        let requests = number(&result["requests"]);
        let is_near = (480..720).contains(&requests);
        assert!(if arrivals == "constant" { requests == 600 } else { is_near }, "{result}");
    }
}
