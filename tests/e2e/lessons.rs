//! `loadgen lesson`: every program of the lesson sees what it teaches, and the opposite when the
//! very thing that it relies on is left out.

use std::{fs, time::Duration};

use e2e::{Counter, Finished, Program};
use serde_json::Value;

use crate::programs::loadgen;

/// In the order in which to learn.
const NAMES: [&str; 10] = [
    "join",
    "daemon-thread",
    "daemon-process",
    "memory-mutex",
    "file-mutex",
    "reentrant-lock",
    "producer-consumer",
    "thread-pool",
    "process-pool",
    "cpu-or-io",
];

/// How often a lesson is run that could not tell: this machine runs other tests at the same time,
/// and a lesson says "unknown" where threads were left waiting too long.
const TRIES: u32 = 6;

const UNKNOWN: Option<i32> = Some(3);

#[test]
fn all_lessons_see_what_they_teach_within_a_minute() {
    let finished =
        until_known(&lesson(&["all", "--fast", "--json"]).within(Duration::from_secs(60)));

    assert_eq!(finished.code, Some(0), "{}", verdicts(&finished));
    let answer = finished.json();
    assert_eq!(answer["verdict"], "valid");
    assert_eq!(names(&answer), NAMES);
    for lesson in lessons(&answer) {
        assert_complete(lesson);
    }
    for name in NAMES {
        assert!(finished.stderr.contains(&format!("── {name} ")), "the words are on stderr");
    }
}

#[test]
fn sabotaged_lesson_of_threads_sees_the_opposite() {
    for name in ["join", "daemon-thread", "memory-mutex", "producer-consumer", "thread-pool"] {
        sees_the_opposite(&[name, "--fast"]);
    }
}

#[test]
fn sabotaged_lesson_of_processes_sees_the_opposite() {
    for name in ["daemon-process", "file-mutex", "reentrant-lock", "process-pool"] {
        sees_the_opposite(&[name, "--fast"]);
    }
}

#[test]
fn sabotaged_lesson_of_cores_sees_the_opposite() {
    sees_the_opposite(&["cpu-or-io"]);
}

#[test]
fn cpython_shows_its_global_interpreter_lock() {
    let finished = until_known(&lesson(&["cpu-or-io", "--python", "--json"]));

    assert_eq!(finished.code, Some(0), "{}", verdicts(&finished));
    let answer = finished.json();
    let claims = lessons(&answer)[0]["findings"].to_string();
    assert!(claims.contains("interpreter lock"), "{claims}");
    assert!(finished.stderr.contains("CPython, four threads"), "{}", finished.stderr);
}

#[test]
fn lesson_without_a_name_lists_them_in_the_order_in_which_to_learn() {
    let finished = lesson(&[]).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(finished.stderr, "");
    let places = NAMES.map(|name| finished.stdout.find(&format!(" {name} ")));
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{}", finished.stdout);
    assert!(finished.stdout.lines().all(|line| line.chars().count() <= 80), "{}", finished.stdout);

    let finished = lesson(&["--json"]).run();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(names(&finished.json()), NAMES);
}

#[test]
fn lesson_prints_who_did_what_and_a_timeline_on_stdout() {
    let finished = until_known(&lesson(&["join", "--fast"]));

    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(finished.stderr, "");
    for words in ["Joined inside the loop", "thread 2", "step 5 of 5", "█", "Verdict: valid"] {
        assert!(finished.stdout.contains(words), "{words}: {}", finished.stdout);
    }
    assert!(finished.stdout.contains("loadgen/src/worker/fleet/thread.rs"), "{}", finished.stdout);
    assert!(finished.stdout.lines().all(|line| line.chars().count() <= 80), "{}", finished.stdout);
    assert!(!finished.stdout.contains('\u{1b}'));
}

#[test]
fn page_of_the_lessons_is_one_file_that_asks_nobody_for_anything() {
    let counter = Counter::missing();
    let path = counter.folder().join("lesson.html");
    let report = path.to_str().expect("a path in UTF-8");
    let finished = until_known(&lesson(&["reentrant-lock", "--fast", "--report", report]));

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let page = fs::read_to_string(&path).expect("the page is there");
    assert!(page.starts_with("<!doctype html>"));
    for words in ["reentrant-lock", "<svg", "server/src/ledger/file/locks.rs", "valid"] {
        assert!(page.contains(words), "{words}");
    }
    for outside in ["http://", "https://", "<script", "<link", "src="] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn command_that_makes_no_lesson_is_refused_by_name() {
    for (arguments, named) in [
        (&["jion"][..], "'join'"),
        (&["deamon-process"], "'daemon-process'"),
        (&["no-such-lesson"], "producer-consumer"),
        (&[""], "NAME"),
        (&["join", "--step", "soon"], "--step"),
        (&["join", "--step", "0ms"], "--step"),
        (&["join", "--step", "-1s"], "--step"),
        (&["join", "--step", "1h"], "--step"),
        (&["join", "--check-delay", "1s"], "--check-delay"),
        (&["daemon-process", "--short", "3s"], "--long"),
        (&["join", "--report", "no-such-folder/lesson.html"], "no-such-folder"),
        (&["--fast"], "NAME"),
    ] {
        let finished = lesson(arguments).run();

        assert_eq!(finished.code, Some(2), "{arguments:?}: {finished:?}");
        assert!(finished.stderr.contains(named), "{arguments:?}: {}", finished.stderr);
        assert_eq!(finished.stdout, "", "{arguments:?}");
    }
}

fn lesson(arguments: &[&str]) -> Program {
    loadgen().arg("lesson").args(arguments).within(Duration::from_secs(60))
}

/// Runs `program` until it could tell, or too often.
#[track_caller]
fn until_known(program: &Program) -> Finished {
    let mut finished = program.run();
    for _ in 1..TRIES {
        if finished.code != UNKNOWN {
            break;
        }
        finished = program.run();
    }
    finished
}

#[track_caller]
fn sees_the_opposite(arguments: &[&str]) {
    let finished = until_known(&lesson(arguments).args(["--sabotage", "--json"]));

    assert_eq!(finished.code, Some(1), "{arguments:?}: {}", verdicts(&finished));
    assert_eq!(finished.json()["verdict"], "violation", "{arguments:?}");
    assert!(finished.stderr.contains("--sabotage"), "{arguments:?}");
}

fn lessons(answer: &Value) -> &[Value] {
    answer["lessons"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn names(answer: &Value) -> Vec<&str> {
    lessons(answer).iter().filter_map(|lesson| lesson["name"].as_str()).collect()
}

/// Each lesson with what was seen of its claims, for a test that fails.
fn verdicts(finished: &Finished) -> String {
    let Ok(answer) = serde_json::from_str::<Value>(&finished.stdout) else {
        return format!("{finished:?}");
    };
    let told = lessons(&answer).iter().map(|lesson| {
        format!("{} {}: {:#}", lesson["name"], lesson["verdict"], lesson["findings"])
    });
    told.collect::<Vec<_>>().join("\n")
}

/// The object of one lesson has all that scripts may rely on.
#[track_caller]
fn assert_complete(lesson: &Value) {
    let name = &lesson["name"];
    assert_eq!(lesson["verdict"], "valid", "{name}");
    assert!(lesson["elapsed_s"].as_f64() > Some(0.0), "{name}");
    for text in ["teaches", "shows"] {
        assert!(lesson[text].as_str().is_some_and(|text| !text.is_empty()), "{name}: {text}");
    }
    let each = |list: &str, texts: &[&str]| {
        let items = lesson[list].as_array().unwrap_or_else(|| panic!("{name}: no `{list}`"));
        assert!(!items.is_empty(), "{name}: {list}");
        for item in items {
            for text in texts {
                assert!(item[text].is_string(), "{name}: {list}: {text}: {item}");
            }
        }
    };
    each("findings", &["claim", "verdict", "seen"]);
    each("product", &["file", "what"]);
    each("scenes", &["title"]);
    let scenes = lesson["scenes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let events = scenes.iter().flat_map(|scene| scene["events"].as_array().into_iter().flatten());
    let mut count = 0;
    for event in events {
        count += 1;
        assert!(event["who"].is_string() && event["what"].is_string(), "{name}: {event}");
        assert!(event["at_s"].as_f64() >= Some(0.0), "{name}: {event}");
    }
    assert!(count > 3, "{name}: {count} events");
}
