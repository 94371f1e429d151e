//! `loadgen run`: load in a closed and an open loop, by both clocks, judged in the end.

mod bad_input;
mod bad_servers;
mod clocks;
mod foreign_shop;
mod history;
mod modes;
mod processes;
mod retries;
mod words;

use std::time::Duration;

use e2e::{Finished, Program};
use serde_json::Value;

use crate::programs::loadgen;

/// `loadgen run url --json`, without a terminal.
fn run(url: &str) -> Program {
    loadgen().args(["run", url, "--json"]).within(Duration::from_secs(60))
}

/// The result, in which the operations add up (`RequestConservation`).
#[track_caller]
fn result(finished: &Finished) -> Value {
    let result = finished.json();
    let outcomes = result["outcomes"].as_object().expect("outcomes are an object");
    let names = outcomes.keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(names, ["sold", "sold_out", "found", "refused", "error", "unknown"]);
    let total = outcomes.values().map(|number| number.as_u64().expect("a count")).sum::<u64>();
    assert_eq!(result["requests"].as_u64(), Some(total), "{finished:?}");
    result
}

#[track_caller]
fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number but {value}"))
}

#[track_caller]
fn decimal(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number but {value}"))
}
