//! Writes and syncs that fail: nothing is sold on hope, and a restart finds one truth.

use std::time::Duration;

use e2e::{Answer, Client, Counter, Finished, Method, Server};
use serde_json::json;

use crate::{
    problem::assert_problem,
    programs::{serve, serve_with},
    sales::{assert_conserved, tickets},
    strace::server_with,
};

const TICKETS: u64 = 100;

/// How many tries to buy follow each other; each has its own key.
const TRIES: usize = 12;

/// F20, F21: the answer is "unknown", then "not sold"; reading goes on; a restart recovers.
#[test]
fn failed_sync_poisons_the_server_until_a_restart_has_recovered() {
    // The first three of a thread belong to the start.
    for nth in 1..=8 {
        survive_fault(&format!("fdatasync:error=EIO:when={nth}"));
    }
    survive_fault("fdatasync:error=ENOSPC:when=5+");
}

/// F22: a write that the system refuses.
#[test]
fn failed_write_poisons_the_server_until_a_restart_has_recovered() {
    for nth in 1..=8 {
        survive_fault(&format!("pwrite64:error=ENOSPC:when={nth}"));
    }
    survive_fault("pwrite64:error=EIO:when=4+");
}

/// F49: what a failed sync left in the page cache is synced by the next one who relies on it.
#[test]
fn other_server_settles_the_sale_that_a_failed_sync_left_unknown() {
    let counter = opened_counter();
    let healthy = serve(&counter);
    let failing = Server::start(server_with("fdatasync:error=EIO:when=4+"), &counter);

    let mut told = Vec::new();
    while told.last().is_none_or(|answer: &Answer| answer.status == 201) {
        told.push(buy_with(&failing, &key(told.len())));
    }
    let last = key(told.len() - 1);
    let settled = buy_with(&healthy, &last);

    assert_problem(&healthy, &told[told.len() - 1], 503, "outcome-unknown");
    assert_eq!(settled.status, 201, "{}", settled.text());
    assert_eq!(buy_with(&healthy, &last).text(), settled.text());
    let sold = 1 + told.len() as u64;
    assert_eq!(healthy.search()["sold"], sold);
    assert_conserved(&counter, TICKETS, sold);
    failing.kill();
    assert_eq!(buy_with(&serve(&counter), &last).text(), settled.text());
}

/// F24: a ledger that cannot be read is refused, and never taken for a short one.
#[test]
fn ledger_that_cannot_be_read_is_refused() {
    // The first two of another thread are the dynamic linker's; of the thread that opens the ledger seven come ahead of
    // the locks. The ninth asks the mark whether this is a backup, and the tenth how far `db.txt` was written, which may be
    // missing.
    for nth in (3..=9).chain(11..=14) {
        let counter = opened_counter();
        let fault = format!("pread64:error=EIO:when={nth}");

        let program = server_with(&fault).arg("--db").arg(counter.path());
        let refusal = program.args(["--listen", "127.0.0.1:0"]).run();

        assert_refused(&refusal);
        assert!(refusal.stderr.contains("db.txt"), "{fault}: {}", refusal.stderr);
        let server = serve(&counter);
        assert_eq!(server.search()["sold"], 1, "{fault}");
        assert_eq!(tickets(&[server.buy()]), [2], "{fault}");
    }
}

/// The durable yardstick is held to the same.
#[test]
fn yardstick_answers_nobody_whose_sync_has_failed() {
    let folder = Counter::missing();
    let program = server_with("fdatasync:error=EIO:when=3").args(["noop", "--synced"]);
    let yardstick = Server::start_without_counter(program.inside(folder.folder()));

    let statuses = [yardstick.buy().status, yardstick.buy().status];
    let third = Answer::try_to(yardstick.request(Method::POST, "/buy"));
    let ended = yardstick.finish();

    assert_eq!(statuses, [201, 201]);
    assert!(third.is_err(), "AckAfterSync: {third:?}");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("error: the scratch file: "), "{ended:?}");
    assert_eq!(folder.folder().read_dir().expect("a folder").count(), 0, "nothing is left behind");
}

/// F08: the wait for a lock that a signal interrupts is gone on with.
#[test]
fn interrupted_wait_for_the_lock_loses_no_buyer() {
    // A thread's calls 5 and 6 are the two locks of its second sale.
    for nth in 5..=6 {
        let counter = opened_counter();
        let fault = format!("flock:error=EINTR:when={nth}");
        let server = Server::start(server_with(&fault), &counter);

        let answers = (0..TRIES).map(|_| server.buy()).collect::<Vec<_>>();

        assert_eq!(tickets(&answers).len(), TRIES, "{answers:?}");
        assert_conserved(&counter, TICKETS, 1 + TRIES as u64);
    }
}

/// A server with `fault`, what its buyers are told, and the restart.
fn survive_fault(fault: &str) {
    println!("{fault}");
    let counter = opened_counter();
    let program = server_with(fault).arg("--db").arg(counter.path());
    let process = program.args(["--listen", "127.0.0.1:0"]).start();
    let url = process.stderr().find_line(Duration::from_secs(20), |line| {
        line.strip_prefix("listening on ").map(str::to_owned)
    });
    let mut told = Vec::new();
    match url {
        None => assert_refused(&process.finish(Duration::from_secs(20))),
        Some(url) => {
            let server = Client::new(&url);
            told = (0..TRIES).map(|at| buy_with(&server, &key(at))).collect();
            assert_poisoned(&server, &told);
        }
    }
    let restarted = serve_with(&counter, &["--lock-timeout", "1s"]);
    let settled = (0..TRIES).map(|at| buy_with(&restarted, &key(at))).collect::<Vec<_>>();
    for (before, after) in told.iter().zip(&settled).filter(|(before, _)| before.status == 201) {
        assert_eq!(before.text(), after.text(), "AckAfterSync: {fault}");
    }
    assert_eq!(tickets(&settled).len(), TRIES, "one truth for each key: {fault}");
    assert_eq!(restarted.search()["sold"], 1 + TRIES as u64, "{fault}");
    assert_conserved(&counter, TICKETS, 1 + TRIES as u64);
}

/// Sold, then once unknown, then not sold for good; and who only looks is served on.
#[track_caller]
fn assert_poisoned(server: &Client, told: &[Answer]) {
    let sold = told.iter().take_while(|answer| answer.status == 201).count();
    let Some(unknown) = told.get(sold) else {
        // Only the sync of a rest can have failed, after all answers.
        return;
    };
    assert_eq!(unknown.json()["sold"], "unknown");
    for refused in &told[sold + 1..] {
        assert_problem(server, refused, 503, "not-sold");
        assert_eq!(refused.json()["sold"], "unknown", "a key may have been sold to before");
    }
    let without_key = server.buy();
    assert_problem(server, &without_key, 503, "not-sold");
    assert_eq!(without_key.json()["sold"], "no");
    assert_eq!(server.get("/search").status, 200);
    assert_eq!(server.get("/livez").status, 200);
    assert_eq!(server.get("/readyz").status, 503);
    for sale in &told[..sold] {
        assert_eq!(server.get(sale.header("Location")).status, 200);
    }
}

#[track_caller]
fn assert_refused(refusal: &Finished) {
    assert!(!matches!(refusal.code, None | Some(0 | 101)), "{refusal:?}");
    assert!(!refusal.stderr.contains("panicked"), "{refusal:?}");
    assert!(refusal.stderr.contains("error: "), "{refusal:?}");
}

/// A counter whose ledger is there, with one ticket sold.
fn opened_counter() -> Counter {
    let counter = Counter::with(TICKETS);
    let server = serve(&counter);
    server.buy();
    server.terminate();
    counter
}

fn key(at: usize) -> String {
    format!("try {at}")
}

#[track_caller]
fn buy_with(server: &Client, key: &str) -> Answer {
    let request = server.request(Method::POST, "/buy").header("Idempotency-Key", key);
    Answer::to(request.json(&json!({ "quantity": 1 })))
}
