//! Tasks, threads and processes do the same work, and every operation is accounted for.

use e2e::{Counter, Server, Stub};

use super::measured::{number, result, run};
use crate::programs::{serve, serve_with, server};

#[test]
fn header_field_goes_with_every_request() {
    let shop = Stub::http(|request| {
        let is_known = request.fields.iter().any(|field| field == "Authorization: Bearer abc");
        match is_known {
            true => ("200 OK", "{\"count\": 5, \"sold\": 0, \"revision\": null}".to_owned()),
            false => ("401 Unauthorized", String::new()),
        }
    });
    let load = run(&shop.url()).args(["-c", "2", "-n", "6", "--mix", "search=1"]);

    let finished = load.args(["-H", "Authorization: Bearer abc"]).run();

    let result = result(&finished);
    assert_eq!((number(&result["initial"]), number(&result["outcomes"]["found"])), (5, 6));
}

#[test]
fn every_mode_sells_out_and_is_valid() {
    for mode in [
        &["--mode", "task"][..],
        &["--mode", "task", "--workers", "2"],
        &["--mode", "thread"],
        &["--mode", "process"],
        &["--mode", "process", "--workers", "3"],
    ] {
        let counter = Counter::with(60);
        let server = serve(&counter);

        let finished = run(server.url()).args(["-c", "10", "-n", "100"]).args(mode).run();

        assert_eq!(finished.code, Some(0), "{mode:?}: {finished:?}");
        let result = result(&finished);
        assert_eq!(result["verdict"], "valid", "{mode:?}: {result}");
        assert_eq!((number(&result["requests"]), number(&result["outcomes"]["sold"])), (100, 60));
        assert_eq!(number(&result["outcomes"]["sold_out"]), 40);
        assert_eq!((number(&result["initial"]), number(&result["left"])), (60, 0));
        assert_eq!(counter.count(), 0);
    }
}

#[test]
fn unsafe_server_is_caught_in_the_same_run() {
    let counter = Counter::with(5);
    let seller = ["--locking", "none", "--check-delay", "5ms", "--write-delay", "5ms"];
    let server = serve_with(&counter, &seller);

    let finished = run(server.url()).args(["-c", "20", "-n", "100"]).run();

    assert_eq!(finished.code, Some(1), "{finished:?}");
    let result = result(&finished);
    assert_eq!(result["verdict"], "violation");
    let violation = &result["violations"][0];
    assert!(violation["kind"].is_string() && violation["message"].is_string(), "{result}");
    assert!(violation["operations"].as_array().is_some_and(|list| !list.is_empty()), "{result}");
}

#[test]
fn mix_buys_and_searches_in_its_proportion() {
    let counter = Counter::with(10);
    let server = serve(&counter);

    let finished = run(server.url()).args(["-c", "4", "-n", "1k", "--mix", "buy=1,search=4"]).run();

    let result = result(&finished);
    assert_eq!(result["verdict"], "valid", "{finished:?}");
    assert_eq!(number(&result["requests"]), 1000);
    assert!((700..900).contains(&number(&result["outcomes"]["found"])), "{result}");
}

#[test]
fn warm_up_sells_and_is_not_counted() {
    let counter = Counter::with(1_000_000);
    let server = serve(&counter);

    let finished =
        run(server.url()).args(["-c", "4", "-q", "200", "-z", "1s", "--warmup", "500ms"]).run();

    let result = result(&finished);
    let requests = number(&result["requests"]);
    assert_eq!(requests + number(&result["unsent"]), 200, "{result}");
    assert_eq!(number(&result["sold_ever"]), requests + 100, "{result}");
    assert_eq!(number(&result["left"]), 1_000_000 - requests - 100);
}

#[test]
fn ramp_sends_what_lies_under_it() {
    let counter = Counter::with(1_000_000);
    let server = serve(&counter);

    let finished = run(server.url()).args(["-c", "5", "--stages", "0:0,2s:400"]).run();

    let result = result(&finished);
    assert_eq!(number(&result["requests"]) + number(&result["unsent"]), 400, "{result}");
    assert_eq!(result["asked_rate_rps"], 200.0, "{result}");
}

#[test]
fn connections_that_are_not_kept_do_the_same() {
    let counter = Counter::with(20);
    let server = serve(&counter);

    let finished = run(server.url()).args(["-c", "5", "-n", "50", "--disable-keepalive"]).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(number(&result(&finished)["outcomes"]["sold"]), 20);
}

#[test]
fn handler_that_always_sells_the_same_ticket_is_a_violation() {
    let noop = Server::start_without_counter(server().arg("noop"));

    let finished = run(noop.url()).args(["-c", "2", "-n", "20"]).run();

    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert_eq!(number(&result(&finished)["outcomes"]["sold"]), 20);
}
