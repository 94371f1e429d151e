//! `--report` of a race and of a check: the same page, and the same numbers in the JSON.

use std::{fs, path::Path};

use e2e::Counter;
use serde_json::Value;

use crate::programs::loadgen;

const SMALL: [&str; 6] = ["--workers", "12", "--tickets", "3", "--mode", "task"];

#[test]
fn pages_of_a_race_and_of_its_check_tell_the_numbers_of_the_json() {
    let folder = Counter::missing();
    let at = |name: &str| folder.folder().join(name);
    let (history, race_page, check_page) = (at("race.ndjson"), at("race.html"), at("check.html"));

    let raced = loadgen()
        .args(["race", "--locking", "none,file", "--json", "--history"])
        .arg(&history)
        .arg("--report")
        .arg(&race_page)
        .args(SMALL)
        .run();
    let checked =
        loadgen().args(["check", "--json", "--report"]).arg(&check_page).arg(&history).run();

    assert_eq!((raced.code, checked.code), (Some(0), Some(1)), "{raced:?} {checked:?}");
    let figures = figures_on(&race_page);
    assert_eq!(figures, raced.json()["figures"]);
    assert_eq!(figures, checked.json()["figures"]);
    assert_eq!(figures, figures_on(&check_page));
    assert_eq!(figures[0]["verdict"], "violation");
    assert!(figures[0]["promised_left_min"].as_i64() < Some(0), "{figures}");
    assert_eq!(figures[0]["sections_overwriting"], figures[0]["counts"]["lost_updates"]);
    assert_eq!(figures[1]["sections_at_once_max"], 1, "under the lock");
    let page = fs::read_to_string(&race_page).expect("the page");
    for told in ["A race of 12 tasks for 3 tickets", "Command line", "--locking none,file"] {
        assert!(page.contains(told), "no `{told}` on the page");
    }
}

#[test]
fn page_without_a_place_is_refused_before_anybody_buys() {
    let folder = Counter::missing();
    let page = folder.folder().join("no/folder/page.html");
    let raced = loadgen().args(["race", "--report"]).arg(&page).args(SMALL).run();

    assert_eq!(raced.code, Some(2), "{raced:?}");
    assert!(raced.stderr.contains("`--report`: cannot write `"), "{}", raced.stderr);
    assert!(!raced.stderr.contains("race 1 of"), "{}", raced.stderr);
}

#[test]
fn page_of_a_check_never_replaces_its_history() {
    let folder = Counter::missing();
    let history = folder.folder().join("race.ndjson");
    fs::write(&history, "{\"history\":1,\"initial\":1}\n").expect("a history");
    let checked = loadgen().args(["check", "--report"]).arg(&history).arg(&history).run();

    assert_eq!(checked.code, Some(2), "{checked:?}");
    assert!(checked.stderr.contains("is a history"), "{}", checked.stderr);
    let kept = fs::read_to_string(&history).expect("the history");
    assert_eq!(kept, "{\"history\":1,\"initial\":1}\n");
}

/// The numbers that a page carries for programs.
fn figures_on(page: &Path) -> Value {
    let page = fs::read_to_string(page).expect("the page");
    let (_, rest) = page.split_once("id=\"figures\">").expect("figures on the page");
    let (json, _) = rest.split_once("</script>").expect("the end of the figures");
    serde_json::from_str(json).expect("figures in JSON")
}
