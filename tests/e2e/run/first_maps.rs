//! What a first map of a shop gets wrong is told with the map's line, and with what to write instead.

use std::{
    fs,
    io::{BufReader, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    thread,
};

use e2e::{Finished, Stub, StubRequest, read_request};
use serde_json::json;

use super::measured::{SEATS_MAP, number, result, run};

#[track_caller]
fn with_map(url: &str, map: &str, arguments: &[&str]) -> Finished {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("shop.toml");
    fs::write(&path, map).expect("the folder is the test's own");
    let crowd: &[&str] = if arguments.contains(&"-c") { &[] } else { &["-c", "8", "-n", "60"] };
    run(url).args(crowd).args(arguments).arg("--map").arg(path).run()
}

/// A shop that tells 30 left and answers a purchase so, and how often it was asked to sell.
fn shop(
    buy: impl Fn(&StubRequest, u64) -> (&'static str, String) + Send + Sync + 'static,
) -> (Stub, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    let stub = Stub::http(move |request| match request.call.as_str() {
        "GET /left" => ("200 OK", r#"{"left": 30}"#.to_owned()),
        _ => buy(request, count.fetch_add(1, Ordering::SeqCst)),
    });
    (stub, asked)
}

#[track_caller]
fn assert_says(finished: &Finished, said: &[&str]) {
    assert_eq!(finished.code, Some(2), "{finished:?}");
    for said in said {
        assert!(finished.stderr.contains(said), "no {said}: {}", finished.stderr);
    }
}

#[test]
fn sale_whose_ticket_is_not_found_ends_the_run_with_what_to_write() {
    for (ticket, quantity, answer, said) in [
        (
            "ticket = \"/seat\"",
            1,
            r#"{"seat": {"row": 0, "seat": 0}}"#,
            ["an object stands at `/seat`", "`ticket = \"/seat/seat\"`"],
        ),
        (
            "tickets = \"/seats\"",
            1,
            r#"{"seats": [{"row": 0, "id": 7}]}"#,
            ["a list of objects stands at `/seats`", "`tickets = \"/seats/*/id\"`"],
        ),
        (
            "ticket = \"/seat\"",
            1,
            r#"{"place": 7}"#,
            ["nothing stands at `/seat`", "`ticket` of `[buy.sold]`"],
        ),
        (
            "ticket = \"/seat\"",
            2,
            r#"{"seat": 7}"#,
            ["1 ticket for 2", "`quantity = 1` in `[buy]`"],
        ),
    ] {
        let map = SEATS_MAP
            .replace("ticket = \"/seat\"", ticket)
            .replace("[buy]\n", &format!("[buy]\nquantity = {quantity}\n"));
        let (shop, asked) = shop(move |_, _| ("201 Created", answer.to_owned()));

        let finished = with_map(&shop.url(), &map, &[]);

        assert_says(&finished, &["shop.toml`:7: `buy` (`POST /buy`)", answer, said[0], said[1]]);
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{finished:?}");
    }
}

#[test]
fn first_search_that_fails_names_the_call_and_what_to_write() {
    const FOUND: &str = r#"{"left": 30, "stock": {"free": 3}}"#;
    for (status, answer, remaining, said) in [
        ("301 Moved Permanently\r\nLocation: /v2/left", "", "/left", "`path = \"/v2/left\"`"),
        ("401 Unauthorized", "", "/left", "`headers = { Authorization ="),
        ("204 No Content", "", "/left", "`status = [204]`"),
        ("200 OK", FOUND, "/nope", "nothing stands at `/nope`"),
        ("200 OK", FOUND, "/stock", "`remaining = \"/stock/free\"`"),
        ("200 OK", FOUND, "/total-/sold", "`remaining = \"/total - /sold\"`"),
        ("200 OK", "<h1>Hall</h1>", "/left", "`/left` is a place in JSON"),
    ] {
        let stub = Stub::http(move |_| (status, answer.to_owned()));
        let map =
            SEATS_MAP.replace("remaining = \"/left\"", &format!("remaining = \"{remaining}\""));

        let finished = with_map(&stub.url(), &map, &[]);

        assert_says(
            &finished,
            &["shop.toml`:2: `search` (`GET /left`): ", said, "`--initial 100`"],
        );
    }
    let silent = Stub::start(|_| {});
    let finished = with_map(&silent.url(), SEATS_MAP, &[]);
    assert_says(&finished, &["shop.toml`:2: `search` (`GET /left`): connection", "the shop's log"]);
}

#[test]
fn purchase_that_is_led_elsewhere_says_where() {
    let (shop, _) = shop(|_, _| ("302 Found\r\nLocation: /login", String::new()));

    let finished = with_map(&shop.url(), SEATS_MAP, &[]);

    assert_says(&finished, &["status 302, which leads to `/login`", "`[buy.sold]`"]);
}

#[test]
fn id_where_an_order_is_to_be_asked_for_is_told_with_what_was_asked() {
    let map = SEATS_MAP.replace("[buy]\n", "[buy]\nagain = { status = [202], at = \"/order\" }\n");
    let (shop, _) = shop(|request, _| match request.call.as_str() {
        "POST /buy" => ("202 Accepted", r#"{"order": "17"}"#.to_owned()),
        _ => ("404 Not Found", "nothing here".to_owned()),
    });

    let finished = with_map(&shop.url(), &map, &[]);

    assert_says(
        &finished,
        &["asked on at `/17`: status 404", "nothing here", "path = \"/orders/${id}\""],
    );
}

/// With a waiting room ahead of each purchase.
#[test]
fn first_purchase_is_sent_again_as_the_others_are() {
    let map = SEATS_MAP.replace("[buy]\n", "[buy]\nheaders = { X-Order = \"${key}\" }\n");
    let left = AtomicI64::new(30);
    let waiting = std::sync::Mutex::new(std::collections::BTreeSet::new());
    let stub = Stub::http(move |request| {
        if request.call == "GET /left" {
            return ("200 OK", json!({"left": left.load(Ordering::SeqCst)}).to_string());
        }
        let key = request.fields.iter().find(|field| field.starts_with("X-Order: "));
        let key = key.expect("each purchase has its key").clone();
        if waiting.lock().expect("no other thread has panicked").insert(key) {
            return ("503 Service Unavailable\r\nRetry-After: 0", "in line".to_owned());
        }
        match left.fetch_sub(1, Ordering::SeqCst) {
            seat @ 1.. => ("201 Created", json!({"seat": seat}).to_string()),
            _ => {
                left.fetch_add(1, Ordering::SeqCst);
                ("409 Conflict", String::new())
            }
        }
    });

    let finished = with_map(&stub.url(), &map, &["--retry"]);

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let outcomes = result(&finished)["outcomes"].clone();
    assert_eq!((number(&outcomes["sold"]), number(&outcomes["unknown"])), (30, 0), "{outcomes}");
}

/// The shop has closed the connection meanwhile: whoever only looks asks again.
#[test]
fn page_ahead_of_a_purchase_is_asked_for_again_where_the_connection_broke() {
    let map = format!("{SEATS_MAP}[[buy.step]]\npath = \"/page\"\n");
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let url = format!("http://{}", listener.local_addr().expect("a listener has an address"));
    let pages = Arc::new(AtomicU64::new(0));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.expect("somebody connects");
            let pages = Arc::clone(&pages);
            thread::spawn(move || {
                let mut out = stream.try_clone().expect("a stream can be written while it is read");
                let mut input = BufReader::new(stream);
                while let Some(request) = read_request(&mut input) {
                    let (status, body) = match request.call.as_str() {
                        "GET /left" => ("200 OK", r#"{"left": 30}"#),
                        "GET /page" if pages.fetch_add(1, Ordering::SeqCst) == 0 => return,
                        "GET /page" => ("200 OK", "a hall"),
                        _ => ("201 Created", r#"{"seat": 7}"#),
                    };
                    let length = body.len();
                    write!(out, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}").ok();
                }
            });
        }
    });

    let finished = with_map(&url, &map, &["-c", "1", "-n", "1"]);

    assert_eq!(number(&result(&finished)["outcomes"]["sold"]), 1, "{finished:?}");
}
