//! Fleets of threads and of tasks, held against the judge.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    history::{Header, OperationKind},
    judge::{Evidence, Judgement, Verdict, judge},
    plan::{Pace, Plan, Work},
    setup::Mode,
    shop::{Address, create_counter, read_ending},
    worker::{Fleet, FleetLimits, Record, WorkerPlan},
};

/// Twelve workers that buy from `db` themselves.
fn fleet(mode: Mode, db: &Path, locked: bool) -> Fleet {
    let workers = if mode == Mode::Task { 1 } else { 12 };
    let race = Plan {
        clients: 12,
        work: Work::SearchThenBuy,
        pace: Pace::Closed,
        warm_up_ns: 0,
        end_ns: None,
        requests: None,
        seed: 0,
    };
    let plan = |worker| WorkerPlan {
        worker,
        workers,
        plan: race.clone(),
        addresses: vec![Address::File {
            path: db.to_owned(),
            locked,
            check_delay_ns: 1_000_000,
            write_delay_ns: 2_000_000,
        }],
        must_connect: true,
        timeout_ns: 60_000_000_000,
        retries: false,
        record: Record::Told,
        run: 0,
    };
    Fleet {
        mode,
        plans: (0..workers).map(plan).collect(),
        limits: FleetLimits { gather: Duration::from_secs(60), work: Duration::from_secs(60) },
    }
}

async fn race(mode: Mode, locked: bool) -> Judgement {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("db.txt");
    create_counter(&db, 3).unwrap();
    let run = fleet(mode, &db, locked).run(&mut |_| {}).await.unwrap();
    assert_eq!(run.operations.len(), 24);
    assert_eq!(run.notes, Vec::<String>::new());
    let header = Header { left: Some(read_ending(&db).unwrap().left), ..Header::new(3) };
    judge(&Evidence { header: &header, operations: &run.operations, lacks: &[] })
}

#[tokio::test]
async fn the_lock_keeps_threads_and_tasks_apart() {
    for mode in [Mode::Thread, Mode::Task] {
        assert_eq!(race(mode, true).await, Judgement::default(), "{mode:?}");
    }
}

#[tokio::test]
async fn without_the_lock_threads_and_tasks_are_caught() {
    for mode in [Mode::Thread, Mode::Task] {
        assert_eq!(race(mode, false).await.verdict(), Verdict::Violation, "{mode:?}");
    }
}

#[tokio::test]
async fn workers_that_cannot_begin_have_bought_nothing() {
    let nowhere = PathBuf::from("no-such-folder/db.txt");
    let run = fleet(Mode::Task, &nowhere, true).run(&mut |_| {}).await.unwrap();
    assert!(run.operations.iter().all(|buy| buy.op == OperationKind::Buy));
    assert!(run.operations.iter().all(|buy| buy.tickets.is_empty()));
    assert_eq!(run.operations.len(), 12);
    assert_eq!(run.notes[0], "12 ended before the start and bought nothing");
    assert!(run.notes[1].contains("no-such-folder"), "{:?}", run.notes);
}
