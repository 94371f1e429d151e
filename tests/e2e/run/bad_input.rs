//! What cannot be meant is refused by name, before anything is sold.

use e2e::{Counter, Program};

use super::measured::{number, result, run};
use crate::programs::serve;

#[test]
fn flags_that_make_no_sense_are_named() {
    for (arguments, named) in [
        (&["-q", "0"][..], "--rate"),
        (&["-q", "-5"], "--rate"),
        (&["-q", "fast"], "--rate"),
        (&["-q", "99999999999"], "--rate"),
        (&["--stages", "0:0"], "--stages"),
        (&["--stages", "0:0,10s"], "--stages"),
        (&["--stages", "0:5,0:5"], "`--stages` ends at 0"),
        (&["--stages", "0:5,10s:5,5s:5"], "--stages"),
        (&["--stages", "0:0,10s:0"], "--stages"),
        (&["-q", "5", "--stages", "0:0,1s:5"], "--stages"),
        (&["--mix", "sell=1"], "--mix"),
        (&["--mix", "buy=0,search=0"], "--mix"),
        (&["--threshold", "p(99)"], "--threshold"),
        (&["--threshold", "p(101)<5ms"], "--threshold"),
        (&["--threshold", "speed:avg<5"], "--threshold"),
        (&["--threshold", "http_req_duration:p(95)<200"], "what k6 calls so is `service` here"),
        (&["-n", "0"], "--requests"),
        (&["-n", "ten"], "--requests"),
        (&["-c", "many"], "expected a whole number from 1 to 10000"),
        (&["--initial", "1x"], "expected a whole number from 0 on"),
        (&["--seed", "0.5"], "expected a whole number from 0 on"),
        (&["-z", "10"], "--duration"),
        (&["-z", "0s"], "--duration"),
        (&["-z", "25h"], "longer than `24h`"),
        (&["-c", "0"], "--concurrency"),
        (&["-c", "99999"], "--concurrency"),
        (&["-c", "5", "--workers", "6"], "--workers"),
        (&["-t", "0s"], "--timeout"),
        (&["--warmup", "soon"], "--warmup"),
        (&["--mode", "fiber"], "--mode"),
        (&["--arrivals", "poisson"], "--arrivals"),
        (&["--seed", "-1"], "--seed"),
        (&["--no-such-option"], "--no-such-option"),
    ] {
        let finished = run("http://127.0.0.1:9").args(arguments).run();

        assert_eq!(finished.code, Some(2), "{arguments:?}: {finished:?}");
        assert!(finished.stderr.contains(named), "{arguments:?}: {}", finished.stderr);
        assert_eq!(finished.stdout, "", "{arguments:?}");
    }
}

#[test]
fn urls_that_lead_nowhere_are_named() {
    for url in [
        "127.0.0.1:8080",
        "https://",
        "ftp://127.0.0.1",
        "http://",
        "http://127.0.0.1:0",
        "http://127.0.0.1:70000",
        "http://user@127.0.0.1",
        "http://127.0.0.1/?query",
        "http://127.0.0.1/${key}",
        "http://127.0.0.1/${seat}/x",
        "http://127.0.0.1/${",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/ü",
    ] {
        let finished = run(url).run();

        assert_eq!(finished.code, Some(2), "{url}: {finished:?}");
        let said = &finished.stderr;
        assert!(said.contains(&format!("`{url}`")) && said.contains("hint:"), "{url}: {said}");
    }
}

#[test]
fn too_few_open_files_are_said_with_the_way_to_raise_them() {
    let counter = Counter::with(10);
    let server = serve(&counter);
    let loadgen = env!("CARGO_BIN_EXE_e2e-loadgen");
    let script = format!("ulimit -n 200; exec {loadgen} run {} -c 500 -n 500", server.url());

    let finished = Program::new("bash").args(["-c", &script]).run();

    assert_eq!(finished.code, Some(2), "{finished:?}");
    for said in ["`-c 500`", "200", "ulimit -n"] {
        assert!(finished.stderr.contains(said), "no `{said}`: {}", finished.stderr);
    }
    assert_eq!(counter.count(), 10);
}

#[test]
fn open_files_that_are_just_enough_last_without_keepalive() {
    let counter = Counter::with(1_000_000);
    let server = serve(&counter);
    let loadgen = env!("CARGO_BIN_EXE_e2e-loadgen");
    // 64 for the program, 8 for its event loop, and one for each client.
    let run = format!("run {} -c 1000 -n 4000 --disable-keepalive --json", server.url());
    let script = format!("ulimit -n 1072; exec {loadgen} {run}");

    let finished = Program::new("bash").args(["-c", &script]).run();

    let result = result(&finished);
    assert_eq!(number(&result["outcomes"]["sold"]), 4000, "{result}");
}

#[test]
fn soft_limit_of_open_files_is_raised_where_that_is_allowed() {
    let counter = Counter::with(10);
    let server = serve(&counter);
    let loadgen = env!("CARGO_BIN_EXE_e2e-loadgen");
    let script = format!("ulimit -Sn 100; exec {loadgen} run {} -c 200 -n 400", server.url());

    let finished = Program::new("bash").args(["-c", &script]).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
}
