//! What shops do beside selling: holds and their ends, refunds, and more put on sale, all by a map.

use std::{
    fs,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use e2e::{Finished, Stub};
use serde_json::Value;

use super::{
    measured::{number, run},
    python_shop::PythonShop,
};

const SEATS: u32 = 20;

/// Some of everything, on a shop that is busy now and then.
const EVERYTHING: [&str; 10] = [
    "--mix",
    "buy=1,hold=2,search=1",
    "--refund-rate",
    "0.3",
    "--hold-seconds",
    "1s",
    "--hold-quantity",
    "2",
    "--restock",
    "300ms:5",
];

#[track_caller]
fn loaded(is_racy: bool, history: &std::path::Path) -> Finished {
    let shop = PythonShop::open("box_office", SEATS, is_racy);
    shop.load().args(EVERYTHING).args(["--retry", "--history"]).arg(history).run()
}

#[test]
fn box_office_with_holds_refunds_and_a_restock() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let history = folder.path().join("run.ndjson");

    let finished = loaded(false, &history);

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let result = finished.json();
    assert_eq!(result["verdict"], "valid", "{result:#}");
    let lines = fs::read_to_string(&history).expect("the history is there");
    let count = |op: &str, outcome: &str| {
        let operations = lines
            .lines()
            .skip(1)
            .map(|line| serde_json::from_str::<Value>(line).expect("a line of a history is JSON"));
        operations.filter(|line| line["op"] == op && line["outcome"] == outcome).count()
    };
    for (op, outcome) in [
        ("buy", "sold"),
        ("hold", "done"),
        ("confirm", "sold"),
        ("release", "done"),
        ("refund", "done"),
        ("restock", "done"),
        ("search", "found"),
    ] {
        assert!(count(op, outcome) > 0, "no {op} was {outcome}: {lines}");
    }
    // All that lapses has, and is on sale again.
    assert_eq!(number(&result["held"]), 0, "{result:#}");
}

#[test]
fn box_office_without_a_lock_is_convicted() {
    let folder = tempfile::tempdir().expect("a temporary folder");

    let finished = loaded(true, &folder.path().join("run.ndjson"));

    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert_eq!(finished.json()["verdict"], "violation", "{finished:?}");
}

/// Holds alone, too: nobody buys outright.
#[test]
fn holds_alone_are_tried_out_first() {
    let shop = PythonShop::open("box_office", SEATS, false);
    shop.change_map("take = { hold = \"/hold\" }", "take = { hold = \"/id\" }");

    let finished = shop.load().args(["--mix", "hold=1", "--hold-seconds", "1s"]).run();

    assert_eq!(finished.code, Some(2), "{finished:?}");
    for part in ["`hold` (`POST /holds`)", "`hold.take.hold`: nothing stands at `/id`"] {
        assert!(finished.stderr.contains(part), "no {part}: {finished:?}");
    }
}

#[test]
fn flags_without_a_table_in_the_map_are_refused() {
    let shop = PythonShop::open("holds", SEATS, false);
    for (flags, named) in [
        (&["--mix", "hold=1"][..], "needs `[hold]`"),
        (&["--refund-rate", "0.1"], "needs `[refund]`"),
        (&["--restock", "1s:5"], "needs `[restock]`"),
    ] {
        let finished = shop.load().args(flags).run();
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(finished.stderr.contains(named), "{finished:?}");
    }
    let shop = PythonShop::open("box_office", SEATS, false);
    for (from, to, flags, named) in [
        (
            "\"${quantity}\", seconds",
            "1, seconds",
            &["--hold-quantity", "2"][..],
            "--hold-quantity",
        ),
        ("seconds = \"${seconds}\"", "kind = \"seat\"", &[], "shop.toml`:16: `hold`: say how long"),
        ("[hold]", "[hold]\nlasts = \"1m\"", &[], "`hold.lasts`"),
        (
            "[hold]\npath = \"/holds\"",
            "[hold]\npath = \"/holds/${order}\"",
            &[],
            "`hold`: `${order}`",
        ),
        ("path = \"/orders/${order}\"", "path = \"/orders/${hold}\"", &[], "`refund`: `${hold}`"),
        ("json = { add = \"${quantity}\" }", "json = { add = 5 }", &[], "`restock`: it must send"),
    ] {
        let was = shop.map();
        shop.change_map(from, to);
        let finished = shop.load().args(["--mix", "hold=1"]).args(flags).run();
        assert_eq!(finished.code, Some(2), "{to}: {finished:?}");
        assert!(finished.stderr.contains(named), "{to}: {finished:?}");
        shop.replace_map(&was);
    }
}

/// A shop that knows keys would take the operator's first restock for the trial's purchase.
#[test]
fn restock_has_a_key_that_no_purchase_has() {
    let keys = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&keys);
    let shop = Stub::http(move |request| {
        let is_key = |field: &&String| field.to_ascii_lowercase().starts_with("idempotency-key:");
        let key = request.fields.iter().find(is_key).cloned();
        seen.lock().expect("no other thread has panicked").extend(key);
        match request.call.as_str() {
            "GET /left" => ("200 OK", r#"{"left": 1000}"#.to_owned()),
            "POST /buy" => {
                thread::sleep(Duration::from_millis(5));
                ("201 Created", String::new())
            }
            _ => ("200 OK", String::new()),
        }
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = folder.path().join("shop.toml");
    let text = r#"
[search]
path = "/left"
remaining = "/left"
[buy]
path = "/buy"
headers = { Idempotency-Key = "${key}" }
sold = { status = [201] }
sold_out = { status = [409] }
[restock]
path = "/restock"
headers = { Idempotency-Key = "${key}" }
json = { add = "${quantity}" }
"#;
    fs::write(&map, text).expect("the folder is the test's own");

    let load =
        run(&shop.url()).args(["-c", "4", "-n", "40", "--restock", "1ms:5", "--restock", "2ms:5"]);
    let finished = load.arg("--map").arg(map).run();

    assert_eq!(number(&finished.json()["restocked"]), 10, "{finished:?}");
    let mut keys = keys.lock().expect("no other thread has panicked").clone();
    assert_eq!(keys.len(), 42, "{keys:?}");
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 42, "a key came twice: {keys:?}");
}

#[test]
fn rehearsal_goes_through_all_that_a_shop_does() {
    let shop = PythonShop::open("box_office", SEATS, false);

    let rehearsed = shop.program("try").args(["--buy", "--json"]).run();

    assert_eq!(rehearsed.code, Some(0), "{rehearsed:?}");
    let told = rehearsed.json();
    let results: Vec<&str> =
        told["results"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    for part in ["bought: seat 2", "refunded", "put aside", "released", "put on sale: one more"] {
        assert!(results.contains(&part), "no {part}: {results:?}");
    }
    assert_eq!(results.last(), Some(&"left after the restock: 21"), "{results:?}");
    let calls = told["calls"].to_string();
    for part in ["hold.done", "confirm.sold.tickets", "hold.take.hold", "search.held"] {
        assert!(calls.contains(part), "no {part}: {told:#}");
    }
}
