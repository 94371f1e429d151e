//! The processes of the lessons: however a lesson ends, none is left behind.

use std::{fs, time::Duration};

use e2e::{Counter, Mark, Process, Signal};

use crate::programs::loadgen;

/// Lessons with processes, waits far longer than the test takes, and how many processes play then,
/// with the lesson's own program.
const LONG: [(&[&str], usize); 7] = [
    (&["daemon-thread", "--short", "30s", "--long", "50s"], 2),
    (&["daemon-process", "--short", "30s", "--long", "50s"], 4),
    (&["file-mutex", "--check-delay", "30s"], 101),
    (&["reentrant-lock", "--short", "1s"], 2),
    (&["process-pool", "--step", "30s"], 5),
    (&["memory-mutex", "--check-delay", "30s"], 1),
    (&["thread-pool", "--step", "30s"], 1),
];

#[test]
fn killed_lesson_leaves_no_process_behind() {
    for (arguments, processes) in LONG {
        let (temporary, mark) = (Counter::missing(), Mark::new());
        let lesson = start(&mark, &temporary, arguments);
        mark.wait_for_carriers(processes);

        lesson.signal(Signal::KILL);

        assert_eq!(lesson.finish(Duration::from_secs(20)).signal, Some(9), "{arguments:?}");
        mark.wait_until_gone();
    }
}

#[test]
fn interrupted_lesson_exits_130_and_leaves_nothing_behind() {
    for (arguments, processes) in LONG {
        for signal in [Signal::INT, Signal::TERM] {
            let (temporary, mark) = (Counter::missing(), Mark::new());
            let lesson = start(&mark, &temporary, arguments);
            mark.wait_for_carriers(processes);

            lesson.signal(signal);

            let finished = lesson.finish(Duration::from_secs(20));
            assert_eq!(finished.code, Some(130), "{arguments:?}: {finished:?}");
            mark.wait_until_gone();
            assert_is_empty(&temporary);
        }
    }
}

#[test]
fn orphan_of_a_killed_parent_ends_with_the_lesson() {
    for signal in [Signal::KILL, Signal::INT] {
        let (temporary, mark) = (Counter::missing(), Mark::new());
        let lesson =
            start(&mark, &temporary, &["daemon-process", "--short", "1s", "--long", "20s"]);
        let seen = |line: &str| line.contains("alive, an orphan").then_some(());
        assert!(lesson.stdout().find_line(Duration::from_secs(60), seen).is_some());

        lesson.signal(signal);

        lesson.finish(Duration::from_secs(20));
        mark.wait_until_gone();
    }
}

#[test]
fn killed_lesson_leaves_no_python_behind() {
    let (temporary, mark) = (Counter::missing(), Mark::new());
    let lesson = start(&mark, &temporary, &["cpu-or-io", "--python", "--step", "0.5s"]);
    let waits = |line: &str| (line == "CPython, waiting on one thread").then_some(());
    assert!(lesson.stdout().find_line(Duration::from_secs(60), waits).is_some());
    mark.wait_for_carriers(2);

    lesson.signal(Signal::KILL);

    lesson.finish(Duration::from_secs(20));
    mark.wait_until_gone();
}

#[test]
fn finished_lessons_leave_nothing_behind() {
    for name in ["daemon-process", "reentrant-lock", "process-pool", "file-mutex"] {
        let (temporary, mark) = (Counter::missing(), Mark::new());
        let lesson = start(&mark, &temporary, &[name, "--fast"]);

        let finished = lesson.finish(Duration::from_secs(60));

        assert!(matches!(finished.code, Some(0 | 3)), "{name}: {finished:?}");
        mark.wait_until_gone();
        assert_is_empty(&temporary);
    }
}

fn start(mark: &Mark, temporary: &Counter, arguments: &[&str]) -> Process {
    let lesson = loadgen().arg("lesson").args(arguments);
    let lesson = mark.on(lesson).env("TMPDIR", temporary.folder()).start();
    // From its first word on it minds signals.
    let begun = |line: &str| line.starts_with("── ").then_some(());
    assert!(lesson.stdout().find_line(Duration::from_secs(60), begun).is_some());
    lesson
}

#[track_caller]
fn assert_is_empty(temporary: &Counter) {
    let left = fs::read_dir(temporary.folder()).expect("the folder is there").count();
    assert_eq!(left, 0, "temporary folders are removed");
}
