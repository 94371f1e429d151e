//! `loadgen export`: a history as Jepsen's operation maps.

use std::{collections::BTreeMap, fs, path::PathBuf};

use e2e::{Counter, Program};
use serde_json::{Value, json};

use crate::programs::loadgen;

#[test]
fn every_call_is_answered_and_the_events_are_in_order() {
    for model in ["counter", "cas-register", "rw-register"] {
        let finished = export("race.valid.ndjson").args(["--model", model]).run();

        assert_eq!(finished.code, Some(0), "{finished:?}");
        let events = finished.json();
        let events = events.as_array().expect("one list");
        // elle-cli takes a file as one value; people take it line by line.
        assert_eq!(finished.stdout.lines().count(), events.len());
        let times: Vec<u64> = events.iter().map(|event| number(event, "time")).collect();
        assert!(times.is_sorted(), "{times:?}");
        let mut open: BTreeMap<u64, &Value> = BTreeMap::new();
        for (at, event) in events.iter().enumerate() {
            assert_eq!(number(event, "index"), at as u64);
            let process = number(event, "process");
            match event["type"].as_str() {
                Some("invoke") => assert_eq!(open.insert(process, &event["f"]), None, "{event}"),
                Some("ok" | "fail") => assert_eq!(open.remove(&process), Some(&event["f"])),
                other => panic!("{other:?}"),
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }
}

#[test]
fn models_say_what_each_sale_and_each_search_did() {
    let values = |model: &str, r#type: &str| {
        let events = export("race.valid.ndjson").args(["--model", model]).run().json();
        let events = events.as_array().expect("one list").clone();
        let of_type = events.into_iter().filter(|event| event["type"] == r#type);
        of_type.map(|event| json!([event["f"], event["value"]])).collect::<Vec<_>>()
    };
    assert_eq!(
        values("counter", "ok"),
        [
            json!(["read", 0]),
            json!(["add", 1]),
            json!(["add", 1]),
            json!(["read", 2]),
            json!(["read", 2])
        ]
    );
    assert_eq!(
        values("cas-register", "ok"),
        [
            json!(["write", 2]),
            json!(["read", 2]),
            json!(["cas", [2, 1]]),
            json!(["cas", [1, 0]]),
            json!(["read", 0]),
            json!(["read", 0])
        ]
    );
    assert_eq!(
        values("rw-register", "ok")[1..3],
        [
            json!(["txn", [["r", "sold", null], ["w", "sold", 1]]]),
            json!(["txn", [["r", "sold", 1], ["w", "sold", 2]]])
        ]
    );
    assert_eq!(values("cas-register", "invoke")[1], json!(["read", null]));
}

#[test]
fn call_that_nobody_answered_is_info() {
    let name = "unknown-sale-that-happened.valid.ndjson";

    let events = export(name).run().json();
    let refused = export(name).args(["--model", "cas-register"]).run();

    let lost = events.as_array().expect("one list").iter().filter(|event| event["process"] == 2);
    let lost: Vec<&Value> = lost.map(|event| &event["type"]).collect();
    assert_eq!(lost, ["invoke", "info"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("ndjson:3: the model `cas-register` cannot"), "{refused:?}");
    assert!(refused.stderr.contains("hint: "), "{refused:?}");
}

#[test]
fn one_of_several_histories_is_chosen_by_its_name() {
    let name = "duplicate-ticket-in-the-second-run.violation.ndjson";

    let undecided = export(name).run();
    let chosen = export(name).args(["--run", "none"]).run();

    assert_eq!(undecided.code, Some(2), "{undecided:?}");
    assert!(undecided.stderr.contains("`group`, `none`"), "{}", undecided.stderr);
    assert_eq!(chosen.json().as_array().map(Vec::len), Some(4), "{chosen:?}");
}

#[test]
fn export_is_written_to_the_file_that_is_named() {
    let folder = Counter::missing();
    let path = folder.folder().join("race.json");

    let finished = export("race.valid.ndjson").arg("--output").arg(&path).run();
    let lacking = export("torn-last-line.unknown.ndjson").run();

    assert_eq!((finished.code, &*finished.stdout), (Some(0), ""), "{finished:?}");
    let text = fs::read_to_string(path).expect("it is written");
    assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
    assert_eq!(lacking.code, Some(3), "{lacking:?}");
    assert!(lacking.stderr.contains("warning: "), "{}", lacking.stderr);
}

fn export(name: &str) -> Program {
    let histories = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("histories");
    loadgen().arg("export").arg(histories.join(name))
}

#[track_caller]
fn number(event: &Value, member: &str) -> u64 {
    event[member].as_u64().unwrap_or_else(|| panic!("no `{member}` in {event}"))
}
