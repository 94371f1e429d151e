//! Rounds on fresh stock: a correct shop is valid in all of them, a wrong one is convicted, and stock that is
//! not fresh is said.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use e2e::{Counter, Finished, Program, Signal, Stub, eventually};
use loadgen::engines::free_addresses;
use serde_json::{Value, json};

use super::{
    measured::{SEATS_MAP, number, result, run},
    python_shop::PythonShop,
};
use crate::programs::{loadgen, serve_with, server};

/// A correct shop in this process: what it has left, and how often it was asked to sell.
struct Shop {
    stub: Stub,
    left: Arc<AtomicI64>,
    asked: Arc<AtomicU64>,
    folder: tempfile::TempDir,
}

impl Shop {
    /// `POST /refill` puts as many on sale as its body says.
    fn with(seats: i64) -> Self {
        let (left, asked) = (Arc::new(AtomicI64::new(seats)), Arc::new(AtomicU64::new(0)));
        let (stock, buys, sold) = (Arc::clone(&left), Arc::clone(&asked), AtomicU64::new(0));
        let stub = Stub::http(move |request| match request.call.as_str() {
            "GET /left" => ("200 OK", json!({"left": stock.load(Ordering::SeqCst)}).to_string()),
            "POST /refill" => {
                stock.store(request.body.parse().expect("a number"), Ordering::SeqCst);
                ("204 No Content", String::new())
            }
            _ => {
                buys.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(2));
                let bought = stock.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    (left > 0).then_some(left - 1)
                });
                match bought {
                    Ok(_) => {
                        let seat = sold.fetch_add(1, Ordering::SeqCst);
                        ("201 Created", json!({"seat": format!("A-{seat}")}).to_string())
                    }
                    Err(_) => ("409 Conflict", String::new()),
                }
            }
        });
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("shop.toml"), SEATS_MAP).expect("the folder is writable");
        Self { stub, left, asked, folder }
    }

    fn load(&self) -> Program {
        let map = self.folder.path().join("shop.toml");
        run(&self.stub.url()).args(["-c", "8", "--until-sold-out", "--map"]).arg(map)
    }

    /// The command that puts so many on sale.
    fn refill(&self, seats: &str) -> String {
        format!("curl -sf {}/refill -d {seats}", self.stub.url())
    }
}

#[track_caller]
fn patterns(result: &Value) -> Vec<(&str, u64, u64)> {
    let patterns = result["patterns"].as_array().expect("a list");
    let one = |one: &Value| {
        let name = ["steady", "at-once", "last-ticket", "pairs"].into_iter();
        let name = name.into_iter().find(|name| one["pattern"] == **name).expect("a pattern");
        (name, number(&one["rounds"]), number(&one["violations"]))
    };
    patterns.iter().map(one).collect()
}

fn python_rounds(kind: &str, is_racy: bool, arguments: &[&str]) -> Finished {
    let shop = PythonShop::open(kind, 20, is_racy);
    let refill = format!("curl -sf {}/refill -d all", shop.url());
    shop.program("run")
        .args(["-c", "8", "--until-sold-out", "--json", "--reset", &refill])
        .args(arguments)
        .within(Duration::from_secs(120))
        .run()
}

#[test]
fn correct_shop_is_valid_in_every_round_whatever_the_pattern() {
    for kind in ["graphql", "holds"] {
        let required = ["--rounds", "8", "--require", "sold-out,overlap"];
        let finished = python_rounds(kind, false, &required);

        assert_eq!(finished.code, Some(0), "{finished:?}");
        let result = result(&finished);
        let rounds = result["rounds"].as_array().expect("a list");
        assert_eq!(rounds.len(), 8);
        for round in rounds {
            assert_eq!((&round["verdict"], &round["initial"]), (&json!("valid"), &json!(20)));
            assert_eq!(number(&round["outcomes"]["sold"]), 20, "{round:#}");
            assert_eq!(round["untried"], json!([]), "{round:#}");
        }
        let tried = [("steady", 2, 0), ("at-once", 2, 0), ("last-ticket", 2, 0), ("pairs", 2, 0)];
        assert_eq!(patterns(&result), tried);
        assert_eq!((&result["verdict"], number(&result["requests"])), (&json!("valid"), 8 * 28));
        assert_eq!(result["advice"], json!([]), "{result:#}");
        let below = result["violation_rate_below"].as_f64().expect("a share");
        assert!((below - (1.0 - 0.05_f64.powf(1.0 / 8.0))).abs() < 1e-4, "{below}");
    }
}

#[test]
fn racy_shop_is_convicted_and_the_rate_told_by_pattern() {
    // Ahead of the first reset it has as many: said, no round is in doubt.
    let finished = python_rounds("graphql", true, &["--rounds", "8", "--initial", "20"]);

    assert_eq!(finished.code, Some(1), "{finished:?}");
    let result = finished.json();
    let shown = patterns(&result).into_iter().map(|(_, _, violations)| violations).sum::<u64>();
    assert_eq!(number(&result["rounds_with_violation"]), shown, "{result:#}");
    // Two that are let go together read one count: it has 3 ms for that.
    assert!(patterns(&result).iter().all(|(_, _, violations)| *violations > 0), "{result:#}");
    assert_eq!(result["verdict"], "violation");
    assert!(finished.stderr.contains("rounds showed a violation ("), "{}", finished.stderr);
}

/// A shop that is racy in every other round: the worst verdict is the run's, and what is shown is a round that has
/// it.
#[test]
fn fault_that_shows_now_and_then_is_the_verdict_and_its_rate_is_told() {
    let (left, rounds) = (AtomicI64::new(0), AtomicU64::new(0));
    let stub = Stub::http(move |request| match request.call.as_str() {
        "GET /left" => ("200 OK", json!({"left": left.load(Ordering::SeqCst)}).to_string()),
        "POST /refill" => {
            rounds.fetch_add(1, Ordering::SeqCst);
            left.store(20, Ordering::SeqCst);
            ("204 No Content", String::new())
        }
        _ => {
            let seat = left.fetch_sub(1, Ordering::SeqCst);
            let is_oversold = seat > -3 && rounds.load(Ordering::SeqCst) % 2 == 0;
            if seat > 0 || is_oversold {
                return ("201 Created", json!({"seat": format!("A{seat}")}).to_string());
            }
            left.fetch_add(1, Ordering::SeqCst);
            ("409 Conflict", String::new())
        }
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = folder.path().join("shop.toml");
    fs::write(&map, SEATS_MAP).expect("the folder is writable");
    let reset = format!("curl -sf {}/refill -d all", stub.url());

    let load = run(&stub.url()).args(["-c", "8", "--until-sold-out", "--rounds", "6", "--map"]);
    let load = load.arg(&map).args(["--patterns", "steady,at-once", "--reset", &reset]);
    let finished = load.run();

    assert_eq!(finished.code, Some(1), "{finished:?}");
    let result = finished.json();
    assert_eq!(patterns(&result), [("steady", 3, 0), ("at-once", 3, 3)]);
    assert_eq!((&result["violation_rate"], &result["pattern"]), (&json!(0.5), &json!("at-once")));
    assert_eq!(result["violations"][0]["kind"], "oversell", "{result:#}");
    let said = &finished.stderr;
    assert!(said.contains("3 of 6 rounds showed a violation (50 %): 0 of 3 `steady`"), "{said}");
    assert!(said.contains("the verdict of round 2, at-once"), "{said}");
}

#[test]
fn unsafe_server_is_convicted_in_each_round_and_the_page_says_so() {
    let counter = Counter::with(20);
    let seller = ["--locking", "none", "--check-delay", "5ms", "--write-delay", "5ms"];
    let server = serve_with(&counter, &seller);
    let page = counter.folder().join("run.html");
    let reset = format!("printf '{{\"count\": 20}}' > {}", counter.path().display());

    let load = run(server.url()).args(["-c", "8", "--until-sold-out", "--rounds", "4"]);
    let finished = load.args(["--reset", &reset, "--report"]).arg(&page).run();

    assert_eq!(finished.code, Some(1), "{finished:?}");
    let result = finished.json();
    assert_eq!(number(&result["rounds_with_violation"]), 4, "{result:#}");
    let html = fs::read_to_string(page).expect("the page is there");
    assert!(html.contains("4 of 4 rounds showed a violation"), "no rounds on the page");
    assert!(!html.contains("printf"), "the command is on the page");
}

#[test]
fn own_server_is_valid_in_every_round_with_tickets_put_on_sale_ahead_of_each() {
    let counter = Counter::with(0);
    let token = counter.folder().join("token");
    fs::write(&token, "let-me-in-at-the-door").expect("the folder is writable");
    let path = token.display().to_string();
    let server = serve_with(&counter, &["--admin-token-file", &path]);
    let reset = format!(
        "curl -sf {}/restock --json '{{\"quantity\": 20}}' -H 'Authorization: Bearer let-me-in-at-the-door'",
        server.url()
    );
    let history = counter.folder().join("rounds.ndjson");

    let load = run(server.url()).args(["-c", "30", "--until-sold-out", "--rounds", "5"]);
    let finished =
        load.args(["--reset", &reset, "--require", "overlap", "--history"]).arg(&history).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let result = result(&finished);
    assert_eq!(number(&result["outcomes"]["sold"]), 100, "{result:#}");
    assert_eq!(result["history"], json!(history.display().to_string()));
    let checked = loadgen().args(["check", "--json"]).arg(&history).run();
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let histories = checked.json()["histories"].clone();
    let labels: Vec<_> =
        histories.as_array().expect("a list").iter().map(|one| &one["label"]).collect();
    assert_eq!(labels[..2], ["round 1, steady", "round 2, at-once"]);
    assert_eq!(labels.len(), 5);
}

#[test]
fn reset_that_fails_is_named_and_nothing_is_bought_after_it() {
    let shop = Shop::with(20);
    let reset = "echo nothing here; echo 'no such table: seats' >&2; exit 7";

    let finished = shop.load().args(["--rounds", "3", "--reset", reset]).run();

    assert_eq!(finished.code, Some(2), "{finished:?}");
    for said in [reset, "exit code 7", "no such table: seats", "nothing was bought after it"] {
        assert!(finished.stderr.contains(said), "no {said}: {}", finished.stderr);
    }
    assert_eq!((finished.stdout.as_str(), shop.asked.load(Ordering::SeqCst)), ("", 0));

    // The second time: what was seen before is told.
    let mark = shop.folder.path().join("mark");
    let reset = format!("[ ! -e {0} ] && touch {0} && {1}", mark.display(), shop.refill("20"));
    let finished = shop.load().args(["--rounds", "3", "--reset", &reset]).run();

    assert_eq!(finished.code, Some(2), "{finished:?}");
    let result = finished.json();
    assert_eq!((number(&result["rounds_asked"]), &result["verdict"]), (3, &json!("valid")));
    assert_eq!(result["rounds"].as_array().map(Vec::len), Some(1));
    assert!(finished.stderr.contains("it said nothing"), "{}", finished.stderr);
    let sent = shop.asked.load(Ordering::SeqCst);
    assert!((28..=29).contains(&sent), "{sent} purchases of 20 and 8 refusals");
}

#[test]
fn reset_that_fails_hides_no_fault_that_was_shown() {
    let shop = PythonShop::open("graphql", 20, true);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mark = folder.path().join("mark");
    let reset = format!("[ ! -e {0} ] && touch {0}", mark.display());

    let load = shop.program("run").args(["-c", "8", "--until-sold-out", "--rounds", "3", "--json"]);
    let finished = load.args(["--reset", &reset]).run();

    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains("exit code 1"), "{}", finished.stderr);
}

#[test]
fn reset_without_an_end_is_ended() {
    let shop = Shop::with(20);
    let begun = Instant::now();

    let load = shop.load().args(["--rounds", "3", "--reset", "sleep 600"]);
    let finished = load.args(["--reset-timeout", "300ms"]).run();

    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("`sleep 600` did not end within 300ms"), "{finished:?}");
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert_eq!(shop.asked.load(Ordering::SeqCst), 0);
}

#[test]
fn interrupt_ends_a_reset_and_what_it_has_started() {
    let shop = Shop::with(20);
    let file = shop.folder.path().join("pid");
    let junit = shop.folder.path().join("junit.xml");
    let reset = format!("echo $$ > {0}.new; mv {0}.new {0}; sleep 600", file.display());
    let load = shop.load().args(["--rounds", "3", "--reset", &reset, "--junit"]).arg(&junit);
    let load = load.start();
    let pid = eventually("the reset runs", || fs::read_to_string(&file).ok());

    load.signal(Signal::INT);
    let finished = load.finish(Duration::from_secs(30));

    assert_eq!(finished.code, Some(130), "{finished:?}");
    assert_eq!(shop.asked.load(Ordering::SeqCst), 0);
    let command_line = format!("/proc/{}/cmdline", pid.trim());
    eventually("the reset is gone", || match fs::read(&command_line) {
        Ok(left) if !left.is_empty() => None,
        _ => Some(()),
    });
    let told = fs::read_to_string(junit).expect("a CI reads why");
    assert!(told.contains("interrupted") && told.contains("errors=\"1\""), "{told}");
}

#[test]
fn reset_that_does_not_reset_is_noticed() {
    let shop = Shop::with(20);

    let finished = shop.load().args(["--rounds", "3", "--reset", "true"]).run();

    assert_eq!(finished.code, Some(2), "{finished:?}");
    // Its count may be of before: the user may be wrong, or the shop late.
    for said in [
        "round 2, at-once: it was to begin on fresh stock, and 0 are left",
        "nothing was bought",
        "`true`",
        "or the shop told a count of before it",
    ] {
        assert!(finished.stderr.contains(said), "no {said}: {}", finished.stderr);
    }
    assert!(shop.asked.load(Ordering::SeqCst) <= 29, "the second round has bought");

    // Where nobody can say what is left, that nothing is sold says it: the shop is not accused.
    let blind =
        SEATS_MAP.split_once("[buy]").map(|(_, buy)| format!("[buy]{buy}")).expect("it buys");
    fs::write(shop.folder.path().join("shop.toml"), blind).expect("the folder is writable");
    let load = shop.load().args(["--rounds", "2", "--reset", "true", "--initial", "20"]);
    let finished = load.run();
    assert_eq!(finished.code, Some(2), "{finished:?}");
    let said = "round 1, steady: it was to begin on fresh stock, and nothing was sold in it";
    assert!(finished.stderr.contains(said), "{}", finished.stderr);
    // Without a command that puts stock on sale, that is what the shop is judged by.
    let finished = shop.load().args(["--initial", "20"]).run();
    assert_eq!(finished.code, Some(1), "{finished:?}");
}

#[test]
fn stock_that_is_another_each_time_is_said() {
    let shop = Shop::with(0);
    // What it says is of that moment.
    let exact = format!("counts = \"exact\"\n{SEATS_MAP}");
    fs::write(shop.folder.path().join("shop.toml"), exact).expect("the folder is writable");
    let turns = shop.folder.path().join("turns");
    let seats = format!("$(echo x >> {0}; echo $((30 - 5 * $(wc -l < {0}))))", turns.display());

    let finished = shop.load().args(["--rounds", "3", "--reset", &shop.refill(&seats)]).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let notes = result(&finished)["notes"].to_string();
    for said in [
        "round 2, at-once: it began with 20 left, and the first round with 25",
        "round 3, last-ticket: it began with 15",
    ] {
        assert!(notes.contains(said), "no {said}: {notes}");
    }
    shop.left.store(0, Ordering::SeqCst);
    let same = shop.load().args(["--rounds", "3", "--reset", &shop.refill("20")]).run();
    assert_eq!(result(&same)["notes"], json!([]), "{same:?}");
}

/// A shop that the reset starts anew, and that does not answer at once; it is killed with its folder.
struct Restarted {
    folder: tempfile::TempDir,
}

impl Restarted {
    fn pid(&self) -> PathBuf {
        self.folder.path().join("pid")
    }
}

impl Drop for Restarted {
    fn drop(&mut self) {
        if let Ok(pid) = fs::read_to_string(self.pid()) {
            let _ = Command::new("kill").args(["-9", pid.trim()]).status();
        }
    }
}

#[test]
fn shop_that_the_reset_starts_anew_is_waited_for() {
    let restarted = Restarted { folder: tempfile::tempdir().expect("a temporary folder") };
    let folder = restarted.folder.path();
    // A port that was free a moment ago.
    let addresses = free_addresses(1).expect("a free port");
    let address = addresses[0];
    let program = server();
    let script = format!(
        "cd {folder} && if [ -e pid ]; then kill -9 $(cat pid); tail --pid=$(cat pid) -f /dev/null; fi\n\
         rm -rf db.txt db.txt.ledger\n\
         (sleep 0.3; exec {server} --db db.txt --init 20 --listen {address}) & echo $! > pid",
        folder = folder.display(),
        server = program.path().display(),
    );
    let url = format!("http://{address}");

    let load = run(&url).args(["-c", "30", "--until-sold-out", "--rounds", "3"]);
    let finished = load.args(["--reset", &script]).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let result = result(&finished);
    let initial: Vec<_> =
        result["rounds"].as_array().expect("a list").iter().map(|one| &one["initial"]).collect();
    assert_eq!(initial, [20, 20, 20], "{result:#}");
}

#[test]
fn run_until_all_is_sold_ends_when_every_client_has_been_told() {
    let modes =
        [&["--mode", "task"][..], &["--mode", "thread"], &["--mode", "process"], &["-q", "500"]];
    for mode in modes {
        let shop = Shop::with(30);

        let finished = shop.load().args(mode).run();

        assert_eq!(finished.code, Some(0), "{mode:?}: {finished:?}");
        let result = result(&finished);
        let outcomes = &result["outcomes"];
        assert_eq!((number(&outcomes["sold"]), number(&outcomes["sold_out"])), (30, 8), "{mode:?}");
        assert_eq!(result["sold_out_reached"], true, "{mode:?}: {result:#}");
        assert_eq!((number(&result["unsent"]), &result["untried"]), (0, &json!([])), "{mode:?}");
        assert!(result["elapsed_s"].as_f64().expect("a time") < 30.0, "{mode:?}: {result:#}");
    }
}

#[test]
fn run_until_all_is_sold_has_another_end_where_that_never_comes() {
    let shop = Shop::with(1_000_000);

    let finished = shop.load().args(["-z", "300ms"]).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let result = result(&finished);
    assert_eq!(
        (&result["sold_out_reached"], &result["untried"]),
        (&json!(false), &json!(["sold-out"]))
    );
    assert!(finished.stderr.contains("not every client was told sold out"), "{}", finished.stderr);
    assert!(result["advice"][0].as_str().expect("advice").contains("a longer `-z`"), "{result:#}");

    let required = shop.load().args(["-z", "300ms", "--require", "sold-out,overlap"]).run();
    assert_eq!(required.code, Some(3), "{required:?}");
    let doubts = required.json()["doubts"].to_string();
    assert!(doubts.contains("as `--require sold-out` asks for"), "{doubts}");
    assert!(!doubts.contains("--require overlap"), "{doubts}");
}

#[test]
fn clients_that_come_one_after_the_other_are_no_overlap_that_was_required() {
    let shop = Shop::with(5);

    let plain = shop.load().args(["--patterns", "last-ticket"]).run();
    assert_eq!(plain.code, Some(0), "{plain:?}");

    shop.left.store(5, Ordering::SeqCst);
    let map = shop.folder.path().join("shop.toml");
    let alone = run(&shop.stub.url()).args(["-c", "1", "-n", "9", "--require", "overlap", "--map"]);
    let alone = alone.arg(map).run();
    assert_eq!(alone.code, Some(3), "{alone:?}");
    assert!(alone.json()["doubts"].to_string().contains("--require overlap"), "{alone:?}");
}

/// What the patterns promise, as the operations were recorded.
#[test]
fn patterns_let_clients_come_together_as_they_say() {
    for (pattern, most, at_last) in [("pairs", 2, 2), ("at-once", 8, 8), ("last-ticket", 8, 8)] {
        let shop = Shop::with(20);
        let history = shop.folder.path().join("run.ndjson");

        let load = shop.load().args(["--patterns", pattern, "--history"]).arg(&history);
        let finished = load.run();

        assert_eq!(finished.code, Some(0), "{pattern}: {finished:?}");
        let text = fs::read_to_string(history).expect("it was kept");
        let mut spans: Vec<(u64, u64)> = text
            .lines()
            .skip(1)
            .map(|line| {
                let one: Value = serde_json::from_str(line).expect("a line is JSON");
                (number(&one["call_ns"]), number(&one["return_ns"]))
            })
            .collect();
        spans.sort_unstable();
        let together = |call: u64| spans.iter().filter(|one| one.0 <= call && call < one.1).count();
        let peak = spans.iter().map(|(call, _)| together(*call)).max();
        assert_eq!(peak, Some(most), "{pattern}");
        if pattern == "last-ticket" {
            // The first was the trial; all but the last ticket went alone, and then all want that one.
            assert!(spans[..19].iter().all(|(call, _)| together(*call) == 1), "{spans:?}");
            let wave = &spans[19..19 + at_last];
            let last_call = wave.iter().map(|one| one.0).max();
            assert!(wave.iter().all(|one| Some(one.1) > last_call), "{wave:?}");
        }
    }
}
