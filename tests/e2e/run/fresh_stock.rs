//! What a round begins with: counts that are told late over a reset, shops that start slowly, sales that are not
//! counted, and products that fare differently.

use std::{
    fs,
    sync::{
        Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use e2e::{Finished, Stub, StubRequest};
use serde_json::json;

use super::measured::{SEATS_MAP, number, run};

/// The seats of a correct shop.
#[derive(Default)]
struct Seats {
    left: AtomicI64,
    sold: AtomicU64,
    refills: AtomicU64,
}

impl Seats {
    /// Sells a seat, or puts twenty on sale.
    fn answer(&self, request: &StubRequest) -> (&'static str, String) {
        if request.call == "POST /refill" {
            self.refills.fetch_add(1, Ordering::SeqCst);
            self.left.store(20, Ordering::SeqCst);
            return ("204 No Content", String::new());
        }
        thread::sleep(Duration::from_millis(2));
        let take = |left: i64| (left > 0).then_some(left - 1);
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take) {
            Ok(_) => {
                let seat = self.sold.fetch_add(1, Ordering::SeqCst);
                ("201 Created", json!({"seat": format!("A-{seat}")}).to_string())
            }
            Err(_) => ("409 Conflict", String::new()),
        }
    }

    fn left(&self) -> i64 {
        self.left.load(Ordering::SeqCst)
    }
}

#[track_caller]
fn load(shop: &Stub, map: &str, arguments: &[&str]) -> Finished {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("shop.toml");
    fs::write(&path, map).expect("the folder is the test's own");
    let refill = format!("curl -sf {}/refill -d all", shop.url());
    run(&shop.url()).args(["-c", "8", "--reset", &refill, "--map"]).arg(path).args(arguments).run()
}

fn left(left: i64) -> (&'static str, String) {
    ("200 OK", json!({"left": left}).to_string())
}

/// The count is a second old at most, over a reset too: it is asked for until it is of the new stock.
#[test]
fn count_that_is_cached_over_a_reset_is_waited_for() {
    let seats = Seats::default();
    // As somebody left it behind who has looked just now.
    seats.left.store(7, Ordering::SeqCst);
    let cache = Mutex::new((Instant::now(), 7));
    let shop = Stub::http(move |request| match request.call.as_str() {
        "GET /left" => {
            let mut cache = cache.lock().expect("no other thread has panicked");
            if cache.0.elapsed() > Duration::from_secs(1) {
                *cache = (Instant::now(), seats.left());
            }
            left(cache.1)
        }
        _ => seats.answer(request),
    });

    let finished = load(&shop, SEATS_MAP, &["--until-sold-out", "--rounds", "4"]);

    assert_eq!(finished.code, Some(0), "{finished:?}");
    for round in finished.json()["rounds"].as_array().expect("a list") {
        assert_eq!((&round["verdict"], &round["initial"]), (&json!("valid"), &json!(20)));
    }
}

/// The cache outlives every patience: nobody knows what the second round began with, and nobody is accused.
#[test]
fn count_of_before_a_reset_accuses_nobody() {
    let seats = Seats::default();
    let shop = Stub::http(move |request| match request.call.as_str() {
        "GET /left" if seats.refills.load(Ordering::SeqCst) == 2 => left(3),
        "GET /left" => left(seats.left()),
        _ => seats.answer(request),
    });

    let finished = load(&shop, SEATS_MAP, &["--until-sold-out", "--rounds", "2"]);

    assert_eq!(finished.code, Some(3), "{finished:?}");
    let result = finished.json();
    assert_eq!(result["rounds"][0]["verdict"], "valid", "{result:#}");
    let second = &result["rounds"][1];
    assert_eq!((&second["verdict"], &second["violations"]), (&json!("unknown"), &json!([])));
    let doubts = second["doubts"].to_string();
    assert!(doubts.contains("or the shop told a count of before it"), "{doubts}");
}

/// The same of the first round: the count ahead of the reset outlives it, and is another.
#[test]
fn count_of_before_the_first_reset_accuses_nobody() {
    let cached_shop = |seconds| {
        let seats = Seats::default();
        seats.left.store(3, Ordering::SeqCst);
        let refilled = Mutex::new(None::<Instant>);
        Stub::http(move |request| {
            let mut refilled = refilled.lock().expect("no other thread has panicked");
            if request.call == "POST /refill" {
                *refilled = Some(Instant::now());
            }
            let is_cached = refilled.is_none_or(|at| at.elapsed() < Duration::from_secs(seconds));
            drop(refilled);
            match request.call.as_str() {
                "GET /left" => left(if is_cached { 3 } else { seats.left() }),
                _ => seats.answer(request),
            }
        })
    };

    // Behind the reset it is waited for, and behind the first sale.
    let finished = load(&cached_shop(5), SEATS_MAP, &["--until-sold-out"]);
    assert_eq!(finished.code, Some(3), "{finished:?}");
    let result = finished.json();
    assert_eq!((&result["initial"], &result["violations"]), (&json!(null), &json!([])));
    let doubts = result["doubts"].to_string();
    assert!(doubts.contains("as many as ahead of `--reset`"), "{doubts}");

    // Who says how many there are is believed.
    let known = load(&cached_shop(3), SEATS_MAP, &["--until-sold-out", "--initial", "20"]);
    assert_eq!(known.code, Some(0), "{known:?}");
}

/// The reset puts the same number on sale again, and what is sold and left agrees with it.
#[test]
fn stock_that_was_as_fresh_ahead_of_the_reset_is_judged() {
    for (map, is_judged) in
        [(SEATS_MAP.to_owned(), false), (format!("counts = \"exact\"\n{SEATS_MAP}"), true)]
    {
        let shop = |extra: i64| {
            let seats = Seats::default();
            seats.left.store(20, Ordering::SeqCst);
            let oversold = AtomicI64::new(extra);
            Stub::http(move |request| match (request.call.as_str(), seats.left()) {
                ("GET /left", now) => left(now),
                ("POST /buy", 0) if oversold.fetch_sub(1, Ordering::SeqCst) > 0 => {
                    let seat = seats.sold.fetch_add(1, Ordering::SeqCst);
                    ("201 Created", json!({"seat": format!("A-{seat}")}).to_string())
                }
                _ => seats.answer(request),
            })
        };

        let correct = load(&shop(0), &map, &["--until-sold-out"]);
        assert_eq!(correct.code, Some(0), "{correct:?}");
        // Nobody knows whether it was fresh, or that was another number.
        let wrong = load(&shop(2), &map, &["--until-sold-out"]);
        assert_eq!(wrong.code, Some(if is_judged { 1 } else { 3 }), "{wrong:?}");
        let told = load(&shop(2), &map, &["--until-sold-out", "--initial", "20"]);
        assert_eq!(told.code, Some(1), "{told:?}");
    }
}

/// A proxy is there at once, and the shop behind it a little later.
#[test]
fn shop_behind_a_proxy_that_is_up_already_is_waited_for() {
    let seats = Seats::default();
    let refilled = Mutex::new(None::<Instant>);
    let shop = Stub::http(move |request| {
        let mut refilled = refilled.lock().expect("no other thread has panicked");
        if request.call == "POST /refill" {
            *refilled = Some(Instant::now());
        }
        let is_up = refilled.is_some_and(|at| at.elapsed() > Duration::from_millis(400));
        drop(refilled);
        match request.call.as_str() {
            "GET /left" if !is_up => ("502 Bad Gateway", "<h1>Bad Gateway</h1>".to_owned()),
            "GET /left" => left(seats.left()),
            _ => seats.answer(request),
        }
    });

    let finished = load(&shop, SEATS_MAP, &["--until-sold-out", "--rounds", "2"]);

    assert_eq!(finished.code, Some(0), "{finished:?}");
}

/// What is sold in the warm-up is counted by no other figure, and was on sale.
#[test]
fn stock_that_the_warm_up_has_bought_was_fresh() {
    let seats = Seats::default();
    let shop = Stub::http(move |request| seats.answer(request));
    let blind =
        SEATS_MAP.split_once("[buy]").map(|(_, buy)| format!("[buy]{buy}")).expect("it buys");

    let arguments = ["--initial", "20", "--warmup", "1s", "-z", "300ms"];
    let finished = load(&shop, &blind, &arguments);

    assert!(!finished.stderr.contains("nothing was sold in it"), "{finished:?}");
    let result = finished.json();
    assert_eq!((number(&result["outcomes"]["sold"]), number(&result["sold_ever"])), (0, 20));
    assert_ne!(finished.code, Some(2), "{finished:?}");
}

/// One product has no fresh stock; what the other has shown is told, and is the exit code.
#[test]
fn product_without_fresh_stock_hides_no_fault_of_another() {
    let shop = Stub::http(|request| match request.call.as_str() {
        "POST /buy/oversold" => ("201 Created", json!({"seat": "A-1"}).to_string()),
        "POST /refill" => ("204 No Content", String::new()),
        _ => ("409 Conflict", String::new()),
    });
    let map = r#"
product = [{ name = "oversold", initial = 5 }, { name = "empty", initial = 5 }]
[buy]
path = "/buy/${product}"
sold = { status = [201], ticket = "/seat" }
sold_out = { status = [409] }
"#;

    let finished = load(&shop, map, &["-n", "60"]);

    assert_eq!(finished.code, Some(1), "{finished:?}");
    let result = finished.json();
    assert_eq!(result["judged_product"], "oversold", "{result:#}");
    assert!(finished.stderr.contains("nothing was sold in it"), "{finished:?}");
}
