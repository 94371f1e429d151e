//! `GET /openapi.json`: it is valid, it has every call, and the server does as it says.
//!
//! A validator and a generator of requests, both Python programs, are held against a running server.

use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};

use e2e::{Counter, Finished, Program, Server};
use serde_json::{Value, json};

use crate::{
    operator::{TOKEN, serve_for_operator},
    programs::{serve, serve_with},
    python_tools::python_tool,
};

/// How long the generator goes on, in seconds: its first phase, which is the same each time, takes about ten.
const GENERATED_FOR: u32 = 60;

#[test]
fn description_is_valid_and_the_validator_sees_what_is_not() {
    let counter = Counter::with(10);
    let mut description = described(&serve(&counter));

    let valid = validate(&counter, &description);
    assert_eq!(valid.code, Some(0), "{valid:?}");

    // A control: a call without answers.
    description["paths"]["/buy"]["post"]["responses"] = json!(null);
    let invalid = validate(&counter, &description);
    assert_eq!(invalid.code, Some(1), "{invalid:?}");
}

#[test]
fn every_call_is_described_by_its_method_path_and_words() {
    let counter = Counter::with(10);
    let server = serve(&counter);
    let description = described(&server);
    let mut told = BTreeSet::new();
    for (path, item) in description["paths"].as_object().expect("there are paths") {
        for (method, call) in item.as_object().expect("a path has methods") {
            let words = call["summary"].as_str().expect("a call has words");
            told.insert(format!("{} {path} {words}", method.to_uppercase()));
        }
    }

    let all = server.get("/nothing").json();

    let all = all["calls"].as_array().expect("the calls are named to who is lost").iter();
    let all: BTreeSet<_> = all.map(|call| call.as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(told, all);
}

#[test]
fn description_has_the_limits_of_its_server() {
    let counter = Counter::with(10);
    let limits = ["--max-per-order", "3", "--hold-max", "90s", "--refunds", "buyer"];
    let (usual, special) = (described(&serve(&counter)), described(&serve_with(&counter, &limits)));
    let number = |of: &Value, schema: &str, member: &str| {
        of["components"]["schemas"][schema]["properties"][member]["maximum"].as_u64()
    };

    for (schema, member, usual_max, special_max) in [
        ("BuyMembers", "quantity", 10, 3),
        ("HoldMembers", "quantity", 10, 3),
        ("HoldMembers", "seconds", 86_400, 90),
        ("RestockMembers", "quantity", (1 << 53) - 1, (1 << 53) - 1),
    ] {
        assert_eq!(number(&usual, schema, member), Some(usual_max), "{schema} {member}");
        assert_eq!(number(&special, schema, member), Some(special_max), "{schema} {member}");
    }
    let refund = |of: &Value| of["paths"]["/receipts/{receipt}"]["delete"]["security"].clone();
    assert_eq!((refund(&usual), refund(&special)), (json!([{"operator": []}]), json!(null)));
}

#[test]
fn description_says_whether_a_buyer_is_named() {
    let counter = Counter::with(10);
    let with = |rule: &str| {
        let description = described(&serve_with(&counter, &["--buyer", rule]));
        description["components"]["schemas"]["BuyMembers"].clone()
    };

    let (none, optional, required) = (with("none"), with("optional"), with("required"));

    assert_eq!(none["properties"]["buyer"], json!({"type": "null"}));
    assert_eq!(optional["properties"]["buyer"]["type"], json!(["string", "null"]));
    assert_eq!(optional["required"], json!(null));
    assert_eq!(required["properties"]["buyer"]["type"], "string");
    assert_eq!(required["required"], json!(["buyer"]));
}

#[test]
fn generated_requests_are_answered_as_described() {
    let counter = Counter::with(1_000_000);
    let server = serve_for_operator(&counter, &[]);

    let run = generate(&counter, &address_of(&server), GENERATED_FOR, &[]);

    assert_eq!(run.code, Some(0), "{}", run.stdout);
    let found = server.search();
    let sold = found["sold"].as_u64().expect("a number");
    assert!(sold > 0, "{found}");
    assert_eq!(server.terminate().code, Some(0));
    let verified = crate::programs::server().arg("verify").arg("--db").arg(counter.path()).run();
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

/// Its answers have members of their own, and others are null.
#[test]
fn generated_requests_to_a_lesson_are_answered_as_described() {
    let counter = Counter::with(1_000_000);
    let server = serve_for_operator(&counter, &["--locking", "mutex"]);
    // What only the group commit can do is answered with 503.
    let checks = ["--exclude-checks", "use_after_free,not_a_server_error"];
    let only = ["--phases", "coverage,fuzzing"];

    let run = generate(&counter, &address_of(&server), 20, &[checks, only].concat());

    assert_eq!(run.code, Some(0), "{}", run.stdout);
}

/// A control: of a description that is wrong in one member, the generator says so.
#[test]
fn generator_sees_an_answer_that_is_not_as_described() {
    let counter = Counter::with(100);
    let server = serve_for_operator(&counter, &[]);
    let mut description = described(&server);
    description["components"]["schemas"]["CountAnswer"]["properties"]["count"] =
        json!({"type": "string"});
    let file = written(&counter, &description);
    let only = ["--include-path", "/search", "--phases", "coverage", "--url", server.url()];

    let run = generate(&counter, &file.display().to_string(), 20, &only);

    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(run.stdout.contains("violates schema"), "{}", run.stdout);
}

#[track_caller]
fn described(server: &Server) -> Value {
    let answer = server.get("/openapi.json");
    assert_eq!((answer.status, answer.header("Content-Type")), (200, "application/json"));
    answer.json()
}

#[track_caller]
fn written(counter: &Counter, description: &Value) -> PathBuf {
    let file = counter.folder().join("openapi.json");
    fs::write(&file, description.to_string()).expect("the test's own folder");
    file
}

#[track_caller]
fn validate(counter: &Counter, description: &Value) -> Finished {
    python_tool("openapi-spec-validator").arg(written(counter, description)).run()
}

fn address_of(server: &Server) -> String {
    format!("{}/openapi.json", server.url())
}

/// Runs the generator of requests with every check against the server that is `described` at a URL or in a file.
#[track_caller]
fn generate(counter: &Counter, described: &str, seconds: u32, arguments: &[&str]) -> Finished {
    let configuration = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("openapi");
    let program: Program = python_tool("schemathesis")
        .arg("--config-file")
        .arg(configuration.join("schemathesis.toml"))
        .args(["run", described, "--no-color", "--seed", "4711", "--checks", "all"])
        // A receipt is told for ever, also that of a sale which was refunded.
        .args(["--exclude-checks", "use_after_free"])
        .args(["--max-time", &seconds.to_string()])
        .args(arguments);
    let program = program.env("SCHEMATHESIS_HOOKS", configuration.join("hooks.py"));
    let program = program.env("OPERATOR_TOKEN", TOKEN).inside(counter.folder());
    program.within(Duration::from_secs(u64::from(seconds) + 120)).run()
}
