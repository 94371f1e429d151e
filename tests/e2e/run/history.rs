//! The operations of a run, in a file that `check` judges as the run itself did.

use std::fs;

use e2e::{Counter, Finished};
use serde_json::Value;

use super::measured::{number, result, run};
use crate::programs::{loadgen, serve};

fn lines(finished: &Finished, path: &std::path::Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{error}: {finished:?}"));
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

#[test]
fn history_has_every_operation_and_is_judged_alike_again() {
    for mode in ["task", "process"] {
        let counter = Counter::with(40);
        let server = serve(&counter);
        let path = counter.folder().join("run.ndjson");

        let finished = run(server.url())
            .args(["-c", "6", "-n", "90", "--mode", mode, "--mix", "buy=2,search=1", "--history"])
            .arg(&path)
            .run();

        assert_eq!(finished.code, Some(0), "{mode}: {finished:?}");
        let lines = lines(&finished, &path);
        let (header, operations) = lines.split_first().expect("a header");
        assert_eq!((number(&header["history"]), number(&header["initial"])), (1, 40));
        assert_eq!(number(&header["left"]), number(&result(&finished)["left"]));
        assert_eq!(operations.len(), 90);
        let check = loadgen().arg("check").arg(&path).run();
        assert_eq!(check.code, Some(0), "{mode}: {check:?}");
    }
}

#[test]
fn past_its_limit_a_history_cannot_be_valid() {
    let counter = Counter::with(40);
    let server = serve(&counter);

    let path = counter.folder().join("run.ndjson");
    let load = run(server.url()).args(["-c", "2", "-n", "90", "--history-limit", "50"]);

    let finished = load.arg("--history").arg(&path).run();

    assert_eq!(finished.code, Some(3), "{finished:?}");
    let result = result(&finished);
    assert_eq!((&result["verdict"], number(&result["requests"])), (&Value::from("unknown"), 90));
    assert!(result["doubts"].to_string().contains("40 operations were not recorded"), "{result}");
    // Whoever judges the file later must not take what is missing for what went wrong.
    let check = loadgen().arg("check").arg(&path).run();
    assert_eq!(check.code, Some(3), "{check:?}");
    assert!(check.stdout.contains("40 operations were not recorded"), "{check:?}");
}

#[test]
fn nothing_recorded_is_a_measurement_and_no_verdict() {
    let counter = Counter::with(40);
    let server = serve(&counter);

    let finished = run(server.url()).args(["-c", "2", "-n", "50", "--no-history"]).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(number(&result(&finished)["outcomes"]["sold"]), 40);
    assert_eq!(result(&finished)["verdict"], "unknown");
    let rule = ["--threshold", "p(99)<1ns"];
    let missed = run(server.url()).args(["-n", "50", "--no-history"]).args(rule).run();
    assert_eq!(missed.code, Some(99), "{missed:?}");
}

#[test]
fn temporary_history_goes_with_the_run() {
    let counter = Counter::with(4);
    let server = serve(&counter);
    let temporary = Counter::missing();

    let finished =
        run(server.url()).args(["-c", "2", "-n", "8"]).env("TMPDIR", temporary.folder()).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(fs::read_dir(temporary.folder()).expect("the folder is there").count(), 0);
}

#[test]
fn history_that_cannot_be_written_is_named_before_anything_is_sold() {
    let counter = Counter::with(4);
    let server = serve(&counter);

    let finished = run(server.url()).args(["--history", "no-such-folder/run.ndjson"]).run();

    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("`no-such-folder/run.ndjson`"), "{}", finished.stderr);
    assert_eq!(counter.count(), 4);
}

/// The most that `pid` ever had in memory, in KiB.
fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim_end_matches("kB").trim().parse().expect("a number")
}

#[test]
fn memory_stays_flat_while_the_history_grows() {
    let counter = Counter::with(100_000_000);
    let server = serve(&counter);
    let path = counter.folder().join("run.ndjson");
    let load = run(server.url()).args(["-c", "50", "-z", "6s", "--history"]).arg(&path);
    let load = load.start();
    let reached = |seconds: f64| {
        load.stderr().find_line(std::time::Duration::from_secs(30), move |line| {
            let since = line.split_whitespace().next()?.parse::<f64>().ok()?;
            (line.contains("p99") && since >= seconds).then_some(())
        })
    };
    assert!(reached(2.0).is_some());
    let (early_kib, early_bytes) = (peak_kib(load.pid()), fs::metadata(&path).expect("it").len());
    assert!(reached(5.0).is_some());
    let (late_kib, late_bytes) = (peak_kib(load.pid()), fs::metadata(&path).expect("it").len());

    assert!(late_bytes > early_bytes + 1_000_000, "{early_bytes} to {late_bytes} bytes");
    assert!(late_kib < early_kib + 8192, "{early_kib} to {late_kib} KiB");
}
