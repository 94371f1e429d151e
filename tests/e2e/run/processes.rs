//! The processes of a run: however it ends, none is left behind.

use std::{
    fs,
    path::Path,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use e2e::{Counter, Mark, Process, Program, Server, Signal, Stub};
use serde_json::{Value, json};

use super::measured::{number, result, run};
use crate::programs::serve;

const LONG: [&str; 2] = ["-z", "10m"];

/// A run that is under way, with so many workers.
#[track_caller]
fn under_way(mark: &Mark, load: Program, processes: usize) -> Process {
    let load = mark.on(load).start();
    mark.wait_for_carriers(processes);
    let is_at_work = |line: &str| line.contains("p99").then_some(());
    assert!(load.stderr().find_line(Duration::from_secs(30), is_at_work).is_some());
    load
}

fn slow_load(server: &Server) -> Program {
    run(server.url()).args(["-c", "8", "-q", "100", "--mode", "process"])
}

#[test]
fn interrupted_run_prints_what_was_measured_and_exits_130() {
    for (signal, mode) in [
        (Signal::INT, "process"),
        (Signal::INT, "task"),
        (Signal::TERM, "thread"),
        (Signal::HUP, "process"),
    ] {
        let counter = Counter::with(1_000_000);
        let server = serve(&counter);
        let mark = Mark::new();
        let temporary = Counter::missing();
        let load = run(server.url()).args(["-c", "4", "-q", "100", "--mode", mode]).args(LONG);
        let load = under_way(&mark, load.env("TMPDIR", temporary.folder()), 1);

        load.signal(signal);

        let finished = load.finish(Duration::from_secs(30));
        assert_eq!(finished.code, Some(130), "{mode}: {finished:?}");
        let result = result(&finished);
        assert!(number(&result["outcomes"]["sold"]) > 10, "{mode}: {result}");
        assert_eq!(result["interrupted"], true);
        mark.wait_until_gone();
        assert_eq!(fs::read_dir(temporary.folder()).expect("the folder is there").count(), 0);
        // What it saw is what there was.
        assert_eq!(1_000_000 - number(&result["sold_ever"]), counter.count(), "{mode}: {result}");
    }
}

#[test]
fn run_that_is_interrupted_while_nobody_answers_ends_all_the_same() {
    let counter = Counter::with(1_000_000);
    let server = serve(&counter);
    let mark = Mark::new();
    let load = under_way(&mark, slow_load(&server).args(LONG), 9);
    server.signal(Signal::STOP);

    load.signal(Signal::INT);

    let finished = load.finish(Duration::from_secs(30));
    assert_eq!(finished.code, Some(130), "{finished:?}");
    result(&finished);
    mark.wait_until_gone();
    server.signal(Signal::CONT);
}

#[test]
fn run_that_is_interrupted_at_its_last_look_tells_what_it_has_and_exits_130() {
    let (looked, last_look) = mpsc::channel();
    let searches = AtomicUsize::new(0);
    let shop = Stub::http(move |request| {
        if request.call == "GET /search" && searches.fetch_add(1, Ordering::Relaxed) > 0 {
            looked.send(()).expect("the test listens");
            // Longer than a run waits.
            thread::sleep(Duration::from_secs(60));
        }
        ("200 OK", json!({"count": 7, "sold": 0, "revision": 0}).to_string())
    });
    let load = run(&shop.url()).args(["-c", "1", "-n", "1", "--mix", "buy=1"]).start();
    last_look.recv_timeout(Duration::from_secs(30)).expect("the run looks a last time");

    load.signal(Signal::INT);

    let finished = load.finish(Duration::from_secs(30));
    assert_eq!(finished.code, Some(130), "{finished:?}");
    assert_eq!(number(&result(&finished)["requests"]), 1);
    assert!(finished.stderr.contains("left is not known: interrupted"), "{}", finished.stderr);
}

#[test]
fn killed_run_leaves_no_worker_behind() {
    let counter = Counter::with(1_000_000);
    let server = serve(&counter);
    let mark = Mark::new();
    let load = under_way(&mark, slow_load(&server).args(LONG), 9);

    load.signal(Signal::KILL);

    assert_eq!(load.finish(Duration::from_secs(20)).signal, Some(9));
    mark.wait_until_gone();
}

#[test]
fn secret_of_a_map_is_in_no_command_line() {
    const SECRET: &str = "Bearer a-secret-of-the-map";
    const MAP: &str = "[buy]\npath = '/buy'\nheaders = { Authorization = 'SECRET' }\n\
        sold.status = [200]\nsold_out.status = [410]\n";
    let shop = Stub::http(|request| {
        assert!(request.fields.contains(&format!("Authorization: {SECRET}")), "{request:?}");
        ("200 OK", String::new())
    });
    let folder = Counter::missing();
    let map = folder.folder().join("shop.toml");
    fs::write(&map, MAP.replace("SECRET", SECRET)).expect("the test's own folder");
    let mark = Mark::new();
    let load = run(&shop.url()).args(["-c", "4", "-q", "100", "--mode", "process"]).args(LONG);

    let load = under_way(&mark, load.arg("--map").arg(&map), 5);

    for pid in mark.carriers() {
        let line = fs::read(format!("/proc/{pid}/cmdline")).expect("it runs");
        let line = String::from_utf8_lossy(&line);
        assert!(line.contains("loadgen") && !line.contains(SECRET), "{line}");
    }
    load.signal(Signal::INT);
    let result = result(&load.finish(Duration::from_secs(30)));
    assert!(number(&result["outcomes"]["sold"]) > 0, "{result}");
    assert_eq!(result["outcomes"]["sold"], result["requests"]);
    mark.wait_until_gone();
}

#[test]
fn run_goes_on_without_a_worker_that_was_killed_and_says_so() {
    let counter = Counter::with(500);
    let server = serve(&counter);
    let mark = Mark::new();
    // As buyers come: often enough two at once, without which a run proves nothing.
    let load = run(server.url()).args(["-c", "8", "-q", "300", "--arrivals", "poisson"]);
    let load = under_way(&mark, load.args(["--mode", "process", "-z", "4s"]), 9);

    kill_a_worker(&mark, &load);

    let finished = load.finish(Duration::from_secs(40));
    let result = result(&finished);
    assert!(finished.stderr.contains("is gone"), "{}", finished.stderr);
    // The others sold what was left, and what the killed one had open explains the rest, if any.
    assert_eq!(number(&result["left"]), 0, "{result}");
    assert_eq!(result["verdict"], "valid", "{finished:?}");
    // What it had still to send was not sent.
    assert!(number(&result["unsent"]) >= 1, "{result}");
    mark.wait_until_gone();
}

#[test]
fn worker_that_is_killed_takes_nothing_with_it() {
    const STOCK: u64 = 1_000_000;
    let counter = Counter::with(STOCK);
    let server = serve(&counter);
    let mark = Mark::new();
    let history = counter.folder().join("run.ndjson");
    // As fast as it can: each worker has something open, and much that was not looked at yet.
    let load = run(server.url()).args(["-c", "8", "--mode", "process", "-z", "3s", "--history"]);
    let load = under_way(&mark, load.arg(&history), 9);

    kill_a_worker(&mark, &load);

    let finished = load.finish(Duration::from_secs(40));
    let result = result(&finished);
    assert!(finished.stderr.contains("is gone, and 1 client with it"), "{}", finished.stderr);
    let unknown = number(&result["outcomes"]["unknown"]);
    assert!(unknown <= 1, "{result}");
    assert_eq!(result["causes"].get("its worker is gone").map_or(0, number), unknown, "{result}");
    assert_accounted_for(&result, &history, STOCK - counter.count());
    mark.wait_until_gone();
}

#[test]
fn run_that_is_interrupted_twice_tells_all_that_it_has_seen() {
    const STOCK: u64 = 1_000_000;
    let counter = Counter::with(STOCK);
    let server = serve(&counter);
    let mark = Mark::new();
    let history = counter.folder().join("run.ndjson");
    let load = run(server.url()).args(["-c", "8", "--mode", "process"]).args(LONG);
    let load = under_way(&mark, load.arg("--history").arg(&history), 9);
    // Nobody is answered any more: the first interrupt leaves the run waiting, for a second.
    server.signal(Signal::STOP);
    load.signal(Signal::INT);

    load.signal(Signal::INT);

    server.signal(Signal::CONT);
    let finished = load.finish(Duration::from_secs(30));
    assert_eq!(finished.code, Some(130), "{finished:?}");
    let result = result(&finished);
    assert_ne!(result["verdict"], "violation", "{result}");
    assert_accounted_for(&result, &history, STOCK - counter.count());
    mark.wait_until_gone();
}

/// Whatever was counted stands in the history, what was left open too, and nothing else does; and of
/// the `sold` no more is missing than was left open.
#[track_caller]
fn assert_accounted_for(result: &Value, history: &Path, sold: u64) {
    let text = fs::read_to_string(history).expect("it was kept");
    let lines: Vec<Value> = text
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str(line).expect("an operation is JSON"))
        .collect();
    let ended = |outcome| lines.iter().filter(|line| line["outcome"] == outcome).count() as u64;
    for outcome in ["sold", "unknown"] {
        assert_eq!(ended(outcome), number(&result["outcomes"][outcome]), "{outcome}: {result}");
    }
    assert_eq!(lines.len() as u64, number(&result["requests"]), "{result}");
    let unheard_of = sold - ended("sold");
    assert!(unheard_of <= ended("unknown"), "{unheard_of} sales that nobody was told of: {result}");
}

fn kill_a_worker(mark: &Mark, load: &Process) {
    let parent = load.pid();
    let worker = mark.carriers().into_iter().find(|pid| *pid != parent).expect("a worker");
    Program::new("kill").args(["-KILL", &worker.to_string()]).run();
}

#[test]
fn page_that_cannot_be_written_in_the_end_takes_nothing_along() {
    let counter = Counter::with(1_000_000);
    let server = serve(&counter);
    let mark = Mark::new();
    let folder = Counter::missing();
    let pages = folder.folder().join("pages");
    fs::create_dir(&pages).expect("a folder can be made");
    let load = slow_load(&server).args(LONG).arg("--report").arg(pages.join("run.html"));
    let load = under_way(&mark, load, 9);
    fs::remove_dir_all(&pages).expect("a folder can be removed");

    load.signal(Signal::INT);

    let finished = load.finish(Duration::from_secs(30));
    assert_eq!(finished.code, Some(130), "{finished:?}");
    assert!(number(&result(&finished)["outcomes"]["sold"]) > 0);
    assert!(finished.stderr.contains("`--report`: cannot write"), "{}", finished.stderr);
    assert!(!finished.stderr.contains(".loadgen-"), "{}", finished.stderr);
}

#[test]
fn json_is_whole_where_nobody_reads_the_words() {
    let counter = Counter::with(20);
    let server = serve(&counter);
    let out = counter.folder().join("out.json");
    let script = "\"$0\" run \"$1\" --json -c 2 -n 50 2> >(exec true) > \"$2\"";
    let load = Program::new("bash").args(["-c", script]).arg(env!("CARGO_BIN_EXE_e2e-loadgen"));

    let finished = load.arg(server.url()).arg(&out).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let text = fs::read_to_string(&out).expect("the result is there");
    let result: Value = serde_json::from_str(&text).expect("it is whole");
    assert_eq!(number(&result["requests"]), 50);
}

#[test]
fn hundred_processes_begin_together() {
    let counter = Counter::with(50);
    let server = serve(&counter);
    let mark = Mark::new();
    let load = run(server.url()).args(["-c", "100", "-n", "200", "--mode", "process"]);

    let finished = mark.on(load).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(number(&result(&finished)["workers"]), 100);
    mark.wait_until_gone();
}
