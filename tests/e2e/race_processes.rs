//! The processes of a race: however it ends, none is left behind.

use std::{fs, time::Duration};

use e2e::{Counter, Mark, Process, Signal};

use crate::programs::loadgen;

/// Far longer than the test takes: the race is still running when the test ends it.
const LONG: [&str; 6] = ["--check-delay", "20s", "--write-delay", "20s", "--locking", "file"];

#[test]
fn killed_race_leaves_no_worker_and_no_server_behind() {
    killed_race_leaves_nothing(&["--mode", "process"], 20);
}

#[test]
fn killed_race_without_a_server_leaves_no_worker_behind() {
    killed_race_leaves_nothing(&["--mode", "process", "--direct"], 20);
}

#[test]
fn killed_race_of_threads_leaves_no_server_behind() {
    killed_race_leaves_nothing(&["--mode", "thread", "--servers", "2"], 3);
}

#[test]
fn interrupted_race_exits_130_and_leaves_nothing_behind() {
    interrupted_race_leaves_nothing(Signal::INT, &["--mode", "process"]);
}

#[test]
fn interrupted_race_without_a_server_exits_130_and_leaves_nothing_behind() {
    interrupted_race_leaves_nothing(Signal::INT, &["--mode", "process", "--direct"]);
}

#[test]
fn terminated_race_exits_130_and_leaves_nothing_behind() {
    interrupted_race_leaves_nothing(Signal::TERM, &["--mode", "process", "--servers", "2"]);
}

#[test]
fn finished_race_leaves_nothing_behind() {
    let temporary = Counter::missing();
    let mark = Mark::new();
    let race = mark
        .on(loadgen().args(["race", "--workers", "20", "--tickets", "5", "--json"]))
        .env("TMPDIR", temporary.folder());

    assert_eq!(race.run().code, Some(0));

    mark.wait_until_gone();
    assert_eq!(fs::read_dir(temporary.folder()).expect("the folder is there").count(), 0);
}

fn start_race(mark: &Mark, temporary: &Counter, arguments: &[&str]) -> Process {
    let race = loadgen().args(["race", "--workers", "30"]).args(LONG).args(arguments);
    mark.on(race).env("TMPDIR", temporary.folder()).start()
}

#[track_caller]
fn killed_race_leaves_nothing(mode: &[&str], processes: usize) {
    let temporary = Counter::missing();
    let mark = Mark::new();
    let race = start_race(&mark, &temporary, mode);
    mark.wait_for_carriers(processes);

    race.signal(Signal::KILL);

    assert_eq!(race.finish(Duration::from_secs(20)).signal, Some(9));
    mark.wait_until_gone();
}

#[track_caller]
fn interrupted_race_leaves_nothing(signal: Signal, mode: &[&str]) {
    let temporary = Counter::missing();
    let mark = Mark::new();
    let race = start_race(&mark, &temporary, mode);
    mark.wait_for_carriers(20);

    race.signal(signal);

    let finished = race.finish(Duration::from_secs(20));
    assert_eq!(finished.code, Some(130), "{finished:?}");
    mark.wait_until_gone();
    let left = fs::read_dir(temporary.folder()).expect("the folder is there").count();
    assert_eq!(left, 0, "temporary folders are removed");
}
