//! SIGTERM and SIGINT: what was begun is finished, then the server ends.

use std::time::{Duration, Instant};

use e2e::{Counter, Live, OutsideLock, RawRequest, Signal, eventually};

use crate::{
    programs::{serve, serve_with, server},
    sales::{assert_conserved, tickets_of},
};

#[test]
fn idle_server_ends_with_exit_code_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let counter = Counter::with(100);
        let server = serve(&counter);
        server.buy();

        server.signal(signal);

        let finished = server.finish();
        assert_eq!(finished.code, Some(0), "{signal:?}: {finished:?}");
        assert_eq!(counter.count(), 99);
    }
}

/// F45: what has begun is finished after SIGTERM.
#[test]
fn buy_that_waits_for_the_lock_gets_its_answer_after_sigterm() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--event-loops", "1", "--lock-timeout", "20s"]);
    let lock = OutsideLock::take(&counter);

    let buy = RawRequest::buy(server.address());
    // With one event loop, an answer to a later request says that this one was read.
    assert_eq!(server.get("/livez").status, 200);
    server.signal(Signal::TERM);
    drop(lock);

    let answer = buy.answer();
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(tickets_of(&answer), [1]);
    assert_eq!(server.finish().code, Some(0));
    assert_conserved(&counter, 100, 1);
}

#[test]
fn slow_buy_of_the_lesson_is_finished_after_sigterm() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--locking", "file", "--write-delay", "300ms"]);

    let buy = RawRequest::buy(server.address());
    eventually("the lock to be held", || OutsideLock::is_held(&counter).then_some(()));
    server.signal(Signal::TERM);

    assert_eq!(buy.answer().status, 201);
    assert_eq!(server.finish().code, Some(0));
    assert_conserved(&counter, 100, 1);
}

#[test]
fn open_event_stream_does_not_hold_the_end_up() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let live = Live::open(&server);
    live.wait_for_count(100);

    let finished = server.terminate();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    while live.next().is_some() {}
}

#[test]
fn half_a_request_does_not_hold_the_end_up() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let _silent = RawRequest::send(server.address(), "");
    let _half = RawRequest::send(server.address(), "POST /buy HTTP/1.1\r\nHost: local");

    let finished = server.terminate();

    assert_eq!(finished.code, Some(0), "{finished:?}");
}

#[test]
fn restart_after_sigterm_goes_on_where_it_ended() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    server.buy();
    server.terminate();

    let restarted = serve(&counter);

    assert_eq!(restarted.count(), 99);
    assert_eq!(tickets_of(&restarted.buy()), [2]);
}

/// F45: a second signal ends the wait, and whoever still waits was not sold anything.
#[test]
fn second_signal_ends_the_wait_for_a_lock_and_sells_nothing() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--event-loops", "1", "--lock-timeout", "20s"]);
    let lock = OutsideLock::take(&counter);
    let buy = RawRequest::buy(server.address());
    // With one event loop, an answer to a later request says that this one was read.
    assert_eq!(server.get("/livez").status, 200);

    server.signal(Signal::TERM);
    server.signal(Signal::TERM);
    let finished = server.finish();
    drop(lock);

    assert!(finished.code.is_some(), "{finished:?}");
    drop(buy);
    let restarted = serve(&counter);
    assert_eq!(tickets_of(&restarted.buy()), [1]);
    assert_conserved(&counter, 100, 1);
}

/// The seller's sleep on an event loop's thread is an hour; nothing waits for it.
#[test]
fn second_signal_ends_a_slow_sale_of_the_lesson_at_once() {
    for locking in ["none", "file", "mutex"] {
        let counter = Counter::with(100);
        let slow = ["--event-loops", "1", "--locking", locking, "--write-delay", "1h"];
        let server = serve_with(&counter, &slow);
        let buys = [RawRequest::buy(server.address()), RawRequest::buy(server.address())];
        assert_eq!(server.get("/livez").status, 200);

        server.signal(Signal::INT);
        eventually("the draining", || server.stderr().contains("draining").then_some(()));
        let told = Instant::now();
        server.signal(Signal::INT);
        let finished = server.finish();

        assert_eq!(finished.code, Some(130), "{finished:?}");
        assert!(told.elapsed() < Duration::from_secs(2), "{locking}: {:?}", told.elapsed());
        drop(buys);
    }
}

#[test]
fn signal_ends_a_server_that_waits_for_the_lock_at_its_start() {
    let counter = Counter::with(100);
    let _lock = OutsideLock::take(&counter);
    for signal in [Signal::TERM, Signal::INT] {
        let waiting = server().args(["--lock-timeout", "1h", "--listen", "127.0.0.1:0", "--db"]);
        let process = waiting.arg(counter.path()).start();
        // What it has open it is about to lock.
        let own = counter.path();
        eventually("the server to open the counter", || {
            let open = std::fs::read_dir(format!("/proc/{}/fd", process.pid())).ok()?;
            open.flatten().find(|fd| std::fs::read_link(fd.path()).is_ok_and(|path| path == own))
        });

        process.signal(signal);

        assert_eq!(process.finish(Duration::from_secs(5)).code, Some(0), "{signal:?}");
    }
}
