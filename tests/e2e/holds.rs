//! `loadgen` with holds and refunds, on the server and on shops that hold right and wrong.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use e2e::{Counter, Finished, Program, Stub, StubRequest};
use serde_json::{Value, json};

use crate::programs::{loadgen, serve_with};

/// What is wrong with a shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// A hold that is over is not given back.
    KeepsLapsed,
    /// A refund that is sent gives two tickets back.
    RefundsTwice,
    /// A confirm takes a ticket, which the hold has taken before.
    TakesTwice,
    /// What is held can be bought all the same.
    HoldsNothing,
}

/// A counter in memory, which does what the contract says but for its fault.
struct Shop {
    fault: Fault,
    left: i64,
    revision: u64,
    issued: u64,
    refunded: u64,
    /// Open holds: the token, and when they are over.
    holds: Vec<(u64, Instant)>,
}

impl Shop {
    fn start(fault: Fault, tickets: i64) -> Stub {
        let shop =
            Self { fault, left: tickets, revision: 0, issued: 0, refunded: 0, holds: vec![] };
        let shop = Arc::new(Mutex::new(shop));
        Stub::http(move |request| shop.lock().expect("nobody panics").answer(request))
    }

    fn answer(&mut self, request: &StubRequest) -> (&'static str, String) {
        self.lapse();
        let (method, path) = request.call.split_once(' ').expect("a method and a path");
        let words: Vec<&str> = path.split('/').skip(1).collect();
        let (status, body) = match (method, &words[..]) {
            ("GET", ["search"]) => {
                let sold = self.issued - self.refunded;
                let (count, held, revision) = (self.left, self.holds.len(), self.revision);
                let body =
                    json!({"count": count, "sold": sold, "held": held, "revision": revision});
                ("200 OK", body)
            }
            ("POST", ["buy"]) => match self.take() {
                true => self.sale(),
                false => self.sold_out(),
            },
            ("POST", ["holds"]) => {
                let body: Value = serde_json::from_str(&request.body).expect("a JSON body");
                assert_eq!(body["quantity"], 1, "{body}");
                self.hold(Duration::from_secs(body["seconds"].as_u64().expect("seconds")))
            }
            ("POST", ["holds", token, "confirm"]) => match self.end(token) {
                true => {
                    self.left -= i64::from(self.fault == Fault::TakesTwice);
                    self.sale()
                }
                false => ("410 Gone", json!({"type": "/problems/hold-expired"})),
            },
            ("DELETE", ["holds", token]) => match self.end(token) {
                true => self.give_back(1),
                false => ("410 Gone", json!({"type": "/problems/hold-expired"})),
            },
            ("DELETE", ["receipts", _]) => {
                let is_allowed =
                    request.fields.iter().any(|field| field.ends_with("Bearer secret"));
                assert!(is_allowed, "{:?}", request.fields);
                self.refunded += 1;
                self.give_back(if self.fault == Fault::RefundsTwice { 2 } else { 1 })
            }
            _ => ("404 Not Found", json!({"type": "/problems/not-found"})),
        };
        (status, body.to_string())
    }

    fn lapse(&mut self) {
        if self.fault == Fault::KeepsLapsed {
            return;
        }
        let open = self.holds.len();
        self.holds.retain(|(_, over)| Instant::now() < *over);
        let lapsed = open - self.holds.len();
        if self.fault != Fault::HoldsNothing {
            self.left += i64::try_from(lapsed).expect("few");
        }
        self.revision += lapsed as u64;
    }

    fn take(&mut self) -> bool {
        let is_there = self.left > 0;
        self.left -= i64::from(is_there);
        is_there
    }

    fn sale(&mut self) -> (&'static str, Value) {
        (self.issued, self.revision) = (self.issued + 1, self.revision + 1);
        let receipt = format!("receipt-{}", self.issued);
        let (ticket, left, revision) = (self.issued, self.left, self.revision);
        let body = json!({
            "tickets": [ticket], "remaining": left, "revision": revision, "receipt": receipt
        });
        ("201 Created", body)
    }

    fn hold(&mut self, time: Duration) -> (&'static str, Value) {
        if !self.take() {
            return self.sold_out();
        }
        self.left += i64::from(self.fault == Fault::HoldsNothing);
        self.revision += 1;
        self.holds.push((self.revision, Instant::now() + time));
        let (token, left, revision) = (self.revision.to_string(), self.left, self.revision);
        let body = json!({"hold": token, "quantity": 1, "remaining": left, "revision": revision});
        ("201 Created", body)
    }

    fn end(&mut self, token: &str) -> bool {
        let open = self.holds.iter().position(|(made, _)| made.to_string() == token);
        open.map(|place| self.holds.remove(place)).is_some()
    }

    fn give_back(&mut self, tickets: i64) -> (&'static str, Value) {
        (self.left, self.revision) = (self.left + tickets, self.revision + 1);
        ("200 OK", json!({"remaining": self.left, "revision": self.revision}))
    }

    fn sold_out(&self) -> (&'static str, Value) {
        let (left, revision) = (self.left, self.revision);
        let problem =
            json!({"type": "/problems/sold-out", "remaining": left, "revision": revision});
        ("409 Conflict", problem)
    }
}

/// A short run with everything in it, on a shop that has this fault.
fn run(fault: Fault, more: &[&str]) -> (Finished, Value) {
    let shop = Shop::start(fault, 150);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let token = folder.path().join("token");
    std::fs::write(&token, "secret\n").expect("the folder is the test's own");
    let finished = run_on(&shop.url())
        .args(["--mix", "buy=3,hold=3,search=1", "--hold-seconds", "1s"])
        .args(["--confirm-rate", "0.5", "--release-rate", "20%", "--refund-rate", "0.3"])
        .arg("--admin-token-file")
        .arg(&token)
        .args(more)
        .run();
    let result = serde_json::from_str(&finished.stdout).expect("a JSON object");
    (finished, result)
}

fn run_on(url: &str) -> Program {
    loadgen().args(["run", url, "-c", "20", "-n", "400", "--json", "--no-tui"])
}

#[test]
fn run_with_holds_and_refunds_is_valid_where_the_shop_is_right() {
    for mode in ["task", "thread", "process"] {
        let (finished, result) = run(Fault::None, &["--mode", mode, "--workers", "2"]);

        assert_eq!(finished.code, Some(0), "{mode}: {finished:?}");
        let outcomes = &result["outcomes"];
        for name in ["sold", "held", "given_back", "found"] {
            assert!(outcomes[name].as_u64() > Some(0), "{mode} {name}: {outcomes}");
        }
        let ended: u64 =
            outcomes.as_object().expect("outcomes").values().filter_map(Value::as_u64).sum();
        assert_eq!((result["requests"].as_u64(), ended), (Some(400), 400), "{mode}");
        assert_eq!((result["held"].as_u64(), result["verdict"].as_str()), (Some(0), Some("valid")));
        assert!(result["refunded_ever"].as_u64() > Some(0), "{result}");
    }
}

#[test]
fn history_of_holds_names_no_token_and_is_judged_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("holds.ndjson");
    let (finished, _) = run(Fault::None, &["--history", path.to_str().expect("a path")]);

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let text = std::fs::read_to_string(&path).expect("a history");
    assert!(text.contains(r#""links":{"hold":""#), "{text}");
    assert!(!text.contains("receipt-") && !text.contains("secret"), "{text}");
    let checked = loadgen().arg("check").arg(&path).run();
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[test]
fn shops_that_hold_or_refund_wrong_are_caught() {
    for (fault, kinds) in [
        (Fault::KeepsLapsed, &["undersell"][..]),
        (Fault::RefundsTwice, &["lost-update", "not-linearizable"]),
        (Fault::TakesTwice, &["undersell", "not-linearizable"]),
        (Fault::HoldsNothing, &["oversell", "lost-update"]),
    ] {
        let (finished, result) = run(fault, &[]);

        assert_eq!(finished.code, Some(1), "{fault:?}: {finished:?}");
        let violations = result["violations"].as_array().expect("a list");
        let found = violations.iter().filter_map(|one| one["kind"].as_str());
        assert!(found.clone().any(|kind| kinds.contains(&kind)), "{fault:?}: {violations:?}");
    }
}

#[test]
fn holds_of_another_shop_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = folder.path().join("shop.toml");
    std::fs::write(
        &map,
        "[buy]\npath = \"/buy\"\nsold = { status = [201] }\nsold_out = { status = [409] }\n",
    )
    .expect("the folder is the test's own");
    let finished = run_on("http://127.0.0.1:1").args(["--mix", "hold=1", "--map"]).arg(&map).run();

    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("`--mix hold=…`"), "{finished:?}");
}

#[test]
fn race_for_holds_sells_or_leaves_all_and_holds_nothing_in_the_end() {
    for (mode, servers, workers, tickets) in
        [("task", "1", 40, 10), ("thread", "2", 40, 10), ("process", "1", 20, 5)]
    {
        let finished = loadgen()
            .args(["race", "--holds", "--mode", mode, "--servers", servers, "--json"])
            .args(["--workers", &format!("{workers}"), "--tickets", &format!("{tickets}")])
            .run();

        assert_eq!(finished.code, Some(0), "{mode}: {finished:?}");
        let run = &finished.json()["runs"][0];
        let number = |name: &str| run[name].as_u64().unwrap_or_else(|| panic!("{name}: {run}"));
        assert_eq!((number("sold") + number("left"), number("held")), (tickets, 0), "{run}");
        assert_eq!((number("oversold"), number("duplicate_tickets")), (0, 0), "{run}");
        assert_eq!((number("errors"), number("unknown")), (0, 0), "{run}");
        assert_eq!(number("holds") - number("lapsed"), number("sold"), "{run}");
        assert_eq!(number("sold") + number("sold_out") + number("lapsed"), workers, "{run}");
        assert!(number("lapsed") > 0, "{run}");
        assert_eq!(run["verdict"], "valid");
    }
}

/// Of one or two tickets: whoever takes the last one lets it lapse, so that there is something to judge.
#[test]
fn small_race_for_holds_is_decided_whoever_comes_first() {
    thread::scope(|scope| {
        let races = ["task", "thread", "process"].into_iter().flat_map(|mode| {
            ["1", "1", "1", "2", "2"].map(|tickets| {
                scope.spawn(move || {
                    let race = loadgen().args(["race", "--holds", "--mode", mode, "--json"]);
                    race.args(["--workers", "4", "--tickets", tickets]).run()
                })
            })
        });
        for race in races.collect::<Vec<_>>() {
            let finished = race.join().expect("a race");
            assert_eq!(finished.code, Some(0), "{finished:?}");
        }
    });
}

#[test]
fn race_for_holds_needs_a_server_that_holds() {
    for (arguments, named) in [
        (&["--holds", "--locking", "file"][..], "`--locking file`"),
        (&["--holds", "--direct"], "--direct"),
        (&["--hold-seconds", "2s"], "--holds"),
    ] {
        let finished = loadgen().arg("race").args(arguments).run();

        assert_eq!(finished.code, Some(2), "{arguments:?}: {finished:?}");
        assert!(finished.stderr.contains(named), "{arguments:?}: {}", finished.stderr);
    }
}

#[test]
fn run_with_holds_and_refunds_on_the_server_is_valid_and_can_be_repeated() {
    let counter = Counter::with(300);
    let server = serve_with(&counter, &["--refunds", "buyer"]);
    // Of the second run the numbers do not begin at 1, and some are gone.
    for more in [&["--hold-quantity", "2"][..], &["--retry", "--mode", "process", "--workers", "2"]]
    {
        let finished = run_on(server.url())
            .args(["--mix", "buy=1,hold=2,search=1", "--hold-seconds", "1s"])
            .args(["--refund-rate", "0.5"])
            .args(more)
            .run();

        assert_eq!(finished.code, Some(0), "{finished:?}");
        let result = finished.json();
        assert_eq!((result["verdict"].as_str(), result["held"].as_u64()), (Some("valid"), Some(0)));
        assert!(result["refunded_ever"].as_u64() > Some(0), "{result}");
    }
}
