//! Races of threads and of tasks on `db.txt` itself, held against the judge.

use std::time::Duration;

use super::{config::RaceConfig, run::run};
use crate::{
    judge::{Judgement, Verdict},
    lead::Interrupts,
    setup::{Delays, Locking, Mode},
};

/// Twelve workers that buy from three tickets themselves.
async fn race(mode: Mode, locking: Locking) -> Judgement {
    let delays = Delays { check: Duration::from_millis(1), write: Duration::from_millis(2) };
    let config = RaceConfig {
        workers: 12,
        mode,
        tickets: 3,
        servers: 0,
        delays,
        holds: None,
        lockings: vec![locking],
        own: None,
        timeout: Duration::from_secs(60),
        history: None,
        report: None,
        output: None,
        json: false,
    };
    let mut interrupts = Interrupts::new().unwrap();
    let run = run(&config, locking, &mut interrupts, &mut |_| {}).await.unwrap();
    assert_eq!(run.judged.history.operations.len(), 24);
    assert_eq!(run.notes, [""; 0]);
    run.judged.judgement
}

#[tokio::test]
async fn the_lock_keeps_threads_and_tasks_apart() {
    for mode in [Mode::Thread, Mode::Task] {
        assert_eq!(race(mode, Locking::File).await, Judgement::default(), "{mode:?}");
    }
}

#[tokio::test]
async fn without_the_lock_threads_and_tasks_are_caught() {
    for mode in [Mode::Thread, Mode::Task] {
        assert_eq!(race(mode, Locking::None).await.verdict(), Verdict::Violation, "{mode:?}");
    }
}
