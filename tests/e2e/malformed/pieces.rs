//! Requests that come in pieces, late, or not to their end.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
};

use e2e::{Counter, RawRequest, Server, eventually};

use crate::programs::serve;

const BODY: &str = "{\"quantity\": 2}";

#[test]
fn request_that_comes_byte_by_byte_is_answered_as_any() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let mut stream = connected(&server);

    for byte in whole(&server).as_bytes() {
        stream.write_all(&[*byte]).expect("the server listens");
    }
    let answer = rest(&mut stream);

    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert_eq!(counter.count(), 98);
}

#[test]
fn requests_that_come_at_once_are_answered_in_their_order() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let kept = whole(&server).replace("Connection: close\r\n", "");
    let mut stream = connected(&server);

    let all = [&*kept, &kept, &whole(&server)].concat();
    stream.write_all(all.as_bytes()).expect("the server listens");
    let answers = rest(&mut stream);

    let places: Vec<_> =
        ["[1,2]", "[3,4]", "[5,6]"].iter().map(|tickets| answers.find(tickets)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{answers}");
    assert_eq!(counter.count(), 94);
}

#[test]
fn request_that_is_cut_off_anywhere_sells_nothing() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let whole = whole(&server);

    for length in 0..whole.len() {
        let mut stream = connected(&server);
        stream.write_all(&whole.as_bytes()[..length]).expect("the server listens");
        if length % 2 == 0 {
            stream.shutdown(Shutdown::Write).expect("the connection is open");
            let answer = rest(&mut stream);
            assert!(!answer.starts_with("HTTP/1.1 2"), "{length}: {answer}");
        }
    }
    // The next one is behind all of them.
    assert_eq!(server.get("/livez").status, 200);
    assert_eq!(server.count(), 100);
    assert_eq!(counter.count(), 100);
}

#[test]
fn body_that_does_not_come_is_waited_for_and_then_refused() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let waiting = whole(&server).replace(BODY, "{\"quantity\"");

    let answer = RawRequest::send(server.address(), waiting).answer();

    assert_eq!(answer.status, 408, "{answer:?}");
    assert_eq!(answer.json()["type"], "/problems/request-timeout");
    assert_eq!(counter.count(), 100);
}

#[test]
fn client_that_goes_away_at_once_leaves_a_server_that_sells_on() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    for _ in 0..100 {
        drop(RawRequest::send(server.address(), whole(&server)));
    }

    // Whether they were sold to or not: all that is gone was sold.
    let found = eventually("a search that sold nothing since", || {
        let (first, second) = (server.search(), server.search());
        (first == second).then_some(second)
    });
    let number = |member: &str| found[member].as_u64().expect("a number");
    assert_eq!(number("count") + number("sold"), 100, "{found}");
}

/// A purchase of two, as it should come.
fn whole(server: &Server) -> String {
    format!(
        "POST /buy HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{BODY}",
        server.address(),
        BODY.len()
    )
}

#[track_caller]
fn connected(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).expect("the server accepts connections");
    stream.set_nodelay(true).expect("each byte can go at once");
    stream
}

/// What comes until the server closes.
#[track_caller]
fn rest(stream: &mut TcpStream) -> String {
    let mut received = Vec::new();
    // A server that closes ahead of the last byte resets the connection, maybe behind its answer.
    let _ = stream.read_to_end(&mut received);
    String::from_utf8_lossy(&received).into_owned()
}
