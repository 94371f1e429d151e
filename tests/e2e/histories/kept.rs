//! `race --history`: all that the workers saw, in one file.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use e2e::{Counter, Program};
use serde_json::{Value, json};

use crate::programs::loadgen;

const SMALL: [&str; 6] = ["--workers", "20", "--tickets", "5", "--mode", "task"];

#[test]
fn result_is_kept_in_a_file_as_it_is_printed() {
    let folder = Counter::missing();
    let (history, file) = (folder.folder().join("race.ndjson"), folder.folder().join("x.json"));
    let kept = |program: Program| {
        let printed = program.args(["--json", "-o"]).arg(&file).run().json();
        let kept = fs::read_to_string(&file).expect("the result is there");
        assert_eq!(serde_json::from_str::<Value>(&kept).expect("one object"), printed);
        fs::remove_file(&file).expect("own file");
    };
    kept(race(&history).args(SMALL).args(["--locking", "group"]));
    kept(loadgen().arg("check").arg(&history));
    kept(loadgen().arg("shops"));
    kept(loadgen().args(["chaos", "--rounds", "1", "--servers", "1"]));
}

#[test]
fn race_is_judged_from_its_file_as_it_was_judged_at_once() {
    let folder = Counter::missing();
    let path = folder.folder().join("race.ndjson");

    let raced = race(&path).args(SMALL).arg("--json").run();
    let checked = loadgen().arg("check").arg(&path).arg("--json").run();

    assert_eq!(raced.code, Some(0), "{raced:?}");
    assert_eq!(checked.code, Some(1), "an unsafe run is a violation: {checked:?}");
    let (raced, checked) = (raced.json(), checked.json());
    let runs = raced["runs"].as_array().expect("runs");
    let histories = checked["histories"].as_array().expect("histories");
    assert_eq!((runs.len(), histories.len()), (4, 4));
    for (run, history) in runs.iter().zip(histories) {
        assert_eq!(history["label"], run["locking"]);
        assert_eq!(history["verdict"], run["verdict"], "{history}");
        assert_eq!(history["operations"], 40);
        assert_eq!(history["untried"], run["untried"]);
        // A race is for the last ticket, and a check of it is not.
        let doubts = run["doubts"].as_array().expect("doubts").iter();
        let doubts: Vec<_> = doubts.filter(|doubt| **doubt != "nobody was told sold out").collect();
        assert_eq!(history["doubts"], serde_json::json!(doubts));
        assert_eq!(without_places(&history["violations"]), run["violations"]);
    }
    assert_eq!(fs::read_dir(folder.folder()).expect("the folder").count(), 1);
}

#[test]
fn violations_of_a_race_bring_the_operations_and_their_story() {
    let ways = [
        ("none", &["--locking", "none"][..]),
        ("none", &["--locking", "none", "--direct"]),
        ("mutex", &["--locking", "mutex", "--servers", "2"]),
    ];
    for (locking, way) in ways {
        let folder = Counter::missing();
        let raced = race(&folder.folder().join("x")).args(SMALL).args(way).arg("--json").run();

        let run = &raced.json()["runs"][0];
        let smallest = &run["violations"][0];
        let operations = smallest["operations"].as_array().expect("operations");
        assert!((1..=4).contains(&operations.len()), "{smallest}");
        assert!(operations.iter().all(|one| one["op"] == "buy" && one["outcome"] == "sold"));
        assert!(smallest["story"].as_array().is_some_and(|story| !story.is_empty()), "{smallest}");
        let told = format!("For example, under `{locking}`:");
        assert!(raced.stderr.contains(&told), "{}", raced.stderr);
    }
}

#[test]
fn sellers_of_the_lesson_have_their_critical_sections_in_the_history() {
    for way in [&["--direct"][..], &[]] {
        let folder = Counter::missing();
        let path = folder.folder().join("race.ndjson");
        let raced = race(&path).args(SMALL).args(way).args(["--locking", "none,file"]).run();
        assert_eq!(raced.code, Some(0), "{raced:?}");

        let sections = sections(&path);
        assert_eq!(sections.len(), 2, "two runs");
        for section in sections.iter().flatten() {
            assert!(section.0 < section.1, "{section:?}");
        }
        assert!(overlap(&sections[0]), "without a lock: {sections:?}");
        assert!(!overlap(&sections[1]), "under the lock: {sections:?}");
    }
}

#[test]
fn group_commit_has_no_sections_and_ends_at_a_revision() {
    let folder = Counter::missing();
    let path = folder.folder().join("race.ndjson");

    race(&path).args(SMALL).args(["--locking", "group"]).run();

    let lines = lines(&path);
    assert_eq!(lines[0]["history"], 1);
    assert_eq!((&lines[0]["initial"], &lines[0]["left"]), (&json!(5), &json!(0)));
    assert_eq!((&lines[0]["left_revision"], &lines[0]["label"]), (&json!(5), &json!("group")));
    assert!(lines[0]["run"].is_string() && lines[0]["clock"].is_string());
    assert!(lines[1..].iter().all(|line| line.get("section").is_none()));
}

#[test]
fn file_is_replaced_whole_and_with_the_usual_permissions() {
    let folder = Counter::missing();
    let path = folder.folder().join("race.ndjson");
    fs::write(&path, "something older").expect("own folder");
    let usual = fs::metadata(&path).expect("own file").permissions().mode();

    race(&path).args(SMALL).args(["--locking", "group"]).run();

    assert_eq!(lines(&path).len(), 41);
    assert_eq!(fs::metadata(&path).expect("own file").permissions().mode(), usual);
}

#[test]
fn place_that_cannot_be_written_is_refused_before_the_race() {
    let folder = Counter::missing();
    let taken = folder.folder().to_owned();
    for path in [folder.folder().join("no/such/folder/x"), taken, "/dev/null".into()] {
        let refused = race(&path).args(SMALL).run();

        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains("`--history`"), "{}", refused.stderr);
        assert!(refused.stderr.contains(&*path.to_string_lossy()), "{}", refused.stderr);
        assert!(!refused.stderr.contains("race 1 of"), "{}", refused.stderr);
    }
}

fn race(history: &Path) -> Program {
    loadgen().arg("race").arg("--history").arg(history)
}

#[track_caller]
fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("the history is there");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The critical sections of each run.
fn sections(path: &Path) -> Vec<Vec<(u64, u64)>> {
    let mut runs: Vec<Vec<(u64, u64)>> = Vec::new();
    for line in lines(path) {
        if line.get("history").is_some() {
            runs.push(Vec::new());
        } else if line["op"] == "buy" {
            let time = |name: &str| line["section"][name].as_u64().expect("a time");
            runs.last_mut().expect("a header").push((time("read_ns"), time("write_ns")));
        }
    }
    runs
}

fn overlap(sections: &[(u64, u64)]) -> bool {
    let mut sorted = sections.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| pair[1].0 < pair[0].1)
}

/// Violations as the race itself tells them.
fn without_places(violations: &Value) -> Value {
    let mut violations = violations.clone();
    for violation in violations.as_array_mut().into_iter().flatten() {
        for operation in violation["operations"].as_array_mut().into_iter().flatten() {
            let operation = operation.as_object_mut().expect("an object");
            operation.remove("file");
            operation.remove("line");
        }
    }
    violations
}

/// As another program's output, and as a log that was packed.
#[test]
fn history_is_read_from_standard_input_and_as_gzip_packed_it() {
    let folder = Counter::missing();
    let path = folder.folder().join("race.ndjson");
    let raced = race(&path).args(SMALL).args(["--locking", "file"]).run();
    assert_eq!(raced.code, Some(0), "{raced:?}");

    let script = r#"gzip "$1" && gzip -dc "$1.gz" | "$0" check - && "$0" check "$1.gz""#;
    let said = Program::new("sh").args(["-c", script]).arg(loadgen().path()).arg(&path).run();

    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.stdout.matches("valid, 40 operations").count(), 2, "{said:?}");
}
