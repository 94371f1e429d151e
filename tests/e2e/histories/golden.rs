//! Histories whose verdict is in their name, in `tests/histories`: a file, or a folder of parts.

use std::{
    fs,
    path::{Path, PathBuf},
};

use e2e::Finished;
use serde_json::Value;

use crate::programs::loadgen;

#[test]
fn every_golden_history_is_judged_as_its_name_says() {
    let histories = golden();
    assert!(histories.len() > 40, "{histories:?}");

    let wrong: Vec<String> = histories.iter().filter_map(|path| complaint(path)).collect();

    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_kind_of_violation_has_a_golden_history() {
    let names: Vec<String> = golden().iter().map(|path| name(path)).collect();
    for kind in [
        "oversell",
        "undersell",
        "duplicate-ticket",
        "lost-update",
        "not-linearizable",
        "false-sold-out",
        "lost-sale",
        "answered-twice",
        "impossible-count",
    ] {
        let has_it = |name: &String| name.starts_with(kind) && name.contains(".violation");
        assert!(names.iter().any(has_it), "{kind}");
    }
}

#[test]
fn counterexamples_are_small_and_told_in_sentences() {
    for path in golden().iter().filter(|path| name(path).contains(".violation")) {
        let answer = check(path, &["--json"]).json();

        let smallest = &answer["violations"][0];
        let operations = smallest["operations"].as_array().expect("operations");
        assert!((1..=4).contains(&operations.len()), "{}: {smallest}", path.display());
        for operation in operations {
            assert!(operation["line"].as_u64() > Some(1), "{}: {operation}", path.display());
            assert!(operation["process"].is_u64(), "{}: {operation}", path.display());
        }
        let story = smallest["story"].as_array().expect("a story");
        assert!(!story.is_empty(), "{}: {smallest}", path.display());
    }
}

/// What is wrong with the verdict on `path`, if anything is.
fn complaint(path: &Path) -> Option<String> {
    let name = name(path);
    let mut parts = name.split('.');
    let (what, verdict) = (parts.next()?, parts.next()?);
    let finished = check(path, &["--json"]);
    let code = match verdict {
        "valid" => 0,
        "violation" => 1,
        "refused" => 2,
        _ => 3,
    };
    if finished.code != Some(code) {
        return Some(format!("{name}: {finished:?}"));
    }
    if verdict == "refused" {
        let named = finished.stderr.contains(&*path.to_string_lossy());
        return (!named || !finished.stdout.is_empty()).then(|| format!("{name}: {finished:?}"));
    }
    let answer = finished.json();
    let is_said = answer["verdict"] == verdict;
    let kinds: Vec<&str> = answer["violations"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|violation| violation["kind"].as_str())
        .collect();
    let is_named = verdict != "violation" || kinds.iter().any(|kind| what.starts_with(kind));
    let is_explained = verdict != "unknown" || !doubts(&answer).is_empty();
    (!(is_said && is_named && is_explained)).then(|| format!("{name}: {answer}"))
}

fn doubts(answer: &Value) -> Vec<&str> {
    answer["doubts"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn check(path: &Path, flags: &[&str]) -> Finished {
    let parts = if path.is_dir() { listed(path) } else { vec![path.to_owned()] };
    loadgen().arg("check").args(parts).args(flags).run()
}

fn golden() -> Vec<PathBuf> {
    listed(&Path::new(env!("CARGO_MANIFEST_DIR")).join("histories"))
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("an entry can be read").path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}
