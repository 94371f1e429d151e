//! A schedule that was kept, played without a browser.

use std::fs;

use e2e::{Counter, Finished, Mark, Program};
use serde_json::json;

use super::running::Lab;
use crate::programs::loadgen;

const OVERSELLS: &str = "[1,1,2,2,1,1,1,1,1,2,2,2,2,2]";

#[test]
fn replay_ends_with_what_came_of_it() {
    for (variant, schedule, code, ending) in [
        ("none", OVERSELLS, 1, "2 sold of 1, db.txt says 0. Oversold!"),
        ("none", "[1,1,1,1,1,1,1,2,2,2,2]", 0, "1 sold of 1, db.txt says 0."),
        ("none", "[1]", 3, "Not over yet."),
        ("two-locks", "[1,2,1,2,1,2]", 3, "Deadlock: 0 sold of 1"),
        ("none", "[1,1,1,1,1,2,2,1,1]", 3, "A worker crashed"),
    ] {
        let replay = Replay::of(&format!(
            r#"{{"lab":1,"variant":"{variant}","workers":2,"tickets":1,"schedule":{schedule}}}"#
        ));

        let finished = replay.run(&[]);

        assert_eq!(finished.code, Some(code), "{finished:?}");
        assert!(finished.stdout.contains(ending), "{finished:?}");
        let is_over = !ending.starts_with("Not over");
        assert_eq!(finished.stdout.contains("It took "), is_over, "{finished:?}");
        replay.assert_nothing_is_left();
    }
}

#[test]
fn what_is_no_schedule_is_refused_and_named() {
    for (text, named) in [
        ("", "is no schedule"),
        ("{}", "missing field"),
        (
            r#"{"lab":2,"variant":"none","workers":2,"tickets":1,"schedule":[]}"#,
            "`2` is no version",
        ),
        (r#"{"lab":1,"variant":"none","workers":9,"tickets":1,"schedule":[]}"#, "`9` workers"),
        (r#"{"lab":1,"variant":"none","workers":2,"tickets":1,"schedule":[3]}"#, "no worker `3`"),
        (
            r#"{"lab":1,"variant":"none","workers":2,"tickets":1,"schedule":[1,1,1,1,1,1,1,1]}"#,
            "step 8",
        ),
        (r#"{"lab":1,"variant":"fly","workers":2,"tickets":1,"schedule":[]}"#, "fly"),
    ] {
        let replay = Replay::of(text);

        let finished = replay.run(&[]);

        assert_eq!(finished.code, Some(2), "{text}: {finished:?}");
        assert!(finished.stderr.contains(named), "{text}: {finished:?}");
        replay.assert_nothing_is_left();
    }
}

#[test]
fn replay_tells_json_and_draws_a_picture() {
    let replay = Replay::of(&format!(
        r#"{{"lab":1,"variant":"none","workers":2,"tickets":1,"schedule":{OVERSELLS}}}"#
    ));
    let picture = replay.file.folder().join("schedule.svg");

    let finished = replay.run(&["--json", "--picture", &picture.to_string_lossy()]);

    assert_eq!(finished.json()["result"], json!("oversold"));
    assert!(finished.stderr.contains("Oversold!"), "{finished:?}");
    let picture = fs::read_to_string(picture).expect("a picture");
    assert!(picture.contains("write 0: ticket 1 again"), "{picture}");
    assert_eq!(picture.matches("<svg").count(), picture.matches("</svg>").count());
}

#[test]
fn file_that_the_page_keeps_can_be_replayed() {
    let lab = Lab::start();
    lab.play("flock", 3, 2, &[1, 2, 3, 1, 2]);
    let kept = lab.client.get("/schedule.json");
    assert!(kept.header("content-disposition").contains("schedule.json"));

    let finished = Replay::of(&kept.text()).run(&[]);

    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert!(finished.stdout.contains("Worker 2 waits for the lock on db.txt."), "{finished:?}");
}

/// A schedule in a file, and a temporary folder for whoever plays it.
struct Replay {
    file: Counter,
    temporary: Counter,
    mark: Mark,
}

impl Replay {
    fn of(text: &str) -> Replay {
        Replay { file: Counter::holding(text), temporary: Counter::missing(), mark: Mark::new() }
    }

    #[track_caller]
    fn run(&self, more: &[&str]) -> Finished {
        let program: Program = loadgen().args(["lab", "--replay"]).arg(self.file.path()).args(more);
        self.mark.on(program).env("TMPDIR", self.temporary.folder()).run()
    }

    #[track_caller]
    fn assert_nothing_is_left(&self) {
        self.mark.wait_until_gone();
        let left = fs::read_dir(self.temporary.folder()).expect("the test's own folder").count();
        assert_eq!(left, 0, "temporary folders are removed");
    }
}
