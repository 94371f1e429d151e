//! The lessons that need no processes, held to their claims and with a planted fault; those that
//! need processes are in the end-to-end tests, where this program can start itself.

use std::time::Duration;

use super::{
    catalogue::LESSONS,
    definition::{Context, Waits},
    lateness::Lateness,
    outcome::Outcome,
    show::run,
    timeline::Timeline,
};
use crate::judge::Verdict;

/// A machine that runs other tests at once may be too busy for an answer.
const TRIES: u32 = 10;

fn outcome(name: &str, is_sabotaged: bool) -> Outcome {
    let lesson = LESSONS.iter().find(|lesson| lesson.name == name).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ms = Duration::from_millis;
    let context = Context {
        lesson,
        timeline: Timeline::new(|_| {}),
        waits: Waits { check: ms(10), write: ms(20), short: ms(100), long: ms(200), step: ms(30) },
        is_sabotaged,
        with_python: false,
        folder: folder.path().join(name),
        lateness: Lateness::watch(),
    };
    run(&context).unwrap()
}

#[track_caller]
fn ends_with(name: &str, is_sabotaged: bool, verdict: Verdict) {
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let outcome = outcome(name, is_sabotaged);
        if outcome.verdict() == verdict {
            return;
        }
        let findings = format!("{:#?}", outcome.findings);
        assert_eq!(outcome.verdict(), Verdict::Unknown, "{name}: {findings}");
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
