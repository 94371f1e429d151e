//! The bench: it measures, it says what it measured, and it leaves nothing behind.

use std::{
    env,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    time::Duration,
};

use e2e::{Counter, Mark, Program, Signal};
use serde_json::Value;

use crate::programs;

/// The bench, for one short round.
fn bench(arguments: &[&str]) -> Program {
    let program = Program::new(env!("CARGO_BIN_EXE_bench"));
    program.args(["--rounds", "1", "--connections", "4"]).args(arguments)
}

#[test]
fn bench_prints_each_ratio_of_what_it_measured() {
    let only = "noop,noop-synced,synced,former,two,outsider,file,search-noop,search,fdatasync,\
                single,sqlite";
    let measured = bench(&["--json", "--seconds", "1", "--only", only, "--against"])
        .arg(programs::server().path())
        .run();

    assert_eq!(measured.code, Some(0), "{measured:?}");
    let report = measured.json();
    let ratios = report["ratios"].as_array().expect("there are ratios");
    let name = |of: &Value| of.as_str().unwrap_or("ms").to_owned();
    let names = ratios.iter().map(|ratio| {
        format!("{}/{} {}", name(&ratio["of"]), name(&ratio["by"]), name(&ratio["figure"]))
    });
    assert_eq!(
        names.collect::<Vec<_>>(),
        [
            "synced/noop rate",
            "synced/noop-synced rate",
            "synced/noop processor",
            "synced/noop-synced processor",
            "synced/former rate",
            "synced/former processor",
            "synced/ms p99",
            "synced/ms p99.9",
            "single/fdatasync p50",
            "outsider/ms p99",
            "synced/sqlite rate",
            "synced/single rate",
            "two/synced rate",
            "synced/file rate",
            "search/search-noop rate",
            "search/search-noop processor",
        ]
    );
    for ratio in ratios {
        assert!(ratio["ratio"]["median"].as_f64() > Some(0.0), "{ratio}");
        assert_eq!(ratio["rounds"].as_array().map(Vec::len), Some(1), "{ratio}");
    }
    assert_eq!(report["systems"].as_array().map(Vec::len), Some(12));
}

#[test]
fn server_that_takes_nothing_off_the_counter_is_caught() {
    let folder = Counter::missing();
    let server = folder.folder().join("server");
    let script = "#!/bin/sh\nexec \"$REAL_SERVER\" noop --listen 127.0.0.1:0\n";
    fs::write(&server, script).expect("the test may write a script");
    fs::set_permissions(&server, Permissions::from_mode(0o700)).expect("and make it a program");

    // That server answers 201 to everybody, and takes nothing off `db.txt`.
    let measured = bench(&["--seconds", "0.1", "--only", "synced"])
        .arg("--server")
        .arg(&server)
        .env("REAL_SERVER", programs::server().path())
        .run();

    assert_eq!(measured.code, Some(1), "{measured:?}");
    assert!(measured.stderr.contains(" sold, 0 taken off db.txt"), "{measured:?}");
}

#[test]
fn bench_tells_what_a_request_costs_the_one_who_sends_it() {
    let measured = Program::new(env!("CARGO_BIN_EXE_bench"))
        .args(["cpu", "--rounds", "1", "--requests", "20000", "--connections", "4", "--json"])
        .args(["--only", "task,process,flow"])
        .run();

    assert_eq!(measured.code, Some(0), "{measured:?}");
    let report = measured.json();
    assert_eq!(report["generators"].as_array().map(Vec::len), Some(3), "{report}");
    assert_eq!(
        (&report["ratios"][0]["of"], &report["ratios"][0]["by"]),
        (&"process".into(), &"task".into())
    );
    assert!(report["ratios"][0]["ratio"]["median"].as_f64() > Some(0.0), "{report}");
}

#[test]
fn bench_lets_servers_draw_and_holds_that_against_the_model() {
    let measured = Program::new(env!("CARGO_BIN_EXE_bench"))
        .args(["allotments", "--engine", "file", "--rounds", "1", "--clients", "4"])
        .args(["--sizes", "20", "--tickets", "3000"])
        .run();

    assert_eq!(measured.code, Some(0), "{measured:?}");
    let rows = measured.stdout.lines().map(|line| line.split('|').map(str::trim).collect());
    let rows: Vec<Vec<&str>> = rows.collect();
    for rule in ["20", "20, shrinking"] {
        let numbers = |figure: &str| -> Vec<f64> {
            let row = rows.iter().find(|row| row.get(1..3) == Some(&[rule, figure]));
            let row = row.unwrap_or_else(|| panic!("no {figure} of {rule} in {measured:?}"));
            row[3..6].iter().filter_map(|number| number.parse().ok()).collect()
        };
        let [measured, model, ratio] = numbers("sales/s")[..] else { panic!("{rows:?}") };
        assert!(measured > 0.0 && (ratio - measured / model).abs() < 0.01, "{rows:?}");
        assert!(numbers("places away, at most").len() >= 2, "{rows:?}");
        // None of them sells out before the others have less than they have drawn.
        assert!(numbers("left at the first \"sold out\"")[0] < 200.0, "{rows:?}");
    }
}

#[test]
fn killed_bench_leaves_no_process_behind() {
    is_gone_with_its_servers(Program::new(env!("CARGO_BIN_EXE_bench")));
}

#[test]
fn bench_that_is_killed_as_it_starts_a_server_leaves_no_process_behind() {
    // The kernel is asked to end a server with the bench long after the bench was killed.
    let slow = Counter::missing();
    let setpriv = slow.folder().join("setpriv");
    let script = "#!/bin/sh\nsleep 1\nPATH=\"${PATH#*:}\"\nexec setpriv \"$@\"\n";
    fs::write(&setpriv, script).expect("the test may write a script");
    fs::set_permissions(&setpriv, Permissions::from_mode(0o700)).expect("and make it a program");
    let path = env::var("PATH").expect("there is a PATH");

    let found_first = format!("PATH={}:{path}", slow.folder().display());
    is_gone_with_its_servers(Program::new("env").arg(found_first).arg(env!("CARGO_BIN_EXE_bench")));
}

/// Kills `bench` as soon as it starts its servers.
#[track_caller]
fn is_gone_with_its_servers(bench: Program) {
    let mark = Mark::new();
    // What was killed cannot tidy up behind itself.
    let temporary = Counter::missing();
    let bench = bench.args(["--rounds", "1", "--connections", "4", "--seconds", "600"]);
    let bench = bench.args(["--only", "two"]).env("TMPDIR", temporary.folder());
    let bench = mark.on(bench).start();
    mark.wait_for_carriers(3);

    bench.signal(Signal::KILL);
    bench.finish(Duration::from_secs(30));

    mark.wait_until_gone();
}
