//! Servers that refuse, stall, lie, close and die: every kind is told apart, and the run goes on.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use e2e::{Counter, Stub};
use loadgen::engines::free_addresses;
use serde_json::Value;

use super::measured::{number, result, run};
use crate::programs::serve;

const SALE: &str = "{\"tickets\": [1], \"remaining\": 9, \"revision\": null}";

/// A whole answer to a purchase, with these header fields.
pub(super) fn sold(fields: &str) -> String {
    format!("HTTP/1.1 201 Created\r\n{fields}Content-Length: {}\r\n\r\n{SALE}", SALE.len())
}

/// Reads something, then does `rest` with the connection.
fn after_a_request(rest: impl Fn(TcpStream) + Send + Sync + 'static) -> Stub {
    Stub::start(move |mut stream| {
        let mut request = [0; 1024];
        if stream.read(&mut request).is_ok_and(|length| length > 0) {
            rest(stream);
        }
    })
}

/// What twelve purchases of three clients came to.
#[track_caller]
fn twelve_purchases(stub: &Stub) -> Value {
    let finished = run(&stub.url()).args(["-c", "3", "-n", "12", "-t", "300ms"]).run();
    let result = result(&finished);
    assert_eq!(number(&result["requests"]), 12, "{finished:?}");
    result
}

#[track_caller]
fn assert_cause(result: &Value, outcome: &str, cause: &str) {
    assert_eq!(number(&result["outcomes"][outcome]), 12, "{result}");
    let causes = result["causes"].as_object().expect("causes are an object");
    assert!(causes.keys().any(|said| said.contains(cause)), "no `{cause}` in {result}");
}

#[test]
fn nobody_listens() {
    let free = free_addresses(1).expect("a free port");
    let url = format!("http://{}", free[0]);

    let finished = run(&url).args(["-z", "1s"]).run();

    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("connection refused"), "{}", finished.stderr);
    assert!(finished.stderr.contains(&format!("`{url}`")), "{}", finished.stderr);
}

#[test]
fn host_that_takes_no_more_connections_is_given_up_at_the_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    // Nobody accepts, and one may wait: the system leaves the others without an answer.
    rustix::net::listen(&listener, 0).expect("a listener can listen anew");
    let limit = Duration::from_millis(200);
    let waiting: Vec<_> =
        std::iter::from_fn(|| TcpStream::connect_timeout(&address, limit).ok()).take(64).collect();
    assert!((1..64).contains(&waiting.len()), "{} wait", waiting.len());

    let finished = run(&format!("http://{address}")).args(["-t", "300ms"]).run();

    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("no connection within 300ms"), "{}", finished.stderr);
}

#[test]
fn name_does_not_resolve() {
    let finished = run("http://no-such-host.invalid").run();

    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("`no-such-host.invalid`"), "{}", finished.stderr);
}

#[test]
fn server_that_answers_garbage_leaves_purchases_unknown() {
    let stub = after_a_request(|mut stream| {
        stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").ok();
    });
    assert_cause(&twelve_purchases(&stub), "unknown", "no HTTP/1.1");
}

#[test]
fn server_that_speaks_tls_is_named() {
    let stub = after_a_request(|mut stream| {
        stream.write_all(&[0x15, 3, 1, 0, 2, 2, 70]).ok();
    });
    assert_cause(&twelve_purchases(&stub), "unknown", "TLS");
}

#[test]
fn server_that_closes_early_leaves_purchases_unknown() {
    let stub = after_a_request(|mut stream| {
        stream.write_all(&sold("").as_bytes()[..60]).ok();
    });
    assert_cause(&twelve_purchases(&stub), "unknown", "closed before the answer was whole");
}

#[test]
fn answer_that_comes_too_late_is_not_taken_for_the_next_one() {
    // On the client's first connection answers come behind the limit, with a ticket of their own; on
    // the one before that, the run looks at the shop.
    let connections = AtomicU32::new(0);
    let stub = Stub::start(move |mut stream| {
        let is_late = connections.fetch_add(1, Ordering::Relaxed) == 1;
        let mut request = [0; 1024];
        while stream.read(&mut request).is_ok_and(|length| length > 0) {
            if is_late {
                thread::sleep(Duration::from_millis(600));
            }
            let sale = if is_late { sold("").replace("[1]", "[2]") } else { sold("") };
            if stream.write_all(sale.as_bytes()).is_err() {
                return;
            }
        }
    });
    let folder = tempfile::tempdir().expect("a folder");
    let history = folder.path().join("history.ndjson");

    let load = run(&stub.url()).args(["-c", "1", "-n", "12", "-t", "300ms", "--history"]);
    let finished = load.arg(&history).run();

    let result = result(&finished);
    let outcomes = [&result["outcomes"]["unknown"], &result["outcomes"]["sold"]];
    assert_eq!(outcomes.map(number), [1, 11], "{result}");
    let operations = std::fs::read_to_string(&history).expect("a history");
    assert!(!operations.contains("\"tickets\":[2]") && !operations.contains("\"tickets\": [2]"));
    assert!(operations.contains("[1]"), "{operations}");
}

#[test]
fn server_that_stalls_is_given_up_at_the_limit() {
    let stub = after_a_request(|stream| {
        thread::sleep(Duration::from_secs(5));
        drop(stream);
    });
    assert_cause(&twelve_purchases(&stub), "unknown", "no answer within 300ms");
}

#[test]
fn answer_that_says_nothing_of_a_sale_is_unknown() {
    let stub = Stub::http(|_| ("201 Created", "{}".to_owned()));
    assert_cause(&twelve_purchases(&stub), "unknown", "no sale");
}

#[test]
fn answers_with_other_statuses_are_told_apart() {
    let stub = Stub::http(|_| ("418 I'm a teapot", String::new()));
    assert_cause(&twelve_purchases(&stub), "refused", "status 418");
    let stub = Stub::http(|_| ("500 Internal Server Error", String::new()));
    assert_cause(&twelve_purchases(&stub), "unknown", "status 500");
}

#[test]
fn connection_that_the_server_says_it_closes_is_opened_anew() {
    let stub = after_a_request(|mut stream| {
        stream.write_all(sold("Connection: close\r\n").as_bytes()).ok();
    });
    let result = twelve_purchases(&stub);
    assert_eq!(number(&result["outcomes"]["sold"]), 12, "{result}");
}

#[test]
fn connection_that_was_closed_while_it_was_idle_is_opened_anew() {
    let stub = after_a_request(|mut stream| {
        stream.write_all(sold("").as_bytes()).ok();
    });

    // Long enough between two requests that the end of the connection has been heard.
    let finished = run(&stub.url()).args(["-c", "1", "-q", "5", "-n", "4"]).run();

    let result = result(&finished);
    assert_eq!(number(&result["outcomes"]["sold"]), 4, "{result}");
}

#[test]
fn answer_in_chunks_and_in_pieces_is_read() {
    let stub = after_a_request(|mut stream| {
        let head =
            "HTTP/1.1 201 Created\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
        let (first, second) = SALE.split_at(9);
        let answer = format!("{head}9\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n", second.len());
        for piece in answer.as_bytes().chunks(7) {
            stream.write_all(piece).ok();
            stream.flush().ok();
        }
    });
    let result = twelve_purchases(&stub);
    assert_eq!(number(&result["outcomes"]["sold"]), 12, "{result}");
}

#[test]
fn server_that_dies_in_the_middle_leaves_errors_and_the_run_ends_in_time() {
    let counter = Counter::with(1_000_000);
    let server = serve(&counter);
    let load = run(server.url()).args(["-c", "10", "-z", "4s"]).start();
    let is_at_work = |line: &str| line.contains("p99").then_some(());
    assert!(load.stderr().find_line(Duration::from_secs(30), is_at_work).is_some());

    server.kill();

    let finished = load.finish(Duration::from_secs(30));
    let result = result(&finished);
    assert!(number(&result["outcomes"]["error"]) > 0, "{result}");
    assert!(result["causes"]["connection refused"].is_number(), "{result}");
    assert_eq!(result["left"], Value::Null);
    assert_ne!(result["verdict"], "violation", "{result}");
}

#[test]
fn refusals_for_a_while_are_only_counted() {
    let asked = AtomicU32::new(0);
    let stub = Stub::http(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
        0..6 => ("503 Service Unavailable", "{\"sold\": \"no\"}".to_owned()),
        number => {
            let body = format!("{{\"tickets\": [{number}], \"remaining\": 9, \"revision\": null}}");
            ("201 Created", body)
        }
    });

    // The first was the search before the start.
    let result = twelve_purchases(&stub);

    assert_eq!(number(&result["outcomes"]["refused"]), 5, "{result}");
    assert_eq!(number(&result["outcomes"]["sold"]), 7, "{result}");
}
