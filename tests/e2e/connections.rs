//! Connections: how many there may be, how long they may wait, and who is answered all the same.

use std::{
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use e2e::{Counter, Live, OutsideLock, Program, RawRequest, Server, Signal, eventually};

use crate::{
    problem::assert_problem,
    programs::{serve, serve_with, server},
    sales::{assert_conserved, tickets_of},
};

/// A server that may open no more than `files` files.
#[track_caller]
fn serve_with_files(counter: &Counter, files: u32, arguments: &[&str]) -> Server {
    let limited = Program::new("prlimit").arg(format!("--nofile={files}:{files}"));
    Server::start(limited.arg(server().path()).args(arguments), counter)
}

fn keeping_alive(server: &Server, call: &str) -> RawRequest {
    let head = format!("{call} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address());
    RawRequest::send(server.address(), head)
}

#[test]
fn silent_listeners_lock_no_buyer_out() {
    let counter = Counter::with(100);
    let server = serve_with_files(&counter, 256, &[]);

    let listeners = (0..400).map(|_| keeping_alive(&server, "GET /live")).collect::<Vec<_>>();

    let started = Instant::now();
    assert_eq!(tickets_of(&server.buy()), [1]);
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    drop(listeners);
}

/// A `HEAD` of `/live` has its whole answer at once; nobody listens on its connection then.
#[test]
fn connections_that_asked_for_the_head_of_the_news_make_room_for_buyers() {
    let counter = Counter::with(100);
    let server = serve_with_files(&counter, 256, &[]);

    let idle = (0..400).map(|_| keeping_alive(&server, "HEAD /live")).collect::<Vec<_>>();

    let started = Instant::now();
    assert_eq!(tickets_of(&server.buy()), [1]);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    drop(idle);
}

#[test]
fn clients_that_say_nothing_make_room_for_buyers() {
    let counter = Counter::with(100);
    let server = serve_with_files(&counter, 256, &[]);

    let silent = (0..150).map(|_| RawRequest::send(server.address(), "")).collect::<Vec<_>>();
    let idle = (0..150).map(|_| keeping_alive(&server, "GET /livez")).collect::<Vec<_>>();

    let started = Instant::now();
    assert_eq!(tickets_of(&server.buy()), [1]);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    drop((silent, idle));
}

#[test]
fn listener_beyond_the_limit_is_told_to_come_back_and_finds_a_place_that_became_free() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--live-max", "1"]);
    let mut first = keeping_alive(&server, "GET /live");
    first.wait_for("id: 0\n\n");

    let refused = server.get("/live");
    assert_problem(&server, &refused, 503, "overloaded");
    assert!(refused.text().contains("--live-max"), "{}", refused.text());
    assert_eq!(refused.header("Connection"), "close");

    // A listener never half-closes: one that ends its side has left.
    let _left = first.half_closed();
    eventually("a free place", || (server.status("/live") == 200).then_some(()));
}

#[test]
fn connection_beyond_the_limit_waits_for_its_turn() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--connections-max", "2", "--event-loops", "2"]);
    let listener = Live::open(&server);
    let lock = OutsideLock::take(&counter);
    let buy = RawRequest::buy(server.address());
    eventually("the second connection", || (connections_of(&server) == 2).then_some(()));

    let later = RawRequest::buy(server.address());
    drop(lock);

    assert_eq!(tickets_of(&buy.answer()), [1]);
    assert_eq!(tickets_of(&later.answer()), [2]);
    drop(listener);
}

#[test]
fn crowd_that_comes_at_once_is_let_into_the_backlog() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let address: SocketAddr = server.address().parse().expect("an address");

    // Nothing is accepted meanwhile; a connection without a place is tried again after 1 s.
    server.signal(Signal::STOP);
    let come = (0..400).map(|_| TcpStream::connect_timeout(&address, Duration::from_millis(900)));
    let crowd = come.collect::<Result<Vec<_>, _>>();
    server.signal(Signal::CONT);

    assert_eq!(crowd.expect("each has a place").len(), 400);
    assert_eq!(tickets_of(&server.buy()), [1]);
}

#[test]
fn half_closing_client_gets_its_answer() {
    let counter = Counter::with(1000);
    let server = serve_with(&counter, &["--lock-timeout", "20s"]);
    let host = format!("HTTP/1.1\r\nHost: {}\r\n", server.address());
    let json = "Content-Type: application/json\r\nContent-Length: 2\r\n";

    for (request, status) in [
        (format!("POST /buy {host}Content-Length: 0\r\n\r\n"), 201),
        (format!("POST /buy {host}Connection: close\r\n\r\n"), 201),
        (format!("POST /buy {host}{json}\r\n{{}}"), 201),
        (format!("POST /buy {host}{json}\r\n{{"), 400),
        (format!("GET /search {host}\r\n"), 200),
        (format!("GET / {host}\r\n"), 200),
        (format!("GET /nothing {host}\r\n"), 404),
    ] {
        for _ in 0..10 {
            let answer = RawRequest::send(server.address(), &request).half_closed().answer();
            assert_eq!(answer.status, status, "{request}: {answer:?}");
        }
    }
    let lock = OutsideLock::take(&counter);
    let waiting = RawRequest::buy(server.address()).half_closed();
    eventually("the buyer's end", || (half_closed_of(&server) == 1).then_some(()));
    drop(lock);
    assert_eq!(tickets_of(&waiting.answer()), [31]);
    assert_conserved(&counter, 1000, 31);
}

#[test]
fn half_closing_client_gets_its_answer_after_sigterm() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--event-loops", "1", "--lock-timeout", "20s"]);
    let lock = OutsideLock::take(&counter);
    let buy = RawRequest::buy(server.address()).half_closed();
    // With one event loop, an answer to a later request says that this one was read.
    assert_eq!(server.get("/livez").status, 200);

    server.signal(Signal::TERM);
    drop(lock);

    assert_eq!(tickets_of(&buy.answer()), [1]);
    assert_eq!(server.finish().code, Some(0));
}

#[test]
fn idle_connection_is_kept_as_long_as_is_announced_and_no_longer() {
    let counter = Counter::with(100);
    let by_default = serve(&counter);
    let server = serve_with(&counter, &["--keep-alive", "2s"]);

    for call in ["/search", "/", "/livez", "/nothing"] {
        assert_eq!(by_default.get(call).header("Keep-Alive"), "timeout=75", "{call}");
    }
    assert_eq!(by_default.buy().header("Keep-Alive"), "timeout=75");
    for last in [
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: x, Close\r\n\r\n",
        "GET /livez HTTP/1.0\r\n\r\n",
        "POST /buy HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        let answer = RawRequest::send(by_default.address(), last).answer();
        assert!(answer.status < 300 && !answer.headers.contains_key("Keep-Alive"), "{answer:?}");
    }
    let started = Instant::now();
    // Read until the server closes, which it is not asked for.
    let answer = keeping_alive(&server, "GET /livez").answer();
    assert_eq!(answer.header("Keep-Alive"), "timeout=2");
    let kept = started.elapsed();
    assert!(kept >= Duration::from_secs(2), "closed after {kept:?}");
    assert!(kept < Duration::from_secs(20), "closed after {kept:?}");
}

/// What is sent behind it would be lost.
#[test]
fn connection_that_ends_is_not_announced_to_be_kept() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--live-max", "1"]);
    let live = Live::open(&server);
    live.wait_for_count(100);
    let ask = |call: &str, rest: &str| {
        let host = server.address();
        let head = format!("{call} HTTP/1.1\r\nHost: {host}\r\n{rest}");
        RawRequest::send(server.address(), head).answer()
    };
    let json = "Content-Type: application/json\r\n";

    let listener = ask("GET /live", "\r\n");
    let long = ask("POST /buy", &format!("{json}Content-Length: 20000\r\n\r\n{{"));
    let slow = ask("POST /buy", &format!("{json}Content-Length: 20\r\n\r\n{{"));
    let unsent = ask("POST /restock", &format!("{json}Content-Length: 20\r\n\r\n"));

    for (answer, status) in [(&listener, 503), (&long, 413), (&slow, 408), (&unsent, 401)] {
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(!answer.headers.contains_key("Keep-Alive"), "{answer:?}");
    }
    for answer in [&listener, &long, &slow] {
        assert_eq!(answer.header("Connection"), "close", "{answer:?}");
    }
    // A body that was read to its end is in nobody's way.
    let refused = server.post_text("/buy", "{\"quantity\": 0}");
    assert_eq!((refused.status, refused.header("Keep-Alive")), (400, "timeout=75"));
    assert_eq!(server.get("/receipts/unknown").header("Keep-Alive"), "timeout=75");
}

#[test]
fn listener_outlives_the_keep_alive_of_idle_connections() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--keep-alive", "1s"]);
    let live = Live::open(&server);
    live.wait_for_count(100);
    let idle = keeping_alive(&server, "GET /livez");

    assert_eq!(idle.answer().status, 200, "and closed by the server");
    server.buy();

    live.wait_for_count(99);
}

#[test]
fn limits_that_cannot_be_kept_are_refused_with_a_hint() {
    let counter = Counter::with(100);
    let limited = Program::new("prlimit").args(["--nofile=256:256"]).arg(server().path());

    for (arguments, hint) in [
        (&["--connections-max", "1000"][..], "ulimit -n"),
        (&["--connections-max", "100", "--live-max", "100"], "--live-max"),
        (&["--live-max", "10000"], "--live-max"),
    ] {
        let refusal = limited.clone().args(arguments).arg("--db").arg(counter.path()).run();

        assert_eq!(refusal.code, Some(2), "{arguments:?}: {refusal:?}");
        let told = refusal.stderr.split("hint:").nth(1).unwrap_or_default();
        assert!(told.contains(hint), "{arguments:?}: {}", refusal.stderr);
    }
}

/// How many connections `server` has open.
pub(crate) fn connections_of(server: &Server) -> usize {
    states_of(server).into_iter().filter(|state| state == "01" || state == "08").count()
}

/// How many clients of `server` have ended their side: its sockets are in `CLOSE_WAIT`.
fn half_closed_of(server: &Server) -> usize {
    states_of(server).into_iter().filter(|state| state == "08").count()
}

/// The states of the sockets that `server` has accepted, as `/proc/PID/net/tcp` writes them.
fn states_of(server: &Server) -> Vec<String> {
    let address: SocketAddr = server.address().parse().expect("an address");
    let own = format!("0100007F:{:04X}", address.port());
    let sockets = std::fs::read_to_string(format!("/proc/{}/net/tcp", server.pid()));
    let sockets = sockets.expect("the server runs");
    let words = sockets.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    // Inode 0: in the backlog, or no program's any more.
    let accepted = words.filter(|words| words.get(1) == Some(&own.as_str()) && words[9] != "0");
    accepted.map(|words| words[3].to_owned()).collect()
}
