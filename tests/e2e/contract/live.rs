//! `GET /live`: the count as it changes.

use std::time::Instant;

use e2e::{Live, Method, crowd};

use crate::{counter::Counter, programs::serve};

#[test]
fn listener_gets_the_count_at_once() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    server.buy();

    let live = Live::open(&server);
    let event = live.next().expect("an event");

    assert!(live.content_type().starts_with("text/event-stream"), "{}", live.content_type());
    assert_eq!((event.event.as_str(), event.id.as_str()), ("count", "1"));
    assert_eq!(event.data, server.search());
}

/// A proxy that buffers would keep the news until it has some kilobytes of them.
#[test]
fn proxy_is_told_not_to_hold_the_news_back() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    let stream = server.request(Method::GET, "/live").send().expect("the stream opens");

    let told = stream.headers().get("X-Accel-Buffering").and_then(|value| value.to_str().ok());
    assert_eq!(told, Some("no"), "{stream:?}");
}

#[test]
fn listener_sees_a_sale() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let live = Live::open(&server);
    live.wait_for_count(100);

    server.buy();

    let event = live.wait_for_count(99);
    assert_eq!((event.event.as_str(), event.id.as_str()), ("count", "1"));
    assert_eq!(event.data, server.search());
}

#[test]
fn listener_sees_what_another_server_sold() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let other = serve(&counter);
    let live = Live::open(&server);
    live.wait_for_count(100);

    other.buy();

    assert_eq!(live.wait_for_count(99).id, "1");
}

#[test]
fn every_listener_sees_the_last_count() {
    let counter = Counter::with(200);
    let server = serve(&counter);
    let listeners = (0..10).map(|_| Live::open(&server)).collect::<Vec<_>>();

    crowd(4, |_| (0..50).for_each(|_| drop(server.buy())));

    for live in &listeners {
        assert_eq!(live.wait_for_count(0).id, "200");
    }
}

#[test]
fn counts_only_go_down_while_tickets_are_sold() {
    let counter = Counter::with(300);
    let server = serve(&counter);
    let live = Live::open(&server);

    crowd(4, |_| (0..75).for_each(|_| drop(server.buy())));

    let mut last = 300;
    while last > 0 {
        let event = live.next().expect("the stream goes on");
        let count = event.data["count"].as_u64().expect("a count");
        assert!(count <= last, "{count} after {last}");
        last = count;
    }
}

#[test]
fn listener_gets_at_most_20_events_a_second() {
    let counter = Counter::with(1_000_000);
    let server = serve(&counter);
    let opened = Instant::now();
    let live = Live::open(&server);

    crowd(4, |_| (0..300).for_each(|_| drop(server.buy())));
    live.wait_for_count(1_000_000 - 1200);

    // All came between the opening and now, so this bounds the rate, however slow the machine is.
    let events_max = 2 + opened.elapsed().as_millis() / 50;
    let seen = live.seen();
    assert!(seen as u128 <= events_max, "{seen} events where {events_max} may come");
}

#[test]
fn listener_that_comes_back_gets_the_count_at_once() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    server.buy();

    for last_event_id in ["1", "0", "99", "nonsense", ""] {
        let live = Live::open_after(&server, Some(last_event_id));

        assert_eq!(live.next().expect("an event").data["count"], 99, "{last_event_id}");
    }
}
