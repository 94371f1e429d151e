//! The lessons that need no processes, held to their claims and with a planted fault; those that
//! need processes are in the end-to-end tests, where this program can start itself.

use std::time::Duration;

use super::{
    catalogue::CATALOGUE,
    play::{Play, Waits},
    pulse::Pulse,
    show::perform,
    stage::{Stage, Voice},
    summary::Performance,
};
use crate::judge::Verdict;

/// A machine that runs other tests at once may be too busy for an answer.
const TRIES: u32 = 10;

fn performed(name: &str, is_sabotaged: bool) -> Performance {
    let lesson = CATALOGUE.iter().find(|lesson| lesson.name == name).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ms = Duration::from_millis;
    let play = Play {
        stage: Stage::new(Voice::Silent),
        waits: Waits { check: ms(10), write: ms(20), short: ms(100), long: ms(200), step: ms(30) },
        is_sabotaged,
        with_python: false,
        folder: folder.path().join(name),
        pulse: Pulse::begin(),
    };
    perform(lesson, &play).unwrap()
}

#[track_caller]
fn ends_with(name: &str, is_sabotaged: bool, verdict: Verdict) {
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let performance = performed(name, is_sabotaged);
        if performance.verdict() == verdict {
            return;
        }
        let findings = format!("{:#?}", performance.findings);
        assert_eq!(performance.verdict(), Verdict::Unknown, "{name}: {findings}");
        seen.push(findings);
    }
    panic!("{name} could not tell, {TRIES} times: {}", seen.join("\n"));
}

#[test]
fn join_sees_what_it_teaches_and_its_opposite_inside_the_loop() {
    ends_with("join", false, Verdict::Valid);
    ends_with("join", true, Verdict::Violation);
}

#[test]
fn memory_mutex_sees_what_it_teaches_and_its_opposite_without_the_mutex() {
    ends_with("memory-mutex", false, Verdict::Valid);
    ends_with("memory-mutex", true, Verdict::Violation);
}

#[test]
fn producer_consumer_sees_what_it_teaches_and_its_opposite_with_a_mark_too_few() {
    ends_with("producer-consumer", false, Verdict::Valid);
    ends_with("producer-consumer", true, Verdict::Violation);
}

#[test]
fn thread_pool_sees_what_it_teaches_and_its_opposite_without_the_order() {
    ends_with("thread-pool", false, Verdict::Valid);
    ends_with("thread-pool", true, Verdict::Violation);
}
