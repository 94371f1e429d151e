//! A run that was asked for JSON, and its result; and the map of the small shops that are run against.

use std::time::Duration;

use e2e::{Finished, Program};
use serde_json::Value;

use crate::programs::loadgen;

/// A shop that tells how many seats are left, and which one was sold.
pub(super) const SEATS_MAP: &str = r#"
[search]
path = "/left"
remaining = "/left"
[buy]
path = "/buy"
sold = { status = [201], ticket = "/seat" }
sold_out = { status = [409] }
"#;

/// `loadgen run url --json`, without a terminal.
pub(super) fn run(url: &str) -> Program {
    loadgen().args(["run", url, "--json"]).within(Duration::from_secs(60))
}

/// The result, in which the operations add up (`RequestConservation`).
#[track_caller]
pub(super) fn result(finished: &Finished) -> Value {
    let result = finished.json();
    let outcomes = result["outcomes"].as_object().expect("outcomes are an object");
    let names = outcomes.keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(names, ["sold", "sold_out", "found", "refused", "error", "unknown"]);
    let total = outcomes.values().map(|number| number.as_u64().expect("a count")).sum::<u64>();
    assert_eq!(result["requests"].as_u64(), Some(total), "{finished:?}");
    result
}

/// A whole number.
#[track_caller]
pub(super) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number but {value}"))
}

/// Any number.
#[track_caller]
pub(super) fn decimal(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number but {value}"))
}
