//! However a lab ends, no process, no lock and no file of it is left.

use std::time::Duration;

use e2e::{Browser, Signal, eventually};
use serde_json::json;

use super::running::Lab;

/// The lab, whoever stands by to remove its folder, and two workers.
const PROCESSES: usize = 4;

#[test]
fn interrupted_lab_leaves_nothing_behind() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let lab = Lab::start();
        deadlock(&lab);

        lab.process.signal(signal);

        let Lab { process, mark, temporary, .. } = lab;
        let finished = process.finish(Duration::from_secs(20));
        assert_eq!(finished.code, Some(130), "{finished:?}");
        mark.wait_until_gone();
        assert_is_empty(&temporary);
    }
}

#[test]
fn killed_lab_leaves_nothing_behind() {
    let lab = Lab::start();
    deadlock(&lab);

    lab.process.signal(Signal::KILL);

    let Lab { process, mark, temporary, .. } = lab;
    assert_eq!(process.finish(Duration::from_secs(20)).signal, Some(9));
    mark.wait_until_gone();
    assert_is_empty(&temporary);
}

#[test]
fn lab_that_nobody_drives_any_more_ends_its_workers_and_finds_them_again() {
    let lab = Lab::start();
    let browser = Browser::start();
    browser.open(&lab.url);
    browser.wait_for_text("said", |text| text.starts_with("New workers"));
    browser.press("step-1", "1");
    browser.wait_for_text("state-1", |text| text.contains(": read"));
    lab.mark.wait_for_carriers(PROCESSES);

    drop(browser);

    eventually("the workers to end", || (lab.mark.carriers().len() == 2).then_some(()));
    eventually("the workers' files to go", || (fs_folders(&lab) == 0).then_some(()));
    let again = Browser::start();
    again.open(&lab.url);
    again.wait_for_text("said", |text| text == "Worker 1 opens the file.");
    assert!(again.text("state-1").contains(": read"));
}

/// Two workers in the kernel, each waiting for the other.
#[track_caller]
fn deadlock(lab: &Lab) {
    let seen = lab.play("two-locks", 2, 1, &[1, 2, 1, 2, 1, 2]);
    assert_eq!(seen["result"], json!("deadlock"));
    assert_eq!(lab.mark.carriers().len(), PROCESSES);
    assert_eq!(lab.files(), 1);
}

/// How many folders of workers there are in the lab's own.
fn fs_folders(lab: &Lab) -> usize {
    let folders = std::fs::read_dir(lab.temporary.folder()).expect("the test's own folder");
    let inside = folders.flatten().filter_map(|folder| std::fs::read_dir(folder.path()).ok());
    inside.flatten().count()
}

#[track_caller]
fn assert_is_empty(temporary: &e2e::Counter) {
    let left = std::fs::read_dir(temporary.folder()).expect("the test's own folder").count();
    assert_eq!(left, 0, "temporary folders are removed");
}
