//! `GET /search`: what is left.

use e2e::{Answer, Method};
use serde_json::json;

use crate::{counter::Counter, programs::serve};

#[test]
fn search_tells_the_count_and_all_that_belongs_to_it() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    let answer = server.get("/search");

    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("Content-Type"), "application/json");
    assert_eq!(
        answer.json(),
        json!({"count": 100, "sold": 0, "held": 0, "revision": 0, "locking": "group"})
    );
}

#[test]
fn search_follows_the_sales() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    for _ in 0..3 {
        assert_eq!(server.buy().status, 201);
    }

    assert_eq!(
        server.search(),
        json!({"count": 97, "sold": 3, "held": 0, "revision": 3, "locking": "group"})
    );
}

#[test]
fn search_with_the_etag_of_the_last_answer_is_not_modified_until_a_sale() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let search_after = |etag: &str| {
        Answer::to(server.request(Method::GET, "/search").header("If-None-Match", etag))
    };

    let first = server.get("/search");
    let etag = first.header("ETag").to_owned();
    let unchanged = search_after(&etag);
    server.buy();
    let changed = search_after(&etag);

    assert_eq!(etag, "\"0\"", "the revision, as RFC 9110 quotes it");
    assert_eq!((unchanged.status, unchanged.text().as_str()), (304, ""));
    assert_eq!(unchanged.header("ETag"), etag);
    assert_eq!(changed.status, 200);
    assert_eq!(changed.header("ETag"), "\"1\"");
    assert_eq!(changed.json()["count"], 99);
}

#[test]
fn search_understands_every_form_of_if_none_match() {
    let counter = Counter::with(1);
    let server = serve(&counter);

    for (value, status) in [
        ("\"0\"", 304),
        ("W/\"0\"", 304),
        ("\"7\", \"0\"", 304),
        ("*", 304),
        ("\"7\"", 200),
        ("nonsense", 200),
    ] {
        let request = server.request(Method::GET, "/search").header("If-None-Match", value);

        assert_eq!(Answer::to(request).status, status, "{value}");
    }
}

#[test]
fn head_gets_the_header_fields_without_a_body() {
    let counter = Counter::with(7);
    let server = serve(&counter);

    let answer = Answer::to(server.request(Method::HEAD, "/search"));

    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
    assert_eq!(answer.header("ETag"), "\"0\"");
}

#[test]
fn health_answers_while_the_server_can_sell() {
    let counter = Counter::with(1);
    let server = serve(&counter);

    assert_eq!(server.get("/livez").status, 200);
    assert_eq!(server.get("/readyz").status, 200);
}
