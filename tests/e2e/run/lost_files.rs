//! Files that cannot be kept at the end: the result is told all the same, and what was found to be wrong stays the exit
//! code.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use e2e::{Counter, Finished, Program, Stub, eventually};
use rustix::fs::OFlags;
use serde_json::json;

use super::measured::{SEATS_MAP, run};
use crate::programs::{loadgen, serve};

/// Whoever opens a pipe that nobody reads is told so.
const NONBLOCK: i32 = OFlags::NONBLOCK.bits().cast_signed();

/// A shop that sells one seat to everybody, and after some sales takes away the folder that the files are for.
fn shop(folder: &Path) -> Stub {
    let (folder, sales) = (folder.to_owned(), AtomicU64::new(0));
    Stub::http(move |request| match request.call.as_str() {
        "GET /left" => ("200 OK", json!({"left": 5}).to_string()),
        _ => {
            if sales.fetch_add(1, Ordering::SeqCst) == 10 {
                fs::remove_dir_all(&folder).expect("it is there");
            }
            ("201 Created", json!({"seat": "A-1"}).to_string())
        }
    })
}

/// All files that a run can be asked for.
fn files(program: Program, folder: &Path) -> Program {
    let flags = [
        ("--history", "run.ndjson"),
        ("--report", "run.html"),
        ("--junit", "run.xml"),
        ("-o", "run.json"),
    ];
    flags
        .into_iter()
        .fold(program, |program, (flag, name)| program.arg(flag).arg(folder.join(name)))
}

/// A folder in a folder that is the test's own, so that it can go away.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let outer = tempfile::tempdir().expect("a temporary folder");
    let inner = outer.path().join("files");
    fs::create_dir(&inner).expect("the folder is the test's own");
    (outer, inner)
}

#[track_caller]
fn assert_all_are_named(finished: &Finished) {
    for flag in ["--history", "--report", "--junit", "--output"] {
        let said = format!("error: `{flag}`: cannot write ");
        assert!(finished.stderr.contains(&said), "no {said}: {}", finished.stderr);
    }
}

#[test]
fn violation_is_the_exit_code_whatever_becomes_of_the_files() {
    for rounds in [&[][..], &["--rounds", "2", "--reset", "true"]] {
        let (outer, files_go_here) = folder();
        let map = outer.path().join("shop.toml");
        fs::write(&map, SEATS_MAP).expect("the folder is the test's own");
        let shop = shop(&files_go_here);

        let load = run(&shop.url()).args(["-c", "4", "-n", "20", "--map"]).arg(&map).args(rounds);
        let finished = files(load, &files_go_here).run();

        assert_eq!(finished.code, Some(1), "{finished:?}");
        let result = finished.json();
        assert_eq!(result["verdict"], "violation", "{result:#}");
        assert_all_are_named(&finished);
        assert!(result["history"].is_null(), "{result:#}");
    }
}

#[test]
fn valid_run_whose_files_are_lost_is_told_and_fails() {
    let counter = Counter::with(30);
    let server = serve(&counter);
    let (_outer, files_go_here) = folder();
    let reset = format!("rm -r {}", files_go_here.display());

    let load = run(server.url()).args(["-c", "10", "-n", "60", "--reset", &reset]);
    let finished = files(load, &files_go_here).run();

    assert_eq!(finished.code, Some(70), "{finished:?}");
    assert_eq!(finished.json()["verdict"], "valid", "{finished:?}");
    assert_all_are_named(&finished);
}

/// A history that cannot be written any more takes no round along.
#[test]
fn rounds_go_on_without_their_history() {
    let counter = Counter::with(20);
    let server = serve(&counter);
    let program = loadgen();
    // One round fits into what a file may be long, and four do not; the signal would end the program.
    let script = format!(
        "trap '' XFSZ; ulimit -f 40; exec {} run {} -c 10 -n 60 --json --rounds 5 --history {} --reset \
         \"printf '{{\\\"count\\\": 20}}' > {}\"",
        Path::new(program.path()).display(),
        server.url(),
        counter.folder().join("run.ndjson").display(),
        counter.path().display()
    );

    let finished = Program::new("sh").args(["-c", &script]).run();

    assert_eq!(finished.code, Some(70), "{finished:?}");
    let result = finished.json();
    assert_eq!((&result["verdict"], &result["rounds_carried_out"]), (&json!("valid"), &json!(5)));
    assert!(result["history"].is_null(), "{result:#}");
    assert!(finished.stderr.contains("error: `--history`: cannot write "), "{finished:?}");
    assert!(!counter.folder().join("run.ndjson").exists(), "half a history was kept");
}

/// Where nobody can be told, the verdict is the exit code all the same.
#[test]
fn verdict_is_the_exit_code_where_nothing_can_be_said() {
    let history = Path::new(env!("CARGO_MANIFEST_DIR")).join("histories/oversell.violation.ndjson");
    let check = format!(
        "exec {} check {} --json 2> /dev/full",
        Path::new(loadgen().path()).display(),
        history.display()
    );
    let checked = Program::new("sh").args(["-c", &check]).run();
    assert_eq!(checked.code, Some(1), "{checked:?}");
    assert_eq!(checked.json()["verdict"], "violation", "{checked:?}");
}

/// Takes `folder` away once `program` has begun so many files in it.
fn while_the_folder_goes(program: &Program, folder: &Path, files: usize) -> Finished {
    let begun = program.start();
    eventually("its files are begun", || {
        (fs::read_dir(folder).ok()?.count() == files).then_some(())
    });
    fs::remove_dir_all(folder).expect("it is there");
    begun.finish(Duration::from_secs(60))
}

#[test]
fn race_is_told_whatever_becomes_of_its_files() {
    let (_outer, files_go_here) = folder();
    let race = loadgen().args(["race", "--json", "--workers", "8", "--tickets", "4"]);
    let race = race.args(["--mode", "thread", "--report"]).arg(files_go_here.join("race.html"));

    let race = race.arg("--history").arg(files_go_here.join("race.ndjson"));
    let raced = while_the_folder_goes(&race, &files_go_here, 2);

    assert_eq!(raced.code, Some(70), "{raced:?}");
    assert_eq!(raced.json()["runs"].as_array().map(Vec::len), Some(4), "{raced:?}");
    for flag in ["--history", "--report"] {
        assert!(raced.stderr.contains(&format!("error: `{flag}`: cannot write ")), "{raced:?}");
    }
}

#[test]
fn check_is_told_whatever_becomes_of_its_page() {
    let (outer, files_go_here) = folder();
    let pipe = outer.path().join("history");
    assert_eq!(Program::new("mkfifo").arg(&pipe).run().code, Some(0));
    let check = loadgen().arg("check").arg(&pipe).args(["--json", "--report"]);
    let begun = check.arg(files_go_here.join("check.html")).start();

    // The pipe is read once the page is begun, and cannot be written to before.
    let open = || fs::OpenOptions::new().write(true).custom_flags(NONBLOCK).open(&pipe).ok();
    let mut history = eventually("the history is read", open);
    fs::remove_dir_all(&files_go_here).expect("it is there");
    let recorded =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("histories/oversell.violation.ndjson");
    let recorded = fs::read(recorded).expect("it is there");
    history.write_all(&recorded).expect("it is read");
    drop(history);
    let checked = begun.finish(Duration::from_secs(60));

    assert_eq!(checked.code, Some(1), "{checked:?}");
    assert_eq!(checked.json()["verdict"], "violation", "{checked:?}");
    assert!(checked.stderr.contains("error: `--report`: cannot write "), "{checked:?}");
}
