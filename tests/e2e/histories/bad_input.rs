//! What `loadgen check` says of files that are not what they should be.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use e2e::{Counter, Program};
use serde_json::json;

use crate::programs::loadgen;

const HEADER: &str = "{\"history\": 1, \"initial\": 2, \"left\": 0}\n";

#[test]
fn file_that_cannot_be_read_is_named() {
    let folder = Counter::missing();
    let forbidden = written(&folder, "forbidden", HEADER);
    fs::set_permissions(&forbidden, std::os::unix::fs::PermissionsExt::from_mode(0o000))
        .expect("own file");
    for path in [folder.folder().join("missing"), folder.folder().to_owned(), forbidden] {
        let refused = check(&path).bound_by_permissions().run();

        assert_eq!(refused.code, Some(2), "{refused:?}");
        let said = format!("error: cannot read `{}`: ", path.display());
        assert!(refused.stderr.contains(&said), "{}", refused.stderr);
        assert_eq!(refused.stdout, "");
    }
}

#[test]
fn command_that_cannot_be_meant_is_refused_by_name() {
    let folder = Counter::missing();
    let path = written(&folder, "x", HEADER);
    let path = path.to_str().expect("UTF-8");
    for (arguments, named) in [
        (&["check"][..], "HISTORY"),
        (&["check", path, "--initial", "-1"], "--initial"),
        (&["check", path, "--initial", "many"], "--initial"),
        (&["check", path, "--initial", "9223372036854775808"], "more than 9223372036854775807"),
        (&["check", path, "-o", path], "`--output"),
        (&["check", path, "-o", "y", "--report", "y"], "`--report` and `--output`"),
        (&["check", path, "--limit", "0"], "--limit"),
        (&["check", path, path], "twice"),
        (&["check", path, "--no-such-option"], "--no-such-option"),
        (&["export", path, "--model", "mutex"], "--model"),
        (&["export", path, "--run", "none"], "--run none"),
        (&["race", "--history"], "--history"),
    ] {
        let refused = loadgen().args(arguments).run();

        assert_eq!(refused.code, Some(2), "{arguments:?}: {refused:?}");
        assert!(refused.stderr.contains(named), "{arguments:?}: {}", refused.stderr);
        assert_eq!(refused.stdout, "", "{arguments:?}");
    }
}

#[test]
fn each_line_that_is_left_out_is_named_with_its_file_and_line() {
    let folder = Counter::missing();
    let text = format!("{HEADER}{}garbage\n{}{}", sale(1), sale(2), &sale(3)[..50]);
    let path = written(&folder, "torn", &text);

    let finished = check(&path).arg("--json").run();

    assert_eq!(finished.code, Some(3), "{finished:?}");
    let answer = finished.json();
    assert_eq!(answer["operations"], 2);
    let doubts = answer["doubts"].to_string();
    for said in ["torn:3: no operation", "torn:5: the file ends in the middle of this line"] {
        assert!(doubts.contains(said), "{doubts}");
    }
    assert!(finished.stderr.contains("torn:3: no operation"), "{}", finished.stderr);
}

#[test]
fn start_that_the_flag_names_holds_against_the_header() {
    let folder = Counter::missing();
    let text = format!("{HEADER}{}{}", sale(1), sale(2));
    let path = written(&folder, "x", &text);

    let finished = check(&path).args(["--initial", "1", "--json"]).run();

    assert_eq!(finished.code, Some(1), "{finished:?}");
    let said = "the number at the start is taken as 1, although the history says 2";
    assert_eq!(finished.json()["notes"], json!([said]));
    assert!(finished.stderr.contains(said), "{}", finished.stderr);
}

#[test]
fn history_without_a_first_line_is_judged_once_its_start_is_known() {
    let folder = Counter::missing();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("histories/race.valid.ndjson");
    let text = fs::read_to_string(golden).expect("it is there");
    let (_, operations) = text.split_once('\n').expect("lines");
    let path = written(&folder, "x", operations);

    assert_eq!(check(&path).run().code, Some(3));
    assert_eq!(check(&path).args(["--initial", "2"]).run().code, Some(0));
}

#[test]
fn past_the_limit_the_rest_is_named_and_nothing_is_valid() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("histories/race.valid.ndjson");

    let finished = check(&golden).args(["--limit", "4", "--json"]).run();

    assert_eq!(finished.code, Some(3), "{finished:?}");
    let answer = finished.json();
    assert_eq!(answer["operations"], 4);
    assert!(answer["doubts"].to_string().contains("ndjson:6: not judged"), "{answer}");
}

#[test]
fn ten_gigabytes_end_with_a_word_and_little_memory() {
    let folder = Counter::missing();
    let path = written(&folder, "huge", &format!("{HEADER}{}", sale(1)));
    let file = File::options().write(true).open(&path).expect("own file");
    // Sparse: it takes no room on the disk, and reads as zeros.
    file.set_len(10 << 30).expect("a sparse file");
    let started = Instant::now();

    let finished = limited(&path).run();

    assert_eq!(finished.code, Some(3), "{finished:?}");
    let said = "huge:3: longer than 1048576 bytes, and nothing was read from there on";
    assert!(finished.stdout.contains(said), "{finished:?}");
    let explained = "what was left out may explain that ticket `2` is nobody's";
    assert!(finished.stdout.contains(explained), "{finished:?}");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn more_operations_than_there_is_room_for_end_with_a_word_and_little_memory() {
    let folder = Counter::missing();
    let path = folder.folder().join("long");
    let mut file = File::create(&path).expect("own folder");
    let thousand: String = (1..=1000).map(sale).collect();
    file.write_all(HEADER.as_bytes()).expect("own file");
    for _ in 0..300 {
        file.write_all(thousand.as_bytes()).expect("own file");
    }

    let finished = limited(&path).args(["--limit", "1000"]).run();

    assert_eq!(finished.code, Some(1), "the violation in the part that was read: {finished:?}");
    assert!(finished.stdout.contains("long:1002: not judged from there on"), "{finished:?}");
}

#[test]
fn sale_that_is_missing_in_a_torn_history_is_no_violation() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("histories/race.valid.ndjson");
    let text = fs::read_to_string(golden).expect("it is there");
    let folder = Counter::missing();
    for line in 1..text.lines().count() {
        let torn = text.lines().enumerate().map(|(at, text)| {
            let kept = if at == line { &text[..text.len() / 2] } else { text };
            format!("{kept}\n")
        });
        let path = written(&folder, "torn", &torn.collect::<String>());

        let finished = check(&path).run();

        assert_eq!(finished.code, Some(3), "without line {}: {finished:?}", line + 1);
    }
}

/// A sale of ticket `at`, from 1.
fn sale(at: u64) -> String {
    format!(
        "{{\"process\": 1, \"op\": \"buy\", \"quantity\": 1, \"key\": null, \"call_ns\": {at}0, \
         \"return_ns\": {at}5, \"outcome\": \"sold\", \"tickets\": [{at}], \"remaining\": null, \
         \"revision\": null}}\n"
    )
}

#[track_caller]
fn written(folder: &Counter, name: &str, text: &str) -> PathBuf {
    let path = folder.folder().join(name);
    fs::write(&path, text).expect("own folder");
    path
}

fn check(path: &Path) -> Program {
    loadgen().arg("check").arg(path)
}

/// A check in a quarter of a gigabyte.
fn limited(path: &Path) -> Program {
    let checker = check(path);
    let program = checker.path().to_owned();
    Program::new("prlimit").arg("--as=268435456").arg(program).arg("check").arg(path)
}
