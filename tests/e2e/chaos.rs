//! `loadgen chaos`: what survives servers that are killed, stopped and ended, and what does not.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use e2e::{Counter, Finished, Mark, Process, Program, Signal, eventually};
use serde_json::Value;

use crate::{mounts::mount_namespace, programs::loadgen};

/// How long a chaos may take where the machine is busy.
const CHAOS_MAX: Duration = Duration::from_secs(600);

/// How many chaoses a control may take to catch somebody in the act; the first mostly does.
const SEEDS: u32 = 20;

/// How long a chaos that was told to end may take where the machine is busy.
const ENDS_WITHIN: Duration = Duration::from_secs(120);

#[test]
fn what_was_acknowledged_survives_every_fault_and_nothing_is_sold_twice() {
    let folder = Counter::missing();
    let page = folder.folder().join("chaos.html");
    let finished = chaos(&["--rounds", "12", "--seed", "1", "--report"]).arg(&page).run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let told = json(&finished);
    assert_eq!((&told["verdict"], &told["ledger_is_sound"]), (&"valid".into(), &true.into()));
    assert_eq!(faults(&told).len(), 12);
    assert!(told["outcomes"]["sold"].as_u64().unwrap_or(0) > 100, "{told}");
    let page = fs::read_to_string(&page).expect("a page");
    assert_eq!(page.matches("<g class=\"shade\">").count(), 2 * (12 + 1), "bands and their key");
    assert!(page.contains("What was done to the shop"), "a table of the faults");
}

#[test]
fn a_seed_makes_the_same_faults_again() {
    let short = |chaos: Program, seed: &str| {
        let finished = chaos.args(["--rounds", "4", "--round", "200ms", "--seed", seed]).run();
        assert_eq!(finished.code, Some(0), "{finished:?}");
        finished
    };
    let of = |seed: &str| faults(&json(&short(chaos(&[]), seed)));
    let (seven, printed) = (of("7"), short(chaos_in_words(), "7"));
    assert_eq!(printed_faults(&printed), seven.iter().map(in_words).collect::<Vec<_>>());
    assert_ne!(seven, of("8"));
}

/// The control: whoever tries again is sold to again.
#[test]
fn servers_that_forget_their_keys_are_convicted() {
    let convicted = (1..=SEEDS).any(|seed| {
        let chaos = chaos(&["--rounds", "12", "--faults", "kill", "--seed"]).arg(seed.to_string());
        let finished = chaos.args(["--", "--keys-max", "1"]).run();
        assert!(matches!(finished.code, Some(0 | 1)), "{finished:?}");
        finished.code == Some(1)
    });
    assert!(convicted, "{SEEDS} chaoses did not notice");
}

#[test]
fn a_full_disk_costs_no_sale_that_was_acknowledged() {
    let Some(namespace) = mount_namespace("a full disk under chaos") else { return };
    let counter = Counter::missing();
    let small = r#"mount -t tmpfs -o size=48m tmpfs "$0" && cd / && exec "$@""#;
    let finished = namespace
        .args(["sh", "-c", small])
        .arg(counter.folder())
        .arg(loadgen().path())
        .args(["chaos", "--json", "--rounds", "8", "--faults", "fill,kill", "--folder"])
        .arg(counter.folder())
        .within(CHAOS_MAX)
        .run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let kinds = faults(&json(&finished)).into_iter().map(|(kind, _)| kind);
    assert!(kinds.collect::<Vec<_>>().contains(&"fill".to_owned()), "{finished:?}");
}

#[test]
fn nobodys_own_disk_is_filled() {
    let finished = chaos(&["--faults", "fill", "--folder", "."]).run();
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("--folder"), "{finished:?}");
}

#[test]
fn members_that_there_are_none_of_are_not_hurt() {
    let finished = chaos(&["--faults", "member-kill"]).run();
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("hint: `--members 3`, or `--postgres`"), "{finished:?}");
    // A build that knows etcd, on a machine that has none.
    let alone = r#"PATH=/nowhere exec "$0" chaos --json --members 3"#;
    let finished = Program::new("sh").args(["-c", alone]).arg(loadgen().path()).run();
    let told = ["hint: Debian has it as `etcd-server`", "this program was built without it"];
    assert!(told.iter().any(|told| finished.stderr.contains(told)), "{finished:?}");
    assert_eq!(finished.code, Some(2), "{finished:?}");
}

/// `chaos` in the middle of it, whose temporary files are in the folder of `temporary`; and what it carries.
fn started(chaos: Program, temporary: &Counter) -> (Mark, Process) {
    let mark = Mark::new();
    let chaos = mark.on(chaos).env("TMPDIR", temporary.folder()).start();
    // Eight workers and three servers, of which one may be gone just now.
    mark.wait_for_carriers(10);
    (mark, chaos)
}

#[test]
fn interrupted_chaos_leaves_nothing_behind() {
    let temporary = Counter::missing();
    let (mark, chaos) = started(chaos(&["--rounds", "1000"]), &temporary);

    chaos.signal(Signal::INT);

    assert_eq!(chaos.finish(ENDS_WITHIN).code, Some(130));
    mark.wait_until_gone();
    assert_eq!(fs::read_dir(temporary.folder()).expect("the folder is there").count(), 0);
}

#[test]
fn folder_that_cannot_be_removed_is_told() {
    let (temporary, place) = (Counter::missing(), Counter::missing());
    let set = |mode| {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(place.folder(), mode).expect("the test's own folder");
    };
    let chaos = chaos(&["--rounds", "1000", "--folder"]).arg(place.folder()).bound_by_permissions();
    let (mark, chaos) = started(chaos, &temporary);
    set(0o500);

    chaos.signal(Signal::INT);

    let finished = chaos.finish(ENDS_WITHIN);
    set(0o700);
    assert_eq!(finished.code, Some(130), "{finished:?}");
    let left = fs::read_dir(place.folder()).expect("the folder is there").flatten();
    let [left] = &left.map(|left| left.path()).collect::<Vec<_>>()[..] else {
        panic!("one folder")
    };
    let told = format!("error: `{}` stays behind: Permission denied", left.display());
    assert!(finished.stderr.contains(&told), "{finished:?}");
    assert_eq!(fs::read_dir(temporary.folder()).expect("the folder is there").count(), 0);
    mark.wait_until_gone();
}

/// Whoever stands by may be killed first, as by somebody who runs out of memory.
#[test]
fn folder_is_removed_though_nobody_stands_by_any_more() {
    let temporary = Counter::missing();
    let (mark, chaos) = started(chaos(&["--rounds", "1000"]), &temporary);
    let stands_by = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == b"folder-heir")
    };
    let standing_by = eventually("who stands by", || mark.carriers().into_iter().find(stands_by));
    Program::new("kill").args(["-9", &standing_by.to_string()]).run();

    chaos.signal(Signal::INT);

    assert_eq!(chaos.finish(ENDS_WITHIN).code, Some(130));
    assert_eq!(fs::read_dir(temporary.folder()).expect("the folder is there").count(), 0);
}

fn chaos(arguments: &[&str]) -> Program {
    chaos_in_words().arg("--json").args(arguments)
}

fn chaos_in_words() -> Program {
    loadgen().arg("chaos").within(CHAOS_MAX)
}

fn json(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).expect("one JSON object")
}

/// What was done, and to which server.
fn faults(told: &Value) -> Vec<(String, u64)> {
    let faults = told["faults"].as_array().expect("a list of faults");
    let fault = |fault: &Value| {
        let kind = fault["kind"].as_str().expect("a kind").to_owned();
        (kind, fault["server"].as_u64().expect("a server"))
    };
    faults.iter().map(fault).collect()
}

/// A fault of a server, as it is printed.
fn in_words((kind, server): &(String, u64)) -> String {
    let what = match kind.as_str() {
        "kill" => "killed, and started again",
        "pause" => "stopped, and continued",
        "end" => "ended, and started again",
        kind => panic!("`{kind}` is none of a server alone"),
    };
    format!("server {} was {what}", server + 1)
}

/// The faults in the table that is printed: the last of its three columns, below the head.
fn printed_faults(finished: &Finished) -> Vec<String> {
    let cells = finished.stdout.lines().filter_map(|line| line.split('│').nth(3));
    let mut cells = cells.map(|cell| cell.trim().to_owned());
    assert_eq!(cells.next().as_deref(), Some("fault"), "{finished:?}");
    cells.collect()
}
