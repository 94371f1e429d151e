//! What a map says of answers that are packed, late, busy or lost, and what a run makes of it.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use e2e::{Finished, Stub};
use serde_json::json;

use super::measured::{number, result, run};

#[track_caller]
fn sixty(shop: &Stub, map: &str, arguments: &[&str]) -> Finished {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("shop.toml");
    fs::write(&path, map).expect("the folder is the test's own");
    run(&shop.url()).args(["-c", "8", "-n", "60"]).args(arguments).arg("--map").arg(path).run()
}

const MAP: &str = r#"
[search]
path = "/left"
remaining = "/left"
[buy]
path = "/buy"
headers = { X-Order = "${key}" }
sold = { status = [201], ticket = "/seat" }
sold_out = { status = [409], where = { "/error" = "sold out" } }
"#;

/// `text` as Brotli has it where nothing is made smaller (RFC 7932, 9.2): one block, and an end. The length is so
/// that its three bytes of head are characters.
fn brotli(text: &str) -> String {
    let text = format!("{text:<49}");
    assert_eq!(text.len(), 49, "{text}");
    let head = (48_u32 << 4 | 1 << 20).to_le_bytes();
    let head = std::str::from_utf8(&head[..3]).expect("48 was chosen for it");
    format!("{head}{text}\u{3}")
}

#[test]
fn answers_that_are_packed_with_brotli_are_read() {
    for (field, code) in [("\r\nContent-Encoding: br", 0), ("", 2)] {
        let left = AtomicI64::new(20);
        let shop = Stub::http(move |request| {
            let (status, body) = match request.call.as_str() {
                "GET /left" => ("200 OK", json!({"left": left.load(Ordering::SeqCst)})),
                _ => match left.fetch_sub(1, Ordering::SeqCst) {
                    seat @ 1.. => ("201 Created", json!({"seat": seat})),
                    _ => {
                        left.fetch_add(1, Ordering::SeqCst);
                        ("409 Conflict", json!({"error": "sold out"}))
                    }
                },
            };
            let head: &str = Box::leak(format!("{status}{field}").into_boxed_str());
            (head, brotli(&body.to_string()))
        });

        let finished = sixty(&shop, MAP, &[]);

        assert_eq!(finished.code, Some(code), "{field}: {finished:?}");
        if code == 0 {
            let outcomes = &result(&finished)["outcomes"];
            assert_eq!((number(&outcomes["sold"]), number(&outcomes["sold_out"])), (20, 40));
        }
    }
}

/// `text` in Latin-1.
fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("a character of Latin-1")).collect()
}

/// Answers of shops that sell each seat once, as an HTTP client and a reader of JSON must take them; the tickets are
/// told as the shop told them, and so nobody is accused.
#[test]
fn what_a_sound_shop_says_is_read_as_it_says_it() {
    const PAGE: &str = r#"
[search]
path = "/left"
remaining = 'regex:Übrig: (\d+)'
[buy]
path = "/buy"
sold = { status = [201], ticket = 'regex:Karte ([^.]+)\.' }
sold_out = { status = [409] }
"#;
    let page = |seat: &str, left: i64| format!("Karte {seat}. Übrig: {left}");
    let json = |seat: &str, left: i64| format!(r#"{{"seat": {seat}, "left": {left}}}"#);
    let utf8 = |text: String| text.into_bytes();
    let big = |seat: i64| (20_000_000_000_000_000_000 + i128::from(seat)).to_string();
    let spaced = |seat: i64| {
        let name = format!("A{}", " ".repeat(usize::try_from(seat).expect("seats begin at 1")));
        json!(name).to_string()
    };
    let row = |seat: i64| {
        let row = ["Å", "Ä", "Ö"][usize::try_from(seat % 3).expect("seats begin at 1")];
        format!("{row}-{}", seat / 3)
    };
    type Shop<'a> = (&'a str, &'a str, &'a str, Box<dyn Fn(i64, i64) -> Vec<u8> + Send + Sync>);
    let shops: [Shop<'_>; 7] = [
        ("numbers beyond 64 bits", "", MAP, Box::new(move |s, left| utf8(json(&big(s), left)))),
        ("spaces in names", "", MAP, Box::new(move |s, left| utf8(json(&spaced(s), left)))),
        (
            "Latin-1",
            "\r\nContent-Type: text/html; charset=ISO-8859-1",
            PAGE,
            Box::new(move |s, left| latin1(&page(&row(s), left))),
        ),
        ("Latin-1, unsaid", "", PAGE, Box::new(move |s, left| latin1(&page(&row(s), left)))),
        (
            "byte order mark",
            "",
            MAP,
            Box::new(move |s, left| utf8(format!("\u{feff}{}", json(&s.to_string(), left)))),
        ),
        ("fold", "\r\nX-Fold: a\r\n b", MAP, Box::new(move |s, l| utf8(json(&s.to_string(), l)))),
        ("space", "\r\nX-Odd : 1", MAP, Box::new(move |s, l| utf8(json(&s.to_string(), l)))),
    ];
    for (name, fields, map, answer) in shops {
        let left = Mutex::new(30);
        let [found, sold, gone] = ["200 OK", "201 Created", "409 Conflict"]
            .map(|status| &*Box::leak(format!("{status}{fields}").into_boxed_str()));
        let shop = Stub::http(move |request| {
            let mut left = left.lock().expect("no other thread has panicked");
            match request.call.as_str() {
                "GET /left" => (found, answer(30, *left)),
                _ if *left == 0 => (gone, br#"{"error": "sold out"}"#.to_vec()),
                _ => {
                    *left -= 1;
                    (sold, answer(30 - *left, *left))
                }
            }
        });

        let finished = sixty(&shop, map, &[]);

        assert_eq!(finished.code, Some(0), "{name}: {finished:?}");
        let outcomes = &result(&finished)["outcomes"];
        let counted = (number(&outcomes["sold"]), number(&outcomes["sold_out"]));
        assert_eq!(counted, (30, 30), "{name}: {outcomes}");
    }
}

/// A count that is filled in bit by bit, as of a cache that warms up: without `settle` the shop would be accused of
/// what it did not do, where its counts are not known to be late.
#[test]
fn count_is_believed_once_it_stands_still() {
    for (settle, counts, initial, code) in
        [("settle = \"40ms\"", "exact", 20, 0), ("", "exact", 5, 1), ("", "late", 20, 0)]
    {
        let (left, asked) = (AtomicI64::new(20), AtomicI64::new(0));
        let shop = Stub::http(move |request| match request.call.as_str() {
            "GET /left" => {
                let warm = 5 * (asked.fetch_add(1, Ordering::SeqCst) + 1);
                let told = left.load(Ordering::SeqCst).min(warm);
                ("200 OK", json!({"left": told}).to_string())
            }
            _ => match left.fetch_sub(1, Ordering::SeqCst) {
                seat @ 1.. => ("201 Created", json!({"seat": format!("A{seat}")}).to_string()),
                _ => {
                    left.fetch_add(1, Ordering::SeqCst);
                    ("409 Conflict", json!({"error": "sold out"}).to_string())
                }
            },
        });
        let map = MAP.replace("remaining = \"/left\"", &format!("remaining = \"/left\"\n{settle}"));
        let map = format!("counts = \"{counts}\"\n{map}");

        let finished = sixty(&shop, &map, &[]);

        assert_eq!(finished.code, Some(code), "{settle}: {finished:?}");
        assert_eq!(number(&finished.json()["initial"]), initial, "{settle}: {finished:?}");
    }
}

/// `[buy.refused]` with `again`: a refusal that passes is sent again under `--retry`, and only there.
#[test]
fn refusal_that_passes_is_sent_again_where_the_map_says_so() {
    for (again, arguments, refused) in [
        ("again = true", &["--retry"][..], false),
        ("again = false", &["--retry"], true),
        ("again = true", &[], true),
    ] {
        let (left, asked) = (AtomicI64::new(20), AtomicU64::new(0));
        let shop = Stub::http(move |request| match request.call.as_str() {
            "GET /left" => ("200 OK", json!({"left": left.load(Ordering::SeqCst)}).to_string()),
            _ if asked.fetch_add(1, Ordering::SeqCst) % 4 == 1 => {
                ("409 Conflict", json!({"error": "busy"}).to_string())
            }
            _ => match left.fetch_sub(1, Ordering::SeqCst) {
                seat @ 1.. => ("201 Created", json!({"seat": format!("A{seat}")}).to_string()),
                _ => {
                    left.fetch_add(1, Ordering::SeqCst);
                    ("409 Conflict", json!({"error": "sold out"}).to_string())
                }
            },
        });
        let busy = format!(
            "{MAP}refused = {{ status = [409], where = {{ \"/error\" = \"busy\" }}, {again} }}\n"
        );

        let finished = sixty(&shop, &busy, arguments);

        assert_eq!(finished.code, Some(0), "{again}: {finished:?}");
        let outcomes = result(&finished)["outcomes"].clone();
        assert_eq!(number(&outcomes["refused"]) > 0, refused, "{again}: {outcomes}");
        assert_eq!(number(&outcomes["sold"]), 20, "{again}: {outcomes}");
    }
}

/// Purchases of two calls whose answers get lost: what is sent again is one purchase, under its key, and its steps
/// are made anew.
#[test]
fn flow_is_sent_again_under_its_key_and_sells_once() {
    const FLOW: &str = r#"
[search]
path = "/left"
remaining = "/left"
[[buy.step]]
method = "POST"
path = "/cart"
take = { cart = "/id" }
[buy]
path = "/buy/${cart}"
headers = { X-Order = "${key}" }
sold = { status = [201], ticket = "/seat" }
sold_out = { status = [409] }
"#;
    let shop_of = |remembers: bool| {
        let left = AtomicI64::new(20);
        let (carts, answered) = (AtomicU64::new(0), AtomicU64::new(0));
        let sales = Mutex::new(BTreeMap::<String, i64>::new());
        let sold = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&sold);
        let stub = Stub::http(move |request| match request.call.as_str() {
            "GET /left" => ("200 OK", json!({"left": left.load(Ordering::SeqCst)}).to_string()),
            "POST /cart" => match carts.fetch_add(1, Ordering::SeqCst) {
                // Nothing was sold by then: refused, and sent again.
                cart if cart % 5 == 2 => ("503 Service Unavailable", String::new()),
                cart => ("201 Created", json!({"id": cart}).to_string()),
            },
            _ => {
                let key = request.fields.iter().find_map(|field| field.strip_prefix("X-Order: "));
                let key = key.expect("each purchase has its key").to_owned();
                let mut sales = sales.lock().expect("no other thread has panicked");
                let known = sales.get(&key).copied().filter(|_| remembers);
                let seat = known.or_else(|| {
                    let seat = left.load(Ordering::SeqCst);
                    (seat > 0).then(|| {
                        left.store(seat - 1, Ordering::SeqCst);
                        counted.fetch_add(1, Ordering::SeqCst);
                        sales.insert(key, seat);
                        seat
                    })
                });
                match seat {
                    None => ("409 Conflict", String::new()),
                    // Sold, and the answer is lost.
                    Some(_) if answered.fetch_add(1, Ordering::SeqCst) % 3 == 1 => {
                        ("504 Gateway Timeout", String::new())
                    }
                    Some(seat) => ("201 Created", json!({"seat": format!("A{seat}")}).to_string()),
                }
            }
        });
        (stub, sold)
    };

    let (shop, sold) = shop_of(true);
    let finished = sixty(&shop, FLOW, &["--retry"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let outcomes = result(&finished)["outcomes"].clone();
    assert_eq!((number(&outcomes["sold"]), sold.load(Ordering::SeqCst)), (20, 20), "{outcomes}");
    assert_eq!((number(&outcomes["unknown"]), number(&outcomes["refused"])), (0, 0), "{outcomes}");

    // One that remembers no key sells some twice: seats that nobody has.
    let (shop, _) = shop_of(false);
    let finished = sixty(&shop, FLOW, &["--retry"]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
}
