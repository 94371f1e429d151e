//! A shop of another shape, which the example map describes: judged as our own is.

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use e2e::{Counter, Finished, Stub, StubRequest};
use serde_json::json;

use super::measured::{number, result, run};

const MAP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/e2e/run/foreign_shop.toml");

/// How the shop guards its seats.
#[derive(Clone, Copy)]
enum Guard {
    /// One buyer at a time.
    Lock,
    /// Reads, thinks, and writes what it thought.
    Nothing,
}

/// A shop with 20 seats that are called.
fn shop(guard: Guard) -> Stub {
    let available = Arc::new(AtomicU64::new(20));
    let turn = Arc::new(Mutex::new(()));
    Stub::http(move |request| match request.call.as_str() {
        "GET /api/v2/events/concert" => {
            ("200 OK", json!({"available": available.load(Ordering::SeqCst)}).to_string())
        }
        "POST /api/v2/orders" => {
            assert_is_as_mapped(request);
            let held = match guard {
                Guard::Lock => Some(turn.lock().expect("no other thread has panicked")),
                Guard::Nothing => None,
            };
            let before = available.load(Ordering::SeqCst);
            thread::sleep(Duration::from_millis(2));
            let order = if before == 0 {
                json!({"state": "rejected", "reason": "no seats"})
            } else {
                available.store(before - 1, Ordering::SeqCst);
                json!({"state": "confirmed", "seat": format!("A-{before}")})
            };
            let left = before.saturating_sub(1);
            drop(held);
            ("200 OK", json!({"order": order, "stock": {"available": left}}).to_string())
        }
        _ => ("404 Not Found", String::new()),
    })
}

fn assert_is_as_mapped(request: &StubRequest) {
    let body = serde_json::from_str::<serde_json::Value>(&request.body).expect("a JSON body");
    assert_eq!(body["event"], "concert");
    assert!(body["reference"].as_str().is_some_and(|text| text.starts_with("client ")));
    assert!(request.fields.iter().any(|field| field.starts_with("X-Request-Id: ")));
}

fn sixty_purchases(shop: &Stub) -> Finished {
    run(&shop.url()).args(["-c", "8", "-n", "60", "--map", MAP]).run()
}

#[test]
fn foreign_shop_with_a_lock_is_valid() {
    let finished = sixty_purchases(&shop(Guard::Lock));

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let result = result(&finished);
    assert_eq!(result["verdict"], "valid", "{result}");
    assert_eq!(number(&result["outcomes"]["sold"]), 20);
    assert_eq!(number(&result["outcomes"]["sold_out"]), 40);
    assert_eq!((number(&result["initial"]), number(&result["left"])), (20, 0));
}

#[test]
fn foreign_shop_that_oversells_is_a_violation() {
    let finished = sixty_purchases(&shop(Guard::Nothing));

    assert_eq!(finished.code, Some(1), "{finished:?}");
    let result = result(&finished);
    assert_eq!(result["verdict"], "violation", "{result}");
    assert!(number(&result["outcomes"]["sold"]) > 20, "{result}");
}

#[test]
fn shop_that_names_no_tickets_and_sells_fifty_of_five_raises_the_alarm() {
    let shop = Stub::http(|_| ("200 OK", String::new()));
    let folder = Counter::missing();
    let map = folder.folder().join("shop.toml");
    fs::write(&map, "[buy]\npath = '/buy'\nsold.status = [200]\nsold_out.status = [410]\n")
        .expect("the test's own folder");

    // Long enough that a line is said in the middle.
    let paced = ["-c", "2", "-q", "25", "-n", "50", "--initial", "5", "--map"];
    let finished = run(&shop.url()).args(paced).arg(&map).run();

    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert_eq!(number(&result(&finished)["sold_ever"]), 50, "{finished:?}");
    assert!(finished.stderr.contains("OVERSOLD"), "{}", finished.stderr);
}

#[test]
fn map_without_a_key_and_retries_do_not_go_together() {
    let folder = Counter::missing();
    let map = folder.folder().join("shop.toml");
    let sound = fs::read_to_string(MAP).expect("the example map");
    fs::write(&map, sound.replace("${key}", "the same for all")).expect("the test's own folder");

    let finished = run("http://127.0.0.1:9").arg("--retry").arg("--map").arg(&map).run();

    assert_eq!(finished.code, Some(2), "{finished:?}");
    for named in ["`--retry`", "--map ", "shop.toml", "`${key}`", "path, a header or the body"] {
        assert!(finished.stderr.contains(named), "no {named}: {}", finished.stderr);
    }
}

#[test]
fn map_that_makes_no_sense_is_named_with_its_line() {
    let folder = Counter::missing();
    let map = folder.folder().join("shop.toml");
    let sound = fs::read_to_string(MAP).expect("the example map");
    for (from, to, named) in [
        ("numbering = \"unique\"", "numbering = \"random\"", "random"),
        ("[buy.sold]", "[buy.sold", "expected"),
        ("remaining = \"/available\"", "", "remaining"),
        ("status = [503]", "status = [503]\nretry = true", "retry"),
        ("${client}", "${seat}", "${seat}"),
        ("method = \"POST\"", "method = \"HEAD\"", "`HEAD`"),
        ("ticket = \"/order/seat\"", "ticket = \"seat\"", "buy.sold.ticket"),
        ("ticket = \"/order/seat\"", "ticket = \"regex:(\"", "buy.sold.ticket"),
    ] {
        fs::write(&map, sound.replace(from, to)).expect("the test's own folder");

        let finished = run("http://127.0.0.1:9").arg("--map").arg(&map).run();

        assert_eq!(finished.code, Some(2), "{to}: {finished:?}");
        let said = finished.stderr;
        assert!(said.contains("shop.toml") && said.contains(named), "{to}: {said}");
    }
    let finished = run("http://127.0.0.1:9").args(["--map", "no-such.toml"]).run();
    assert_eq!(finished.code, Some(2));
    assert!(finished.stderr.contains("`no-such.toml`"), "{}", finished.stderr);
}
