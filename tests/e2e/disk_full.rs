//! A disk without room: refused before anything is written, and sold on once there is room.

use std::{fs, path::Path};

use e2e::{Answer, Client, Counter, Method, Server, crowd, eventually};
use serde_json::json;

use crate::{mounts::mount_namespace, problem::assert_problem, programs::server, sales::tickets};

const TICKETS: u64 = 1_000_000;

/// Mounts a disk of 8 MiB on the folder `$0`, for itself alone; on it a counter and a file that
/// leaves room for one segment of 1 MiB, but neither for the next of 4 MiB nor for a second of 1 MiB.
const ON_A_SMALL_DISK: &str = r#"mount -t tmpfs -o size=8m tmpfs "$0" && cd / &&
    echo '{"count": 1000000}' > "$0/db.txt" &&
    head -c 6500000 /dev/zero > "$0/ballast" && exec "$@""#;

/// F22, F23: the next segment does not fit; nothing is poisoned by that.
#[test]
fn full_disk_refuses_sales_before_anything_is_written_and_freed_room_sells_on() {
    let Some(namespace) = mount_namespace("a full disk") else { return };
    let counter = Counter::missing();
    let program = namespace.args(["sh", "-c", ON_A_SMALL_DISK]).arg(counter.folder());
    let program = program.arg(server().path()).args(["--lock-timeout", "1s"]);
    let server = Server::start(program, &counter);
    let disk = format!("/proc/{}/root{}", server.pid(), counter.folder().display());

    let answers = crowd(8, |at| buy_until_refused(&server, at)).concat();

    let sold = tickets(&answers);
    assert_eq!(sold, (1..=sold.len() as u64).collect::<Vec<_>>(), "numbers without gaps");
    let head = || fs::read_to_string(Path::new(&disk).join("db.txt")).expect("a counter");
    let before = head();
    let refused = buy_with(&server, "full");
    assert_problem(&server, &refused, 503, "not-sold");
    assert_eq!(refused.json()["sold"], "unknown", "a key may have been sold to before");
    assert_eq!(server.buy().json()["sold"], "no");
    assert_eq!(head(), before, "nothing is written for whom nothing is sold");
    assert_eq!(server.count(), TICKETS - sold.len() as u64, "who only looks is served on");
    let ready = server.get("/readyz");
    assert_problem(&server, &ready, 503, "not-sold");
    assert!(ready.text().contains("No space left"), "{}", ready.text());

    fs::remove_file(Path::new(&disk).join("ballast")).expect("the test's own file");

    // A proxy sends nobody here who could find that out: the server looks again by itself.
    eventually("a server that is ready again", || {
        (server.get("/readyz").status == 200).then_some(())
    });
    let next = buy_with(&server, "full");
    assert_eq!(tickets(&[next]), [sold.len() as u64 + 1]);
    for sale in answers.iter().filter(|answer| answer.status == 201).step_by(97) {
        assert_eq!(server.get(sale.header("Location")).status, 200);
    }
    assert_eq!(server.terminate().code, Some(0));
}

/// Buys with long keys, which fill the ledger, until the answer is no sale.
fn buy_until_refused(server: &Client, buyer: usize) -> Vec<Answer> {
    let mut answers = Vec::new();
    loop {
        let key = format!("{:0>200}", format!("{buyer} {}", answers.len()));
        answers.push(buy_with(server, &key));
        if answers[answers.len() - 1].status != 201 {
            return answers;
        }
    }
}

#[track_caller]
fn buy_with(server: &Client, key: &str) -> Answer {
    let request = server.request(Method::POST, "/buy").header("Idempotency-Key", key);
    Answer::to(request.json(&json!({ "buyer": "b".repeat(200) })))
}
