//! `server backup` and `server restore` of counters in etcd and PostgreSQL.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use e2e::{Answer, Finished, eventually, tickets, tickets_of};
use serde_json::json;

use crate::kept::{
    Engine::{Etcd, File, Postgres},
    Places,
};

#[track_caller]
fn backup(places: &Places, db: &str, dir: &str) -> Finished {
    places.server(&["backup", dir, "--db", db]).run()
}

#[track_caller]
fn restore(places: &Places, dir: &str, db: &str, more: &[&str]) -> Finished {
    places.server(&["restore", dir, "--db", db]).args(more).run()
}

#[test]
fn backups_made_while_it_is_sold_from_are_sound_and_grow() {
    let places = Places::new();
    for engine in [Etcd, Postgres] {
        let db = places.db(engine, "hall");
        let server = places.serve_with(&db, &["--init", "100000"]);
        let is_over = AtomicBool::new(false);
        let (dirs, answers) = thread::scope(|scope| {
            let buyer = scope.spawn(|| {
                let mut answers = Vec::new();
                while !is_over.load(Ordering::SeqCst) {
                    answers.push(server.buy());
                }
                answers
            });
            let dirs: Vec<_> = (0..4)
                .map(|at| {
                    let dir = places.folder.path().join(format!("{engine:?}-{at}"));
                    let dir = dir.display().to_string();
                    let said = backup(&places, &db, &dir);
                    assert_eq!(said.code, Some(0), "{said:?}");
                    dir
                })
                .collect();
            is_over.store(true, Ordering::SeqCst);
            (dirs, buyer.join().expect("it buys"))
        });

        assert!(!tickets(&answers).is_empty());
        let mut last = 0;
        for dir in dirs {
            let counts = places.assert_sound(&format!("{dir}/db.txt"));
            let revision = counts[0].rsplit(' ').next().and_then(|revision| revision.parse().ok());
            let revision: u64 = revision.expect("a revision");
            assert!(revision >= last, "a later one has all that an earlier one has");
            last = revision;
        }
    }
}

#[test]
fn restored_counter_gives_out_no_receipt_and_no_number_a_second_time_wherever_it_is_put() {
    let places = Places::new();
    for (from, to) in [(Etcd, Etcd), (Postgres, Postgres), (Etcd, File), (File, Postgres)] {
        let name = format!("{from:?}-{to:?}");
        let db = places.db(from, &name);
        let server = places.serve_with(&db, &["--init", "30"]);
        let kept = server.buy();
        let held = server.post("/holds", &json!({"quantity": 2, "seconds": 3600})).json();
        let dir = places.folder.path().join(&name).display().to_string();
        let said = backup(&places, &db, &dir);
        assert_eq!(said.code, Some(0), "{said:?}");
        let lost = [server.buy(), server.buy()];
        server.terminate();

        let new = places.db(to, &format!("{name}-new"));
        let said = restore(&places, &dir, &new, &["--sold-at-least", "3"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let told = "25 left, 2 held, 3 sold; the next number is 4";
        assert!(said.stdout.contains(told), "{said:?}");
        let again = restore(&places, &dir, &new, &[]);
        assert!(matches!(again.code, Some(1 | 2)) && again.stderr.contains("already"), "{again:?}");

        places.assert_sound(&new);
        let server = places.serve(&new);
        let sold = [server.buy(), server.buy()];
        assert_eq!(sold.iter().flat_map(tickets_of).collect::<Vec<_>>(), [4, 5]);
        let receipts = |answers: &[Answer]| -> BTreeSet<String> {
            answers.iter().map(|answer| answer.header("Location").to_owned()).collect()
        };
        assert!(receipts(&lost).is_disjoint(&receipts(&sold)));
        assert_eq!(server.get(kept.header("Location")).status, 200);
        for lost in receipts(&lost) {
            assert_eq!(server.get(&lost).status, 404);
        }
        for sold in receipts(&sold) {
            assert_eq!(server.get(&sold).status, 200);
        }
        let confirm = format!("/holds/{}/confirm", held["hold"].as_str().expect("a token"));
        assert_eq!(tickets_of(&server.post(&confirm, &json!({}))), [6, 7]);
    }
}

#[test]
fn restore_that_was_broken_off_ahead_of_its_last_step_is_gone_on_with() {
    let places = Places::new();
    for engine in [Etcd, Postgres] {
        let (db, dir) = (places.db(engine, "hall"), format!("{engine:?}-dir"));
        let server = places.serve_with(&db, &["--init", "30"]);
        server.buy();
        server.terminate();
        let dir = places.folder.path().join(dir).display().to_string();
        assert_eq!(backup(&places, &db, &dir).code, Some(0));
        let call = if engine == Etcd { "writev" } else { "sendto" };
        let mut was_gone_on_with = 0;
        for nth in (1..).step_by(3) {
            let new = places.db(engine, &format!("new-{nth}"));
            let arguments = ["restore", &dir, "--db", &new, "--sold-at-least", "3"];
            let killed = places.server_under(&format!("{call}:signal=KILL:when={nth}"), &arguments);
            if killed.run().code == Some(0) {
                break;
            }
            if places.verify(&new).code != Some(0) {
                let said = restore(&places, &dir, &new, &["--sold-at-least", "3"]);
                assert_eq!(said.code, Some(0), "{said:?}");
                was_gone_on_with += 1;
            }
            let counts = places.assert_sound(&new);
            assert_eq!(counts[0], "count 27, sold 3, revision 2");
        }
        assert!(was_gone_on_with > 5, "{was_gone_on_with}");
    }
}

#[test]
fn damaged_counter_is_not_backed_up() {
    let places = Places::new();
    let db = places.db(Postgres, "hall");
    let server = places.serve_with(&db, &["--init", "30"]);
    eventually("sales", || (server.buy().json()["remaining"] == 25).then_some(()));
    server.terminate();
    let name = places.own("hall");
    places.postgres.sql(&format!(
        "SET session_replication_role = replica; DELETE FROM ticket_counter.record WHERE revision = 3 \
         AND counter = (SELECT id FROM ticket_counter.counter WHERE name = '{name}')"
    ));
    let dir = places.folder.path().join("backup");

    let said = backup(&places, &db, &dir.display().to_string());

    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("record `3`: it is missing"), "{said:?}");
    assert!(!dir.exists());
}
