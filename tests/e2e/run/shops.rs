//! Small shops of other people's making, each with the right verdict: correct ones are never accused,
//! wrong ones never let off.

use std::{
    fs,
    io::{BufReader, Write as _},
    sync::{
        Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use e2e::{Finished, Stub, read_request};
use serde_json::{Value, json};

use super::measured::{SEATS_MAP, number, result, run};

/// How a shop calls the seat that it sells as the `n`-th from 0.
type Seat = fn(u64) -> Value;

/// A shop with 30 seats that keeps a lock: so it is right, unless it says otherwise.
struct Shop {
    seat: Seat,
    /// How many were sold before.
    sold_before: i64,
    /// How many more than there are it sells.
    oversells: i64,
    /// Whether it reads what is left only after others could have bought.
    is_late: bool,
}

const PLAIN: Shop = Shop { seat: |n| json!(n + 1), sold_before: 0, oversells: 0, is_late: false };

impl Shop {
    fn open(self) -> Stub {
        let left = AtomicI64::new(30 - self.sold_before);
        let sold = AtomicU64::new(0);
        let turn = Mutex::new(());
        Stub::http(move |request| match request.call.as_str() {
            "GET /left" => ("200 OK", json!({"left": left.load(Ordering::SeqCst)}).to_string()),
            "POST /buy" => {
                let guard = turn.lock().expect("no other thread has panicked");
                thread::sleep(Duration::from_millis(1));
                if left.load(Ordering::SeqCst) <= -self.oversells {
                    return ("409 Conflict", json!({"error": "sold out"}).to_string());
                }
                let mut after = left.fetch_sub(1, Ordering::SeqCst) - 1;
                let seat = (self.seat)(sold.fetch_add(1, Ordering::SeqCst));
                drop(guard);
                if self.is_late {
                    thread::sleep(Duration::from_millis(30));
                    after = left.load(Ordering::SeqCst);
                }
                ("201 Created", json!({"seat": seat, "left": after}).to_string())
            }
            _ => ("404 Not Found", String::new()),
        })
    }
}

fn sixty_purchases(shop: &Stub, numbering: &str) -> Finished {
    sixty_purchases_with(shop, numbering, &[])
}

fn sixty_purchases_with(shop: &Stub, numbering: &str, arguments: &[&str]) -> Finished {
    let map = format!(
        r#"
numbering = "{numbering}"
[buy]
path = "/buy"
[buy.sold]
status = [201]
ticket = "/seat"
remaining = "/left"
[buy.sold_out]
status = [409]
[search]
path = "/left"
remaining = "/left"
"#
    );
    with_map(shop, &map, arguments)
}

#[track_caller]
fn with_map(shop: &Stub, text: &str, arguments: &[&str]) -> Finished {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = folder.path().join("shop.toml");
    fs::write(&map, text).expect("the folder is the test's own");
    run(&shop.url()).args(["-c", "8", "-n", "60", "--map"]).arg(&map).args(arguments).run()
}

#[track_caller]
fn assert_verdict(finished: &Finished, verdict: &str) -> Value {
    let result = result(finished);
    assert_eq!(result["verdict"], verdict, "{result:#}");
    result
}

#[test]
fn shop_that_had_sold_before_is_valid() {
    let shop = Shop { seat: |n| json!(n + 6), sold_before: 5, ..PLAIN };
    assert_verdict(&sixty_purchases(&shop.open(), "consecutive"), "valid");
}

#[test]
fn shop_that_counts_from_1001_is_valid() {
    let shop = Shop { seat: |n| json!(1001 + n), ..PLAIN };
    assert_verdict(&sixty_purchases(&shop.open(), "consecutive"), "valid");
}

#[test]
fn shop_that_reads_what_is_left_too_late_is_valid_and_that_is_said() {
    let shop = Shop { is_late: true, ..PLAIN };
    let result = assert_verdict(&sixty_purchases(&shop.open(), "unique"), "valid");
    assert!(result["notes"].to_string().contains("counts were told late"), "{result:#}");
}

#[test]
fn seats_whose_names_a_number_could_be_read_from_are_different_seats() {
    let names: Seat = |n| match n {
        0 => json!("7"),
        1 => json!("07"),
        2 => json!("+7"),
        3 => json!("007"),
        n => json!(format!("Row A seat {n}")),
    };
    assert_verdict(&sixty_purchases(&Shop { seat: names, ..PLAIN }.open(), "unique"), "valid");
}

#[test]
fn numbers_with_a_point_are_numbers() {
    let seat: Seat = |n| Value::from(f64::from(u32::try_from(n + 1).expect("thirty")));
    assert_verdict(&sixty_purchases(&Shop { seat, ..PLAIN }.open(), "consecutive"), "valid");
}

#[test]
fn seat_that_is_sold_twice_is_named_as_the_shop_names_it() {
    let shop = Shop { seat: |n| json!(format!("Row A seat {}", n.max(1))), ..PLAIN };
    let finished = sixty_purchases(&shop.open(), "unique");
    let result = assert_verdict(&finished, "violation");
    assert_eq!(result["violations"][0]["kind"], "duplicate-ticket", "{result:#}");
    assert!(result["violations"][0].to_string().contains("Row A seat 1"), "{result:#}");
}

#[test]
fn oversell_is_shown_where_the_last_ticket_was_sold() {
    let shop = Shop { oversells: 3, ..PLAIN };
    let result = assert_verdict(&sixty_purchases(&shop.open(), "unique"), "violation");
    let violations = result["violations"].as_array().expect("a list");
    let kinds: Vec<_> = violations.iter().map(|violation| &violation["kind"]).collect();
    assert!(kinds.iter().all(|kind| *kind == "oversell"), "{result:#}");
    let first = &violations[0]["operations"][0]["tickets"][0];
    assert!((29..=33).contains(&number(first)), "{result:#}");
}

#[test]
fn shop_that_owes_tickets_at_the_start_is_a_violation() {
    let shop = Shop { sold_before: 31, ..PLAIN };
    assert_verdict(&sixty_purchases(&shop.open(), "unique"), "violation");
}

/// The first purchase is sent alone, and what the map does not know ends the run.
#[test]
fn answer_that_no_rule_matches_ends_the_run_before_a_second_purchase() {
    let bought = std::sync::Arc::new(AtomicU64::new(0));
    let counted = std::sync::Arc::clone(&bought);
    let shop = Stub::http(move |request| match request.call.as_str() {
        "GET /left" => ("200 OK", json!({"left": 30}).to_string()),
        _ => {
            counted.fetch_add(1, Ordering::SeqCst);
            (
                "400 Bad Request",
                json!({"errors": {"email": ["This field is required."]}}).to_string(),
            )
        }
    });

    let finished = sixty_purchases(&shop, "unique");

    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("This field is required."), "{finished:?}");
    assert!(finished.stderr.contains("hint: "), "{finished:?}");
    assert_eq!(bought.load(Ordering::SeqCst), 1);
}

#[test]
fn shop_that_is_busy_now_and_then_is_asked_again() {
    let left = AtomicI64::new(30);
    let asked = AtomicU64::new(0);
    let shop = Stub::http(move |request| match request.call.as_str() {
        "GET /left" => ("200 OK", json!({"left": left.load(Ordering::SeqCst)}).to_string()),
        _ if asked.fetch_add(1, Ordering::SeqCst) % 3 == 1 => {
            ("409 Conflict\r\nRetry-After: 0", json!({"error": "busy"}).to_string())
        }
        _ => {
            let before = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                (left > 0).then_some(left - 1)
            });
            match before {
                Ok(before) => ("201 Created", json!({"seat": before}).to_string()),
                Err(_) => ("409 Conflict", json!({"error": "sold out"}).to_string()),
            }
        }
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = folder.path().join("busy.toml");
    let text = r#"
[buy]
path = "/buy"
headers = { X-Order = "${key}" }
sold = { status = [201], ticket = "/seat" }
sold_out = { status = [409], where = { "/error" = "sold out" } }
[search]
path = "/left"
remaining = "/left"
"#;
    fs::write(&map, text).expect("the folder is the test's own");

    let finished =
        run(&shop.url()).args(["-c", "8", "-n", "60", "--retry", "--map"]).arg(&map).run();

    let result = assert_verdict(&finished, "valid");
    assert_eq!(number(&result["outcomes"]["sold"]), 30, "{result:#}");
    assert_eq!(number(&result["outcomes"]["sold_out"]), 30, "{result:#}");
}

#[test]
fn answers_that_the_map_does_not_know_are_shown_kept_and_no_verdict() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (map, history) = (folder.path().join("shop.toml"), folder.path().join("run.ndjson"));
    let text = r#"
[buy]
path = "/buy"
[buy.sold]
status = [201]
ticket = "/seat"
[buy.sold_out]
status = [410]
[search]
path = "/left"
remaining = "/left"
"#;
    fs::write(&map, text).expect("the folder is writable");
    let shop = PLAIN.open();

    let finished = run(&shop.url())
        .args(["-c", "8", "-n", "80", "--map"])
        .arg(&map)
        .arg("--history")
        .arg(&history)
        .run();

    assert_eq!(finished.code, Some(3), "{finished:?}");
    let recorded = fs::read_to_string(&history).expect("it was kept");
    let unread = recorded.lines().filter(|line| line.contains(r#""answer":"{\"error\":"#)).count();
    assert_eq!(unread, 50, "{recorded}");
    let words = &finished.stderr;
    assert!(words.contains("50 times: status 409, which no rule of the map knows"), "{words}");
    assert!(words.contains(r#"an answer that no rule of the map knows: {"error":"#), "{words}");
    assert!(words.contains("`[buy.sold_out]`"), "{words}");
}

/// What is left comes from a cache: it accuses nobody, and proves nothing either.
#[test]
fn stale_count_at_the_end_accuses_nobody() {
    let shop = || {
        let left = AtomicI64::new(30);
        Stub::http(move |request| match request.call.as_str() {
            "GET /left" => ("200 OK", json!({"left": 30}).to_string()),
            _ => match left.fetch_sub(1, Ordering::SeqCst) {
                seat @ 1.. => ("201 Created", json!({"seat": seat}).to_string()),
                _ => ("409 Conflict", json!({"error": "sold out"}).to_string()),
            },
        })
    };

    let result = assert_verdict(&sixty_purchases(&shop(), "unique"), "unknown");

    assert!(result["doubts"].to_string().contains("read too early"), "{result:#}");
    // It did not move with the first sale either, so nothing is known of the start.
    assert!(result["notes"].to_string().contains("and say `--initial`"), "{result:#}");
    let known = sixty_purchases_with(&shop(), "unique", &["--initial", "30"]);
    let result = assert_verdict(&known, "unknown");
    assert!(result["doubts"].to_string().contains("read too early"), "{result:#}");
    assert!(result["doubts"].to_string().contains("as many as at the start"), "{result:#}");
}

/// As behind a purchase of somebody else, or of `loadgen try --buy`, in a shop whose count is kept for a while: the run
/// begins with one ticket less than it was told.
#[test]
fn start_that_is_told_from_a_cache_accuses_nobody() {
    let (left, looks) = (AtomicI64::new(19), AtomicU64::new(0));
    let shop = Stub::http(move |request| match request.call.as_str() {
        "GET /left" => {
            let is_kept = looks.fetch_add(1, Ordering::SeqCst) < 3;
            let told = if is_kept { 20 } else { left.load(Ordering::SeqCst).max(0) };
            ("200 OK", json!({"left": told}).to_string())
        }
        _ => match left.fetch_sub(1, Ordering::SeqCst) {
            seat @ 1.. => ("201 Created", json!({"seat": seat}).to_string()),
            _ => ("409 Conflict", json!({"error": "sold out"}).to_string()),
        },
    });

    let result = assert_verdict(&sixty_purchases(&shop, "unique"), "valid");

    assert_eq!(result["initial"], 19, "{result:#}");
    assert!(result["notes"].to_string().contains("20 were told ahead of it"), "{result:#}");
}

/// What is shown of the count ends at ten, or is kept for longer than anybody waits: nobody knows what was there.
#[test]
fn start_that_never_shows_the_first_sale_accuses_nobody() {
    for told in [|left: i64| left.clamp(0, 10), |_| 12] {
        for (arguments, verdict) in [(&[][..], "unknown"), (&["--initial", "30"], "valid")] {
            let left = AtomicI64::new(30);
            let shop = Stub::http(move |request| match request.call.as_str() {
                "GET /left" => {
                    ("200 OK", json!({"left": told(left.load(Ordering::SeqCst))}).to_string())
                }
                _ => match left.fetch_sub(1, Ordering::SeqCst) {
                    seat @ 1.. => ("201 Created", json!({"seat": seat}).to_string()),
                    _ => ("409 Conflict", json!({"error": "sold out"}).to_string()),
                },
            });
            let ends = told(0) == 0;

            let finished = with_map(&shop, SEATS_MAP, arguments);

            let result = assert_verdict(&finished, if ends { verdict } else { "unknown" });
            let said = result["notes"].to_string().contains("the first sale did not show");
            assert_eq!(said, arguments.is_empty(), "{result:#}");
            assert_eq!(result["initial"].is_null(), arguments.is_empty(), "{result:#}");
        }
    }
}

/// A bank that says no, or a till that asks to come back, and a basket that runs out a while later.
#[test]
fn basket_that_comes_back_behind_its_answer_accuses_nobody() {
    let paid = r#"
[search]
path = "/left"
remaining = "/left"
settle = "700ms"
[buy]
path = "/buy"
sold = { status = [201], ticket = "/seat" }
sold_out = { status = [409] }
"#;
    let step =
        "[[buy.step]]\nmethod = \"POST\"\npath = \"/basket\"\nsold_out = { status = [409] }\n";
    let in_steps = paid.replace("[buy]\n", &format!("{step}[buy]\n"));
    for (map, refusal) in [(paid, "402 Payment Required"), (&in_steps, "429 Too Many Requests")] {
        let seats = Mutex::new((4, 0, Vec::<Instant>::new()));
        let shop = Stub::http(move |request| {
            let mut seats = seats.lock().expect("no other thread has panicked");
            let (left, sold, aside) = &mut *seats;
            let held = aside.len();
            aside.retain(|since| since.elapsed() < Duration::from_millis(300));
            *left += held - aside.len();
            match request.call.as_str() {
                "GET /left" => ("200 OK", json!({"left": *left}).to_string()),
                // The basket is taken once more by whoever pays.
                "POST /basket" if *left > 0 => ("204 No Content", String::new()),
                _ if *left == 0 => ("409 Conflict", String::new()),
                _ => {
                    *left -= 1;
                    *sold += 1;
                    if *sold % 2 == 0 {
                        aside.push(Instant::now());
                        return (refusal, String::new());
                    }
                    ("201 Created", json!({"seat": format!("A-{sold}")}).to_string())
                }
            }
        });

        let result = assert_verdict(&with_map(&shop, map, &[]), "valid");

        assert!(result["notes"].to_string().contains("put aside"), "{result:#}");
    }
}

/// A refund that is only taken on: nobody knows when its seat is on sale again, unless it is asked.
#[test]
fn refund_that_is_done_behind_its_answer_accuses_nobody() {
    let refund = "\n[refund]\npath = \"/refund/${seat}\"\n";
    let again = "again = { status = [202], path = \"/refund/${seat}\", every = \"20ms\" }\n";
    for (again, status, verdict) in [
        ("", "202 Accepted", "valid"),
        (again, "202 Accepted", "valid"),
        ("", "200 OK", "violation"),
    ] {
        let seats = Mutex::new((10, 0, Vec::<(String, Instant)>::new()));
        let shop = Stub::http(move |request| {
            let mut seats = seats.lock().expect("no other thread has panicked");
            let (left, sold, refunds) = &mut *seats;
            let pending = refunds.len();
            refunds.retain(|(_, since)| since.elapsed() < Duration::from_millis(200));
            *left += pending - refunds.len();
            let call = request.call.split('/').next_back().unwrap_or_default();
            match request.call.as_str() {
                "GET /left" => ("200 OK", json!({"left": *left}).to_string()),
                "POST /buy" if *left == 0 => ("409 Conflict", String::new()),
                "POST /buy" => {
                    *left -= 1;
                    *sold += 1;
                    ("201 Created", json!({"seat": format!("A-{sold}")}).to_string())
                }
                get if get.starts_with("GET") => {
                    let is_pending = refunds.iter().any(|(seat, _)| seat == call);
                    (if is_pending { "202 Accepted" } else { "200 OK" }, String::new())
                }
                _ => {
                    refunds.push((call.to_owned(), Instant::now()));
                    (status, String::new())
                }
            }
        });
        let taken = SEATS_MAP.replace("[buy]\n", "[buy]\ntake = { seat = \"/seat\" }\n");

        let finished =
            with_map(&shop, &format!("{taken}{refund}{again}"), &["--refund-rate", "0.3"]);

        assert_eq!(finished.json()["verdict"], verdict, "{status} {again}: {finished:?}");
    }
}

/// Whom it turns away it cannot have put a seat aside for.
#[test]
fn shop_that_turns_many_away_is_held_to_its_sold_out() {
    let (left, asked) = (AtomicI64::new(300), AtomicU64::new(0));
    let shop = Stub::http(move |request| match request.call.as_str() {
        "GET /left" => ("200 OK", json!({"left": left.load(Ordering::SeqCst)}).to_string()),
        _ => {
            let number = asked.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(2));
            match number % 6 {
                1 | 3 | 5 => ("429 Too Many Requests", String::new()),
                4 => ("409 Conflict", json!({"error": "sold out"}).to_string()),
                _ => {
                    let seat = left.fetch_sub(1, Ordering::SeqCst);
                    ("201 Created", json!({"seat": seat}).to_string())
                }
            }
        }
    });

    let result = assert_verdict(&with_map(&shop, SEATS_MAP, &[]), "violation");

    assert_eq!(result["violations"][0]["kind"], "false-sold-out", "{result:#}");
}

/// The last of thirty seats go to who asked for four.
#[test]
fn purchase_that_is_filled_in_part_is_a_sale_of_what_is_listed() {
    let left = AtomicI64::new(30);
    let shop = Stub::http(move |request| match request.call.as_str() {
        "GET /left" => ("200 OK", json!({"left": left.load(Ordering::SeqCst)}).to_string()),
        _ => {
            let take = |left: i64| (left > 0).then(|| left - left.min(4));
            match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take) {
                Ok(before) => {
                    let seats: Vec<i64> = (before - before.min(4)..before).collect();
                    ("201 Created", json!({"seats": seats}).to_string())
                }
                Err(_) => ("409 Conflict", String::new()),
            }
        }
    });
    let map = SEATS_MAP
        .replace("ticket = \"/seat\"", "tickets = \"/seats\"")
        .replace("[buy]\n", "[buy]\nquantity = 4\n");

    let result = assert_verdict(&with_map(&shop, &map, &[]), "valid");

    assert_eq!(number(&result["sold_ever"]), 30, "{result:#}");
    assert_eq!(number(&result["outcomes"]["sold"]), 8, "{result:#}");
}

/// A shop that serves one connection until that is closed: one that is idle is in everybody's way.
#[test]
fn request_that_waits_for_an_idle_connection_to_be_closed_is_answered() {
    let (left, sales) = (AtomicI64::new(30), AtomicU64::new(0));
    let turn = Mutex::new(());
    let shop = Stub::start(move |stream| {
        let _guard = turn.lock().expect("no other thread has panicked");
        let mut out = stream.try_clone().expect("a stream can be written while it is read");
        let mut input = BufReader::new(stream);
        while let Some(request) = read_request(&mut input) {
            let (status, body) = if request.call == "GET /left" {
                ("200 OK", json!({"left": left.load(Ordering::SeqCst)}).to_string())
            } else {
                // Long enough for two to be due meanwhile, every fifth time.
                let is_slow = sales.fetch_add(1, Ordering::SeqCst) % 5 == 4;
                thread::sleep(Duration::from_millis(if is_slow { 70 } else { 1 }));
                let seat = left.fetch_sub(1, Ordering::SeqCst);
                ("201 Created", json!({"seat": seat, "left": seat - 1}).to_string())
            };
            let length = body.len();
            write!(out, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}").ok();
        }
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = folder.path().join("shop.toml");
    fs::write(&map, SEATS_MAP).expect("the folder is the test's own");

    let load = run(&shop.url()).args(["-c", "8", "-n", "30", "-q", "40", "--map"]).arg(&map);
    let result = assert_verdict(&load.run(), "valid");

    assert_eq!(number(&result["outcomes"]["sold"]), 30, "{result:#}");
}

/// Seats have names, and the next buyer sits where the one who gave it back would have.
#[test]
fn seat_that_was_given_back_is_sold_again() {
    let free = Mutex::new((1..=5).collect::<Vec<u32>>());
    let shop = Stub::http(move |request| {
        let mut free = free.lock().expect("no other thread has panicked");
        let left = |free: &Vec<u32>| json!({"left": free.len()}).to_string();
        if request.call == "GET /left" {
            return ("200 OK", left(&free));
        }
        if let Some(seat) = request.call.strip_prefix("DELETE /seats/") {
            free.push(seat.parse().expect("a seat that was sold"));
            return ("200 OK", left(&free));
        }
        match free.pop() {
            Some(seat) => ("201 Created", json!({"seat": seat, "left": free.len()}).to_string()),
            None => ("409 Conflict", json!({"error": "sold out"}).to_string()),
        }
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = folder.path().join("shop.toml");
    let text = r#"
[buy]
path = "/buy"
sold = { status = [201], ticket = "/seat", remaining = "/left" }
sold_out = { status = [409] }
take = { seat = "/seat" }
[refund]
method = "DELETE"
path = "/seats/${seat}"
[search]
path = "/left"
remaining = "/left"
"#;
    fs::write(&map, text).expect("the folder is the test's own");

    let load = run(&shop.url()).args(["-c", "8", "-n", "80", "--refund-rate", "1", "--map"]);
    let result = load.arg(&map).run().json();

    assert_eq!(result["verdict"], "valid", "{result:#}");
    assert!(number(&result["outcomes"]["sold"]) > 5, "{result:#}");
}

/// It takes the seat, asks the bank, and gives the seat back where that says no.
#[test]
fn shop_whose_bank_says_no_now_and_then_is_valid() {
    let (left, orders) = (AtomicI64::new(5), AtomicU64::new(0));
    let shop = Stub::http(move |request| {
        if request.call == "GET /left" {
            return ("200 OK", json!({"left": left.load(Ordering::SeqCst)}).to_string());
        }
        let taken = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            (left > 0).then_some(left - 1)
        });
        if taken.is_err() {
            return ("409 Conflict", json!({"error": "sold out"}).to_string());
        }
        let order = orders.fetch_add(1, Ordering::SeqCst);
        // So that others ask meanwhile; and the first, which is made alone, is paid.
        thread::sleep(Duration::from_millis(10));
        if order % 3 > 0 {
            left.fetch_add(1, Ordering::SeqCst);
            return ("402 Payment Required", json!({"error": "declined"}).to_string());
        }
        ("201 Created", json!({"seat": order}).to_string())
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = folder.path().join("shop.toml");
    let text = SEATS_MAP.to_owned() + "refused = { status = [402] }\n";
    fs::write(&map, text).expect("the folder is the test's own");

    let load = run(&shop.url()).args(["-c", "12", "-n", "300", "--map"]).arg(&map);
    let finished = load.run();

    let result = result(&finished);
    assert_eq!(result["violations"], json!([]), "{result:#}");
    assert_eq!(number(&result["outcomes"]["sold"]), 5, "{result:#}");
    assert!(number(&result["outcomes"]["refused"]) > 0, "{result:#}");
}

/// The bank does not answer once, and the seat comes back: until then others are told "sold out".
#[test]
fn shop_whose_bank_does_not_answer_is_valid() {
    let (left, orders) = (AtomicI64::new(30), AtomicU64::new(0));
    let shop = Stub::http(move |request| {
        if request.call == "GET /left" {
            return ("200 OK", json!({"left": left.load(Ordering::SeqCst)}).to_string());
        }
        thread::sleep(Duration::from_millis(5));
        let taken = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            (left > 0).then_some(left - 1)
        });
        if taken.is_err() {
            return ("409 Conflict", json!({"error": "sold out"}).to_string());
        }
        let order = orders.fetch_add(1, Ordering::SeqCst);
        if order == 10 {
            thread::sleep(Duration::from_millis(200));
            left.fetch_add(1, Ordering::SeqCst);
            return ("502 Bad Gateway", json!({"error": "the bank did not answer"}).to_string());
        }
        ("201 Created", json!({"seat": order}).to_string())
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = folder.path().join("shop.toml");
    fs::write(&map, SEATS_MAP).expect("the folder is the test's own");

    let finished = run(&shop.url()).args(["-c", "8", "-n", "400", "--map"]).arg(&map).run();

    let result = assert_verdict(&finished, "valid");
    assert_eq!(number(&result["outcomes"]["unknown"]), 1, "{result:#}");
    assert!(result["notes"].to_string().contains("put aside"), "{result:#}");
}

#[test]
fn shop_that_does_not_answer_a_search_for_what_is_sold_out_is_valid() {
    for (status, body) in [("404 Not Found", ""), ("200 OK", r#"{"left": null}"#)] {
        let left = AtomicI64::new(30);
        let shop = Stub::http(move |request| {
            if request.call == "GET /left" {
                return match left.load(Ordering::SeqCst) {
                    left @ 1.. => ("200 OK", json!({"left": left}).to_string()),
                    _ => (status, body.to_owned()),
                };
            }
            match left.fetch_sub(1, Ordering::SeqCst) {
                seat @ 1.. => ("201 Created", json!({"seat": seat}).to_string()),
                _ => ("409 Conflict", json!({"error": "sold out"}).to_string()),
            }
        });

        let finished = sixty_purchases(&shop, "unique");

        assert_verdict(&finished, "valid");
    }
}
