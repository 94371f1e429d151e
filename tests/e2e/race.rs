//! `loadgen race`: the table that shows what a lock is for, and its exit codes.

use std::time::Duration;

use e2e::{Finished, Program};
use serde_json::{Map, Value};

use crate::programs::loadgen;

const SMALL: [&str; 8] =
    ["--workers", "20", "--tickets", "5", "--check-delay", "20ms", "--write-delay", "40ms"];

#[test]
fn race_catches_the_unsafe_run_and_clears_the_safe_ones_in_every_mode() {
    for mode in ["process", "thread", "task"] {
        let finished = race().args(SMALL).args(["--mode", mode, "--json"]).run();

        assert_eq!(finished.code, Some(0), "{mode}: {finished:?}");
        let runs = runs(&finished);
        let lockings = runs.iter().map(|run| text(run, "locking")).collect::<Vec<_>>();
        assert_eq!(lockings, ["none", "mutex", "file", "group"], "{mode}");
        for run in &runs {
            assert_eq!(text(run, "mode"), mode);
            assert_eq!((run["direct"].as_bool(), number(run, "servers")), (Some(false), 1));
            assert_sums_up(run, 20, 5);
            assert_judged(run, text(run, "locking") != "none");
        }
    }
}

#[test]
fn race_without_a_server_shows_the_same_in_every_mode() {
    for mode in ["process", "thread", "task"] {
        let finished = race().args(SMALL).args(["--mode", mode, "--direct", "--json"]).run();

        assert_eq!(finished.code, Some(0), "{mode}: {finished:?}");
        let runs = runs(&finished);
        let lockings = runs.iter().map(|run| text(run, "locking")).collect::<Vec<_>>();
        assert_eq!(lockings, ["none", "file"], "{mode}");
        for run in &runs {
            assert_eq!(run["direct"], true, "{mode}");
            assert_sums_up(run, 20, 5);
            assert_judged(run, text(run, "locking") == "file");
        }
    }
}

#[test]
fn two_servers_make_a_mutex_unsafe() {
    let finished = race().args(SMALL).args(["--servers", "2", "--json"]).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    for run in runs(&finished) {
        assert_eq!(number(&run, "servers"), 2);
        assert_sums_up(&run, 20, 5);
        assert_judged(&run, matches!(text(&run, "locking"), "file" | "group"));
    }
}

#[test]
fn race_runs_the_lockings_that_were_asked_for_in_that_order() {
    let finished = race().args(SMALL).args(["--locking", "group,none", "--json"]).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let runs = runs(&finished);
    let lockings = runs.iter().map(|run| text(run, "locking")).collect::<Vec<_>>();
    assert_eq!(lockings, ["group", "none"]);
}

#[test]
fn lesson_itself_oversells_without_a_lock() {
    let finished = race()
        .args(["--direct", "--lesson-delays", "--locking", "none", "--json"])
        .args(["--workers", "30", "--tickets", "3"])
        .run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let run = &runs(&finished)[0];
    assert!(number(run, "sold") > 3, "{run:?}");
    assert!(number(run, "lost_updates") > 0, "{run:?}");
    assert_judged(run, false);
}

#[test]
fn race_in_which_nobody_was_refused_proves_nothing() {
    for mode in [&["--direct"][..], &[]] {
        let finished = race()
            .args(["--workers", "5", "--tickets", "50", "--locking", "file", "--json"])
            .args(mode)
            .run();

        assert_eq!(finished.code, Some(3), "{finished:?}");
        let run = &runs(&finished)[0];
        assert_eq!(text(run, "verdict"), "unknown");
        assert_eq!((number(run, "sold"), number(run, "left")), (5, 45));
    }
}

#[test]
fn race_in_which_nothing_overlapped_proves_nothing() {
    let finished =
        race().args(["--workers", "1", "--tickets", "0", "--locking", "none", "--json"]).run();

    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert_eq!(text(&runs(&finished)[0], "verdict"), "unknown");
}

#[test]
fn table_is_for_people_and_has_colours_only_on_a_terminal() {
    let finished = race().args(SMALL).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let said = finished.stdout.to_lowercase();
    for word in [
        "none",
        "mutex",
        "file",
        "group",
        "sold",
        "left",
        "oversold",
        "lost updates",
        "duplicate",
        "violation",
        "valid",
    ] {
        assert!(said.contains(word), "no `{word}`:\n{}", finished.stdout);
    }
    assert!(!finished.stdout.contains('\u{1b}') && !finished.stderr.contains('\u{1b}'));
    let widest = finished.stdout.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?} columns:\n{}", finished.stdout);
}

#[test]
fn command_that_cannot_be_meant_is_refused_by_name() {
    for (arguments, named) in [
        (&["race", "--workers", "0"][..], "--workers"),
        (&["race", "--workers", "-1"], "--workers"),
        (&["race", "--workers", "many"], "--workers"),
        (&["race", "--tickets", "-1"], "--tickets"),
        (&["race", "--tickets", "1.5"], "--tickets"),
        (&["race", "--servers", "0"], "--servers"),
        (&["race", "--mode", "fiber"], "--mode"),
        (&["race", "--locking", "hope"], "--locking"),
        (&["race", "--locking", ""], "--locking"),
        (&["race", "--direct", "--locking", "mutex"], "--locking"),
        (&["race", "--direct", "--locking", "group"], "--locking"),
        (&["race", "--direct", "--servers", "2"], "--servers"),
        (&["race", "--check-delay", "soon"], "--check-delay"),
        (&["race", "--write-delay", "-1ms"], "--write-delay"),
        (&["race", "--no-such-option"], "--no-such-option"),
        (&["no-such-command"], "no-such-command"),
        (&[], "race"),
    ] {
        let finished = loadgen().args(arguments).run();

        assert_eq!(finished.code, Some(2), "{arguments:?}: {finished:?}");
        assert!(finished.stderr.contains(named), "{arguments:?}: {}", finished.stderr);
        assert_eq!(finished.stdout, "", "{arguments:?}");
    }
}

fn race() -> Program {
    loadgen().arg("race").within(Duration::from_secs(60))
}

/// The runs of a race that was asked for JSON.
#[track_caller]
fn runs(finished: &Finished) -> Vec<Map<String, Value>> {
    let answer = finished.json();
    let runs = answer["runs"].as_array().unwrap_or_else(|| panic!("no runs in {answer}"));
    runs.iter().map(|run| run.as_object().expect("a run is an object").clone()).collect()
}

#[track_caller]
fn number(run: &Map<String, Value>, field: &str) -> u64 {
    run[field].as_u64().unwrap_or_else(|| panic!("`{field}` is no number in {run:?}"))
}

#[track_caller]
fn text<'a>(run: &'a Map<String, Value>, field: &str) -> &'a str {
    run[field].as_str().unwrap_or_else(|| panic!("`{field}` is no text in {run:?}"))
}

/// The figures of one run agree with each other, as `CONTRACT.md` defines them.
#[track_caller]
fn assert_sums_up(run: &Map<String, Value>, workers: u64, tickets: u64) {
    let sold = number(run, "sold");
    let left = number(run, "left");
    assert_eq!((number(run, "workers"), number(run, "tickets")), (workers, tickets));
    assert_eq!((number(run, "errors"), number(run, "unknown")), (0, 0), "{run:?}");
    assert_eq!(sold + number(run, "sold_out"), workers, "everybody is answered: {run:?}");
    assert_eq!(number(run, "oversold"), sold.saturating_sub(tickets), "{run:?}");
    let gone = tickets.saturating_sub(left);
    assert_eq!(number(run, "lost_updates"), sold.saturating_sub(gone), "{run:?}");
    assert!(number(run, "duplicate_tickets") <= sold, "{run:?}");
    assert!(run["elapsed_s"].as_f64().is_some_and(|seconds| seconds > 0.0), "{run:?}");
}

/// A safe run sold each ticket once; an unsafe one was caught.
#[track_caller]
fn assert_judged(run: &Map<String, Value>, is_safe: bool) {
    let faults = ["oversold", "lost_updates", "duplicate_tickets"].map(|fault| number(run, fault));
    if is_safe {
        assert_eq!(text(run, "verdict"), "valid", "{run:?}");
        assert_eq!(faults, [0, 0, 0], "{run:?}");
        assert_eq!((number(run, "sold"), number(run, "left")), (number(run, "tickets"), 0));
    } else {
        assert_eq!(text(run, "verdict"), "violation", "{run:?}");
        assert!(faults.iter().any(|fault| *fault > 0), "{run:?}");
    }
}
