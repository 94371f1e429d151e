//! `--retry`: one purchase, one key, one line, however often it is sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use e2e::{Counter, Stub};

use super::measured::{SEATS_MAP, number, result, run};
use crate::programs::serve;

fn key(fields: &[String]) -> Option<String> {
    let field = fields.iter().find_map(|field| field.strip_prefix("Idempotency-Key: "));
    field.map(str::to_owned)
}

#[test]
fn nothing_is_sent_again_once_the_time_is_over() {
    let seen = Arc::new(Mutex::new(0));
    let times = Arc::clone(&seen);
    let stub = Stub::http(move |request| {
        if request.call == "GET /search" {
            return ("200 OK", "{\"count\": 100, \"sold\": 0, \"revision\": null}".to_owned());
        }
        *times.lock().expect("no other thread has panicked") += 1;
        std::thread::sleep(Duration::from_secs(60));
        unreachable!("nobody waits as long")
    });

    let finished =
        run(&stub.url()).args(["-c", "1", "-z", "500ms", "-t", "300ms", "--retry"]).run();

    assert_eq!(number(&result(&finished)["outcomes"]["unknown"]), 1, "{finished:?}");
    // It would go on up to ten times.
    assert!(*seen.lock().expect("no other thread has panicked") <= 3, "{finished:?}");
}

#[test]
fn first_purchase_is_sent_again_no_longer_than_the_run_goes_on() {
    let stub = Stub::http(|request| match request.call.as_str() {
        "GET /left" => ("200 OK", r#"{"left": 30}"#.to_owned()),
        _ => ("503 Service Unavailable\r\nRetry-After: 5", "busy".to_owned()),
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = folder.path().join("shop.toml");
    let keyed = SEATS_MAP.replace("[buy]\n", "[buy]\nheaders = { Idempotency-Key = \"${key}\" }\n");
    fs::write(&map, keyed).expect("the folder is the test's own");
    let begun = Instant::now();

    let finished =
        run(&stub.url()).args(["-c", "2", "-z", "1s", "--retry", "--map"]).arg(&map).run();

    // Nine times 5 s it would wait for the first alone.
    assert!(begun.elapsed() < Duration::from_secs(15), "{finished:?}");
    let causes = result(&finished)["causes"].clone();
    assert_eq!(causes.as_object().map(serde_json::Map::len), Some(1), "{causes}");
}

#[test]
fn operation_is_sent_again_under_its_key_until_it_has_its_answer() {
    let seen = Arc::new(Mutex::new(BTreeMap::<String, u32>::new()));
    let by_key = Arc::clone(&seen);
    let stub = Stub::http(move |request| {
        let Some(key) = key(&request.fields) else {
            return ("200 OK", "{\"count\": 100, \"sold\": 0, \"revision\": null}".to_owned());
        };
        let mut seen = by_key.lock().expect("no other thread has panicked");
        let number = seen.len() + 1;
        let times = seen.entry(key).or_default();
        *times += 1;
        match *times {
            1 => ("503 Service Unavailable", "{\"sold\": \"unknown\"}".to_owned()),
            2 => ("503 Service Unavailable", "{\"sold\": \"no\"}".to_owned()),
            _ => {
                let body =
                    format!("{{\"tickets\": [{number}], \"remaining\": 9, \"revision\": null}}");
                ("201 Created", body)
            }
        }
    });
    let folder = Counter::missing();
    let history = folder.folder().join("run.ndjson");

    let finished =
        run(&stub.url()).args(["-c", "1", "-n", "4", "--retry", "--history"]).arg(&history).run();

    assert_eq!(number(&result(&finished)["outcomes"]["sold"]), 4, "{finished:?}");
    let seen = seen.lock().expect("no other thread has panicked");
    assert_eq!(seen.values().copied().collect::<Vec<_>>(), [3, 3, 3, 3]);
    let lines = fs::read_to_string(&history).expect("the history is there");
    let recorded = lines
        .lines()
        .skip(1)
        .map(|line| {
            let line = serde_json::from_str::<serde_json::Value>(line).expect("a line is JSON");
            line["key"].as_str().expect("a purchase has its key").to_owned()
        })
        .collect::<BTreeSet<_>>();
    assert_eq!(recorded.into_iter().collect::<Vec<_>>(), seen.keys().cloned().collect::<Vec<_>>());
}

/// Asked for a second's patience twice, in a number and in a date: both are kept.
#[test]
fn shop_that_asks_to_wait_is_asked_again_no_sooner() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let times = Arc::clone(&asked);
    let stub = Stub::http(move |request| {
        if request.call == "GET /search" {
            return ("200 OK", "{\"count\": 100, \"sold\": 0, \"revision\": null}".to_owned());
        }
        let mut asked = times.lock().expect("no other thread has panicked");
        asked.push(Instant::now());
        match asked.len() {
            1 => ("429 Too Many Requests\r\nRetry-After: 1", "{}".to_owned()),
            2 => ("503 Service Unavailable\r\nretry-after: 1", "{\"sold\": \"no\"}".to_owned()),
            _ => {
                let body = "{\"tickets\": [1], \"remaining\": 99, \"revision\": null}";
                ("201 Created", body.to_owned())
            }
        }
    });

    let finished = run(&stub.url()).args(["-c", "1", "-n", "1", "--retry"]).run();

    assert_eq!(number(&result(&finished)["outcomes"]["sold"]), 1, "{finished:?}");
    let asked = asked.lock().expect("no other thread has panicked");
    for pair in asked.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_secs(1), "{asked:?}");
    }
}

/// A shop that is away for an hour is not waited for, nor beyond the end of the run.
#[test]
fn shop_that_asks_to_wait_for_long_is_not_asked_again() {
    let asked = Arc::new(Mutex::new(0));
    let times = Arc::clone(&asked);
    let stub = Stub::http(move |request| {
        if request.call == "GET /search" {
            return ("200 OK", "{\"count\": 100, \"sold\": 0, \"revision\": null}".to_owned());
        }
        let mut asked = times.lock().expect("no other thread has panicked");
        *asked += 1;
        let wait = if *asked == 1 { "3600" } else { "30" };
        let head = format!("429 Too Many Requests\r\nRetry-After: {wait}");
        (Box::leak(head.into_boxed_str()), "{}".to_owned())
    });

    let finished = run(&stub.url()).args(["-c", "1", "-n", "1", "--retry"]).run();
    assert_eq!(number(&result(&finished)["outcomes"]["refused"]), 1, "{finished:?}");
    let finished = run(&stub.url()).args(["-c", "1", "-z", "10s", "-n", "1", "--retry"]).run();
    assert_eq!(number(&result(&finished)["outcomes"]["refused"]), 1, "{finished:?}");
    assert_eq!(*asked.lock().expect("no other thread has panicked"), 2, "{finished:?}");
}

#[test]
fn purchases_that_carry_keys_sell_as_others_do() {
    let counter = Counter::with(30);
    let server = serve(&counter);

    let finished = run(server.url()).args(["-c", "5", "-n", "50", "--retry"]).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(number(&result(&finished)["outcomes"]["sold"]), 30);
}
