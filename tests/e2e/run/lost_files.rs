//! Files that cannot be kept at the end: the result is told all the same, and what was found to be wrong stays the exit
//! code.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use e2e::{Counter, Finished, Program, Stub};
use serde_json::json;

use super::measured::{SEATS_MAP, run};
use crate::programs::{loadgen, serve};

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

/// `command` in a shell, and the folder of its files is taken away once it has begun them.
fn while_the_folder_goes(command: &str, folder: &Path) -> Finished {
    let folder = folder.display();
    let script = format!(
        "{command} & pid=$!\n\
         until ls {folder}/.loadgen-* > /dev/null 2>&1; do sleep 0.02; done\n\
         rm -r {folder}; : > {folder}.gone; wait $pid"
    );
    Program::new("sh").args(["-c", &script]).run()
}

#[test]
fn race_and_check_are_told_whatever_becomes_of_their_files() {
    let program = loadgen();
    let program = Path::new(program.path()).display().to_string();
    let (outer, files_go_here) = folder();
    let file = |name: &str| files_go_here.join(name).display().to_string();

    let race = format!(
        "{program} race --json --workers 8 --tickets 4 --mode thread --report {} --history {}",
        file("race.html"),
        file("race.ndjson")
    );
    let raced = while_the_folder_goes(&race, &files_go_here);
    assert_eq!(raced.code, Some(70), "{raced:?}");
    assert_eq!(raced.json()["runs"].as_array().map(Vec::len), Some(4), "{raced:?}");
    for flag in ["--history", "--report"] {
        assert!(raced.stderr.contains(&format!("error: `{flag}`: cannot write ")), "{raced:?}");
    }

    let history = Path::new(env!("CARGO_MANIFEST_DIR")).join("histories/oversell.violation.ndjson");
    fs::create_dir(&files_go_here).expect("the folder is the test's own");
    let gone = outer.path().join("files.gone");
    fs::remove_file(&gone).expect("the first one has made it");
    let check = format!(
        "{{ until [ -e {} ]; do sleep 0.02; done; cat {}; }} | {program} check - --json --report {}",
        gone.display(),
        history.display(),
        file("check.html")
    );
    let checked = while_the_folder_goes(&format!("({check})"), &files_go_here);
    assert_eq!(checked.code, Some(1), "{checked:?}");
    assert_eq!(checked.json()["verdict"], "violation", "{checked:?}");
    assert!(checked.stderr.contains("error: `--report`: cannot write "), "{checked:?}");
}
