//! The maps of `loadgen/MAP.md`: each is of a shop that is there, and every member has its row.

use std::{
    fs,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use e2e::{Finished, Stub};
use serde_json::json;

use super::fences::{fences, text};
use crate::{programs::loadgen, run::python_shop::PythonShop};

const DOCUMENT: &str = "loadgen/MAP.md";

/// How many seats a shop has.
const SEATS: u64 = 20;

/// What a shop answers: what a search finds, a sale of the `n`-th seat from 1, and a refusal.
struct Kind {
    search: &'static str,
    buy: &'static str,
    found: fn(u64) -> String,
    sold: fn(u64) -> (&'static str, String),
    sold_out: (&'static str, &'static str),
    /// How many seats a purchase is of.
    quantity: u64,
}

/// The shops of the examples, in the order in which they stand.
const KINDS: [Kind; 6] = [
    Kind {
        search: "GET /api/events/concert",
        buy: "POST /api/orders",
        found: |left| format!(r#"{{"available": {left}}}"#),
        sold: |n| ("201 Created", format!(r#"{{"order": "o-{n}"}}"#)),
        sold_out: ("409 Conflict", r#"{"error": "sold_out"}"#),
        quantity: 1,
    },
    Kind {
        search: "GET /tickets",
        buy: "POST /tickets",
        found: |left| format!(r#"{{"left": {left}, "last": {}}}"#, SEATS - left),
        sold: |n| ("200 OK", format!(r#"{{"ticket": {{"number": {n}}}, "left": {}}}"#, SEATS - n)),
        sold_out: ("410 Gone", r#"{"left": 0}"#),
        quantity: 1,
    },
    Kind {
        search: "GET /shop",
        buy: "POST /shop/buy",
        found: |left| format!("<h1>Concert</h1><p>{left} seats left.</p>"),
        sold: |n| {
            let left = SEATS - n;
            ("200 OK", format!("<p>Your seat: <b>A-{n}</b>. {left} seats left.</p>"))
        },
        sold_out: ("200 OK", "<p>Sorry, sold out.</p>"),
        quantity: 1,
    },
    Kind {
        search: "GET /stock",
        buy: "POST /orders",
        found: |left| format!(r#"{{"remaining": {left}}}"#),
        sold: |n| ("201 Created", format!(r#"{{"seats": ["A-{}", "A-{n}"]}}"#, n - 1)),
        sold_out: ("409 Conflict", ""),
        quantity: 2,
    },
    Kind {
        search: "GET /v1/stock",
        buy: "POST /v1/purchases",
        found: |left| format!(r#"{{"remaining": {left}}}"#),
        sold: |n| ("201 Created", format!(r#"{{"seat": "A-{n}", "remaining": {}}}"#, SEATS - n)),
        sold_out: ("422 Unprocessable Content", r#"{"code": "sold_out"}"#),
        quantity: 1,
    },
    Kind {
        search: "POST /rpc/stock",
        buy: "PUT /rpc/reserve?event=concert",
        found: |left| format!(r#"{{"stock": {{"left": {left}}}}}"#),
        sold: |n| ("200 OK", format!(r#"{{"ok": true, "seat": {n}}}"#)),
        sold_out: ("200 OK", r#"{"ok": false, "reason": "sold out"}"#),
        quantity: 1,
    },
];

impl Kind {
    /// A shop of this kind; without a lock, all who come at once buy the same seat.
    fn open(&'static self, is_locked: bool) -> Stub {
        let sold = AtomicU64::new(0);
        let turn = Mutex::new(());
        Stub::http(move |request| {
            let before = sold.load(Ordering::SeqCst);
            if request.call == self.search {
                return ("200 OK", (self.found)(SEATS - before));
            }
            assert_eq!(request.call, self.buy);
            let guard = is_locked.then(|| turn.lock().expect("no other thread has panicked"));
            let before = sold.load(Ordering::SeqCst);
            thread::sleep(Duration::from_millis(2));
            if before == SEATS {
                return (self.sold_out.0, self.sold_out.1.to_owned());
            }
            let now = before + self.quantity;
            sold.store(now, Ordering::SeqCst);
            drop(guard);
            (self.sold)(now)
        })
    }
}

/// Buys with the map that this `text` is of.
#[track_caller]
fn sixty_purchases(shop: &Stub, text: &str) -> Finished {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = folder.path().join("shop.toml");
    fs::write(&map, text).expect("the folder is the test's own");
    let run = loadgen().args(["run", &shop.url(), "-c", "8", "-n", "60", "--json", "--map"]);
    let run = run.arg(&map);
    if text.contains("${key}") { run.arg("--retry").run() } else { run.run() }
}

fn examples() -> Vec<String> {
    let fences = fences(&text(DOCUMENT));
    let maps = fences.iter().filter(|fence| fence.info == "toml");
    let text = |(_, line): &(usize, String)| format!("{line}\n");
    maps.map(|fence| fence.lines.iter().map(text).collect()).collect()
}

#[test]
fn every_map_of_the_documents_finds_its_shop_right_with_a_lock_and_wrong_without() {
    let (of_several_calls, examples): (Vec<String>, Vec<String>) =
        examples().into_iter().partition(|map| map.contains("[[before]]"));
    assert_eq!((examples.len(), of_several_calls.len()), (KINDS.len(), 1));
    thread::scope(|scope| {
        for (kind, map) in KINDS.iter().zip(&examples) {
            for is_locked in [true, false] {
                scope.spawn(move || assert_is_found_out(kind, map, is_locked));
            }
        }
    });
}

#[track_caller]
fn assert_is_found_out(kind: &'static Kind, map: &str, is_locked: bool) {
    let finished = sixty_purchases(&kind.open(is_locked), map);

    let (code, verdict) = if is_locked { (0, "valid") } else { (1, "violation") };
    assert_eq!(finished.code, Some(code), "{map}{}", finished.stderr);
    let result = finished.json();
    assert_eq!(result["verdict"], verdict, "{map}{result:#}");
    if is_locked {
        assert_eq!(result["outcomes"]["sold"], SEATS / kind.quantity, "{map}{result:#}");
        assert_eq!(result["untried"], json!([]), "{map}{result:#}");
    }
}

/// The whole example of several calls buys from the shop of pages in `programs/shops`.
#[test]
fn map_of_several_calls_in_the_document_finds_its_shop_right_with_a_lock_and_wrong_without() {
    let map = examples().into_iter().find(|map| map.contains("[[before]]")).expect("it is there");
    for (is_racy, code, verdict) in [(false, 0, "valid"), (true, 1, "violation")] {
        let shop = PythonShop::open("forms", 20, is_racy);
        shop.replace_map(&map);

        let finished = shop.load().run();

        assert_eq!(finished.code, Some(code), "{map}{}", finished.stderr);
        assert_eq!(finished.json()["verdict"], verdict, "{map}{}", finished.stderr);
        assert!(!finished.stderr.contains("warning"), "{}", finished.stderr);
    }
}

/// The program itself says which members there are, where it is given one that is none.
#[test]
fn every_member_of_a_map_has_a_row() {
    let document = text(DOCUMENT);
    let mut count = 0;
    for table in
        ["", "buy", "buy.again", "buy.sold", "buy.sold_out", "buy.refused", "buy.step", "search"]
    {
        let dotted = format!("{table}.").trim_start_matches('.').to_owned();
        let shop = Stub::http(|_| ("200 OK", String::new()));
        let text = match table {
            "buy.step" => "[[buy.step]]\nnone = 1\n".to_owned(),
            _ => format!("{dotted}none = 1\n"),
        };
        let finished = sixty_purchases(&shop, &text);

        assert_eq!(finished.code, Some(2), "{finished:?}");
        let (_, expected) = finished.stderr.split_once("expected ").expect("what is known");
        let line = expected.lines().next().unwrap_or_default();
        for member in line.split('`').skip(1).step_by(2) {
            count += 1;
            assert!(document.contains(&format!("\n| `{dotted}{member}` | ")), "{dotted}{member}");
        }
    }
    assert!(count >= 60, "{count}");
}
