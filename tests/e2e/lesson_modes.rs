//! The lesson's sellers: `--locking none`, `mutex` and `file`.

use e2e::{Answer, Counter, Server, crowd};
use serde_json::{Value, json};

use crate::{
    programs::{serve, serve_with, server},
    sales::{assert_conserved, count_of, tickets},
};

const DELAYS: [&str; 4] = ["--check-delay", "50ms", "--write-delay", "100ms"];

#[test]
fn sale_has_no_revision_and_no_receipt() {
    for locking in ["none", "mutex", "file"] {
        let counter = Counter::with(10);
        let server = serve_with(&counter, &["--locking", locking]);

        let first = server.buy();
        let second = server.buy();

        for (answer, ticket) in [(first, 1), (second, 2)] {
            assert_eq!(answer.status, 201, "{locking}");
            let mut sale = answer.json();
            let section = sale.as_object_mut().and_then(|sale| sale.remove("section"));
            assert_section(&section.unwrap_or_default());
            assert_eq!(
                sale,
                json!({
                    "tickets": [ticket], "remaining": 10 - ticket,
                    "revision": null, "receipt": null
                }),
                "{locking}"
            );
        }
        assert_eq!(counter.count(), 8, "{locking}");
    }
}

#[test]
fn search_names_the_locking_and_follows_the_sales() {
    for locking in ["none", "mutex", "file"] {
        let counter = Counter::with(10);
        let server = serve_with(&counter, &["--locking", locking]);
        server.buy();

        let found = server.search();

        assert_eq!(found["count"], 9, "{found}");
        assert_eq!(found["locking"], *locking, "{found}");
        assert_eq!(found["held"], 0, "{found}");
    }
}

#[test]
fn sold_out_is_told_without_a_revision() {
    for locking in ["none", "mutex", "file"] {
        let counter = Counter::with(0);
        let server = serve_with(&counter, &["--locking", locking]);

        let refused = server.buy();

        assert_eq!(refused.status, 409, "{locking}: {refused:?}");
        let problem = refused.json();
        assert_eq!(problem["type"], "/problems/sold-out");
        assert_eq!((&problem["requested"], &problem["remaining"]), (&json!(1), &json!(0)));
        assert_eq!(problem["revision"], Value::Null, "{locking}");
        assert_section(&problem["section"]);
    }
}

#[test]
fn unsafe_server_warns_at_start_and_the_safe_one_does_not() {
    for (locking, warns) in [("none", true), ("mutex", true), ("group", false)] {
        let counter = Counter::with(1);
        let server = serve_with(&counter, &["--locking", locking]);

        let said = server.stderr().to_lowercase();
        server.terminate();
        assert_eq!(said.contains("warn"), warns, "{locking}: {said}");
    }
}

#[test]
fn without_a_lock_the_last_ticket_is_sold_again_and_again() {
    let counter = Counter::with(1);
    let server = serve_with(&counter, &[&["--locking", "none"][..], &DELAYS].concat());

    let answers = crowd(5, |_| server.buy());

    assert!(count_of(&answers, 201) > 1, "{answers:?}");
}

#[test]
fn mutex_or_file_lock_sells_the_last_ticket_once() {
    for locking in ["mutex", "file"] {
        let counter = Counter::with(1);
        let server = serve_with(&counter, &[&["--locking", locking][..], &DELAYS].concat());

        let answers = crowd(5, |_| server.buy());

        assert_eq!(tickets(&answers), [1], "{locking}");
        assert_eq!(count_of(&answers, 409), 4, "{locking}");
        assert_conserved(&counter, 1, 1);
    }
}

#[test]
fn mutex_keeps_apart_no_two_servers() {
    assert!(count_of(&two_servers_sell_one_ticket("mutex"), 201) > 1);
}

#[test]
fn file_lock_keeps_two_servers_apart() {
    assert_eq!(count_of(&two_servers_sell_one_ticket("file"), 201), 1);
}

#[test]
fn refused_lesson_buyer_leaves_the_counter_alone() {
    let counter = Counter::with(0);
    let server = serve_with(&counter, &["--locking", "none"]);
    let before = counter.fingerprint();

    server.buy();

    assert_eq!(counter.fingerprint(), before);
}

#[test]
fn group_commit_goes_on_where_the_lesson_ended() {
    let counter = Counter::with(10);
    let lesson = serve_with(&counter, &["--locking", "file"]);
    lesson.buy();
    lesson.terminate();

    let server = serve(&counter);

    assert_eq!(server.count(), 9);
    assert_eq!(server.buy().json()["remaining"], 8);
    assert_eq!(counter.count(), 8);
}

/// Its sales would stand in no record, and the ledger's would be undone by its writes.
#[test]
fn lesson_beside_a_ledger_is_refused() {
    let counter = Counter::with(10);
    serve(&counter).buy();
    let before = counter.fingerprint();

    for locking in ["none", "mutex", "file"] {
        let program = server().args(["--locking", locking, "--listen", "127.0.0.1:0", "--db"]);
        let refusal = program.arg(counter.path()).run();

        assert_eq!(refusal.code, Some(2), "{locking}: {refusal:?}");
        for part in [&*format!("--locking {locking}"), "db.txt.ledger", "hint: ", "--db"] {
            assert!(refusal.stderr.contains(part), "{locking}, {part}: {}", refusal.stderr);
        }
    }
    assert_eq!(counter.fingerprint(), before);
    assert_eq!(serve(&counter).buy().json()["tickets"], json!([2]));
}

fn two_servers_sell_one_ticket(locking: &str) -> Vec<Answer> {
    let counter = Counter::with(1);
    let arguments = [&["--locking", locking][..], &DELAYS].concat();
    let servers: [Server; 2] = [serve_with(&counter, &arguments), serve_with(&counter, &arguments)];
    crowd(4, |at| servers[at % 2].buy())
}

/// A read of the count and then a write, on the machine's monotonic clock.
#[track_caller]
fn assert_section(section: &Value) {
    let [read_ns, write_ns] = ["read_ns", "write_ns"].map(|end| section[end].as_u64());
    assert!(read_ns.is_some() && read_ns <= write_ns, "{section}");
}
