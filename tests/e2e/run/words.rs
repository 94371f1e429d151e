//! What a run says: for people, for scripts, and with its exit code.

use std::{
    fs,
    sync::atomic::{AtomicU32, Ordering},
};

use e2e::{Counter, Finished, Program, Stub};
use serde_json::json;

use super::measured::{SEATS_MAP, result, run};
use crate::programs::{loadgen, serve};

#[test]
fn text_is_for_people_and_has_colours_only_on_a_terminal() {
    let counter = Counter::with(30);
    let server = serve(&counter);

    let finished = loadgen().args(["run", server.url(), "-c", "5", "-n", "60", "--latency"]).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let said = &finished.stdout;
    for word in [
        "sold", "sold out", "left", "response", "service", "99.9 %", "max", "█", "1/(1-p)", "valid",
    ] {
        assert!(said.contains(word), "no `{word}`:\n{said}");
    }
    assert!(!said.contains('\u{1b}') && !finished.stderr.contains('\u{1b}'), "{finished:?}");
}

#[test]
fn json_has_the_members_of_the_contract() {
    let counter = Counter::with(30);
    let server = serve(&counter);

    let finished = run(server.url()).args(["-c", "5", "-n", "60"]).run();

    let result = result(&finished);
    for member in [
        "requests",
        "elapsed_s",
        "rate_rps",
        "asked_rate_rps",
        "outcomes",
        "response_us",
        "service_us",
        "verdict",
        "violations",
    ] {
        assert!(result.get(member).is_some(), "no `{member}` in {result}");
    }
    for clock in ["response_us", "service_us"] {
        for member in ["p50", "p90", "p99", "p999", "max"] {
            assert!(result[clock][member].is_number(), "no `{clock}.{member}` in {result}");
        }
    }
}

#[test]
fn terminal_shows_the_run_as_it_goes_on_and_is_given_back() {
    let counter = Counter::with(5);
    let seller = ["--locking", "none", "--check-delay", "5ms", "--write-delay", "5ms"];
    let server = crate::programs::serve_with(&counter, &seller);
    let loadgen = env!("CARGO_BIN_EXE_e2e-loadgen");
    // `script` gives it a terminal of its own.
    let line = format!(
        "stty cols 100 rows 40; exec {loadgen} run {} -c 20 -q 200 -z 2500ms",
        server.url()
    );

    let finished = Program::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env("TERM", "xterm-256color")
        .run();

    assert_eq!(finished.code, Some(1), "{finished:?}");
    let shown = &finished.stdout;
    let (before, rest) = shown.split_once("\u{1b}[?1049h").expect("a second screen");
    let (live, after) = rest.split_once("\u{1b}[?1049l").expect("and back to the first");
    assert_eq!(before.trim(), "");
    for word in ["response", "service", "sold", "left", "asked for", "OVERSOLD"] {
        assert!(live.contains(word), "no `{word}` in {live:?}");
    }
    assert!(after.contains("violation"), "{after:?}");
}

#[test]
fn report_has_both_clocks_and_the_outcomes_beside_the_verdict() {
    let counter = Counter::with(30);
    let server = serve(&counter);
    let page = counter.folder().join("run.html");

    let finished = run(server.url()).args(["-c", "5", "-n", "60", "--report"]).arg(&page).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let html = fs::read_to_string(&page).expect("the page is there");
    for section in ["verdict", "latency", "outcomes", "left", "timeline"] {
        assert!(html.contains(&format!("<section id=\"{section}\"")), "no `{section}`");
    }
    let finished = run(server.url()).args(["--report", "no-such-folder/run.html"]).run();
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("no-such-folder"), "{}", finished.stderr);
}

#[test]
fn result_goes_to_a_file_beside_the_words() {
    let counter = Counter::with(30);
    let server = serve(&counter);
    let [file, page] = ["run.json", "run.html"].map(|name| counter.folder().join(name));
    let load = loadgen().args(["run", server.url(), "-c", "5", "-n", "60", "-o"]).arg(&file);

    let finished = load.arg("--report").arg(&page).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.contains("valid") && !finished.stdout.contains("{\""), "{finished:?}");
    let text = fs::read_to_string(&file).expect("the result is there");
    let result: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!((&result["verdict"], &result["requests"]), (&"valid".into(), &60.into()));

    let same = run(server.url()).args(["--report", "x", "--output", "x"]).run();
    assert_eq!(same.code, Some(2), "{same:?}");
    assert!(same.stderr.contains("`--report` and `--output` name the same file"), "{same:?}");
    let nowhere = run(server.url()).args(["-o", "no-such-folder/run.json"]).run();
    assert_eq!(nowhere.code, Some(2), "{nowhere:?}");
    assert!(nowhere.stderr.contains("`--output`: cannot write `no-such-folder"), "{nowhere:?}");
}

#[test]
fn threshold_that_is_missed_exits_99_and_a_violation_goes_before_it() {
    let counter = Counter::with(30);
    let server = serve(&counter);
    for (rule, code) in [("p(99)<10m", 0), ("response:max<0.001ms", 99), ("errors:rate<0.5", 0)] {
        counter.change_count(30 - i64::try_from(counter.count()).expect("a small count"));

        let finished = run(server.url()).args(["-c", "5", "-n", "60", "--threshold", rule]).run();

        assert_eq!(finished.code, Some(code), "{rule}: {finished:?}");
        let rules = &result(&finished)["thresholds"];
        assert_eq!((&rules[0]["rule"], &rules[0]["passed"]), (&rule.into(), &(code == 0).into()));
    }
    let unsafe_counter = Counter::with(5);
    let seller = ["--locking", "none", "--check-delay", "5ms", "--write-delay", "5ms"];
    let server = crate::programs::serve_with(&unsafe_counter, &seller);
    let missed = ["--threshold", "max<0.001ms"];
    let finished = run(server.url()).args(["-c", "20", "-n", "60"]).args(missed).run();
    assert_eq!(finished.code, Some(1), "{finished:?}");
}

/// Green, a cleared screen, in two spellings, and what follows turned around.
const LOUD: &str = "\u{1b}[32mLOUD\u{1b}[0m\u{1b}[2J\u{9b}2J\u{202e}";

/// `LOUD` is shown, and does nothing.
#[track_caller]
fn assert_is_harmless(finished: &Finished) {
    for said in [&finished.stdout, &finished.stderr] {
        for odd in ["\u{1b}[32mLOUD", "\u{1b}[2J", "\u{9b}", "\u{202e}"] {
            assert!(!said.contains(odd), "{odd:?} in {said:?}");
        }
    }
    assert!(finished.stdout.contains("LOUD") || finished.stderr.contains("LOUD"), "{finished:?}");
}

/// What a shop says is in none of our colours, and moves no cursor, wherever it is told.
#[test]
fn whatever_a_shop_says_is_harmless_on_a_terminal() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [map, history, junit, summary] =
        ["shop.toml", "run.ndjson", "run.xml", "summary.md"].map(|name| folder.path().join(name));
    fs::write(&map, SEATS_MAP).expect("the folder is the test's own");
    let on_terminal = |program: Program| program.env("CLICOLOR_FORCE", "1").arg("--map").arg(&map);
    let shop = |later: &'static str| {
        let asked = AtomicU32::new(0);
        Stub::http(move |request| match request.call.as_str() {
            "GET /left" => ("200 OK", json!({"left": 5}).to_string()),
            _ => {
                let is_first = asked.fetch_add(1, Ordering::SeqCst) == 0;
                let status = if is_first { "201 Created" } else { later };
                (status, json!({"seat": LOUD}).to_string())
            }
        })
    };
    let load = |url: &str| loadgen().args(["run", url, "-c", "4", "-n", "20"]);

    let twice = shop("201 Created");
    let ran = on_terminal(load(&twice.url())).arg("--history").arg(&history).run();
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.contains("\u{1b}[31mviolation"), "our own colours are gone: {ran:?}");
    assert_is_harmless(&ran);
    let rounds = ["--json", "--rounds", "2", "--reset", "true", "--junit"];
    let ran = on_terminal(load(&twice.url())).args(rounds).arg(&junit);
    let ran = ran.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary).run();
    assert_is_harmless(&ran);
    for file in [&junit, &summary] {
        let written = fs::read_to_string(file).expect("it was written");
        assert!(written.contains("LOUD"), "{written}");
        assert!(!written.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{written:?}");
    }
    for json in [&[][..], &["--json"]] {
        let check = loadgen().arg("check").arg(&history).args(json).env("CLICOLOR_FORCE", "1");
        assert_is_harmless(&check.run());
        let url = twice.url();
        assert_is_harmless(&on_terminal(loadgen().args(["try", &url, "--buy"])).args(json).run());
    }

    let unknown = on_terminal(load(&shop("500 Internal Server Error").url())).run();
    assert!(unknown.stdout.contains("no rule of the map knows"), "{unknown:?}");
    assert_is_harmless(&unknown);
    // Of which the first answer is of none of the map's kinds.
    fs::write(&map, SEATS_MAP.replace("201", "202")).expect("the folder is the test's own");
    let refused = on_terminal(load(&twice.url())).run();
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert_is_harmless(&refused);
}
