//! Programs that change `db.txt` as they like, while three servers sell from it.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use e2e::{Answer, Counter, OutsideLock, Program, Server, crowd, seeded};
use serde_json::Value;

use crate::{
    programs::serve,
    sales::{assert_conserved, count_of, tickets},
};

const TICKETS: u64 = 100_000;

/// F01: `sed -i` in a loop, under no lock; it may put an older text back, with its revision.
#[test]
fn counter_that_sed_replaces_in_a_loop_is_sold_from_and_conserved() {
    let counter = Counter::with(TICKETS);
    let servers = three(&counter);

    let answers = buy_beside(&servers, 40, || {
        let sed = Program::new("sed").args(["-i", "s/\"count\": 9/\"count\": 9/"]);
        assert_eq!(sed.arg(counter.path()).run().code, Some(0));
    });

    assert_eq!(count_of(&answers, 201), answers.len(), "every buyer gets a ticket");
    assert_eq!(tickets(&answers).len(), answers.len());
    assert_ledger_explains(&counter, &servers, answers.len());
    assert_conserved(&counter, TICKETS, (answers.len() + servers.len()) as u64);
}

/// F11: three writers without any lock; each change that is seen is a record of the ledger.
#[test]
fn changes_of_rude_writers_are_each_explained_in_the_ledger() {
    let mut random = seeded("changes_of_rude_writers_are_each_explained_in_the_ledger");
    let counter = Counter::with(TICKETS);
    let servers = three(&counter);

    let answers = buy_beside(&servers, 120, || {
        // One adds, one drops the other keys, one truncates before it writes.
        let count = TICKETS / 2 + random.u64(0..1000);
        let text = format!("{{\"count\": {count}}}\n");
        match random.u8(0..3) {
            0 => counter.overwrite(&counter.text().replacen("\"count\": ", "\"count\": 1", 1)),
            1 => counter.overwrite(&text),
            _ => counter.write(text),
        }
        thread::sleep(Duration::from_millis(2));
    });

    let refused = answers.iter().filter(|answer| answer.status != 201);
    for answer in refused {
        // Two texts on top of each other are no counter; the next writer mends that.
        assert_eq!((answer.status, &answer.json()["sold"]), (503, &"no".into()));
    }
    let sold = tickets(&answers).len();
    assert!(sold > 100, "only {sold} of {} were sold", answers.len());
    counter.write(format!("{{\"count\": {TICKETS}}}\n"));
    let answers = [answers, vec![servers[0].buy()]].concat();
    assert_ledger_explains(&counter, &servers, tickets(&answers).len());
}

/// F12: an outsider truncates, rests, and writes: buyers wait for it, and nobody repairs the file.
#[test]
fn buyers_wait_for_an_outsider_in_the_middle_of_a_write() {
    let counter = Counter::with(TICKETS);
    let server = serve(&counter);
    server.buy();

    counter.write("");
    let answers = thread::scope(|scope| {
        let buyers = scope.spawn(|| crowd(4, |_| server.buy()));
        thread::sleep(Duration::from_millis(300));
        assert_eq!(counter.length(), 0, "only its writer may end what it began");
        counter.write("{\"count\": 500}\n");
        buyers.join().expect("the buyers are answered")
    });

    assert_eq!(tickets(&answers), [2, 3, 4, 5]);
    assert_eq!(counter.count(), 496);
}

/// F38: servers that never rest let a program under `flock` in.
#[test]
fn busy_servers_let_an_outsider_have_the_lock() {
    let counter = Counter::with(TICKETS);
    let servers = three(&counter);
    let mut waits = Vec::new();

    buy_beside(&servers, 100, || {
        let asked = Instant::now();
        drop(OutsideLock::take(&counter));
        waits.push(asked.elapsed());
    });

    waits.sort_unstable();
    let typical = waits[waits.len() / 2];
    assert!(typical < Duration::from_millis(100), "half of them waited longer than {typical:?}");
    assert!(waits[waits.len() - 1] < Duration::from_secs(3), "{waits:?}");
}

fn three(counter: &Counter) -> [Server; 3] {
    [serve(counter), serve(counter), serve(counter)]
}

/// Six buyers buy at the servers for as long as `outside` is done `times` times.
fn buy_beside(servers: &[Server], times: usize, mut outside: impl FnMut()) -> Vec<Answer> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let over = &over;
        let buyers = (0..6)
            .map(|at| {
                let server = servers[at % servers.len()].client().clone();
                scope.spawn(move || {
                    let mut answers = Vec::new();
                    while !over.load(Ordering::SeqCst) {
                        answers.push(server.buy());
                    }
                    answers
                })
            })
            .collect::<Vec<_>>();
        (0..times).for_each(|_| outside());
        over.store(true, Ordering::SeqCst);
        buyers.into_iter().flat_map(|buyer| buyer.join().expect("the buyer is through")).collect()
    })
}

/// Every record follows from the one before it by what it says, up to what `db.txt` says now.
#[track_caller]
fn assert_ledger_explains(counter: &Counter, servers: &[Server], sold: usize) {
    for server in servers {
        server.buy();
    }
    let sold = sold + servers.len();
    let mut left = TICKETS;
    let mut sold_in_ledger = 0;
    let records = records(counter);
    for (record, revision) in records.iter().zip(1_u64..) {
        assert_eq!(record["revision"], revision, "{record}");
        if let Some(quantity) = record["sold"]["quantity"].as_u64() {
            left -= quantity;
            sold_in_ledger += 1;
            assert_eq!(record["count"], left, "not what is left after a sale: {record}");
        } else {
            assert!(record["adjusted"].is_object(), "{record}");
            left = record["count"].as_u64().expect("a record has a count");
        }
    }
    assert_eq!(sold_in_ledger, sold);
    assert_eq!(counter.count(), left);
    assert_eq!(counter.json()["revision"], records.len());
}

fn records(counter: &Counter) -> Vec<Value> {
    let mut segments = fs::read_dir(counter.ledger())
        .expect("the ledger can be listed")
        .map(|entry| entry.expect("an entry can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "segment"))
        .collect::<Vec<_>>();
    segments.sort_unstable();
    let lines = segments.iter().map(|path| fs::read_to_string(path).expect("a segment is text"));
    let lines = lines.flat_map(|text| {
        let lines = text.trim_end_matches('\0').lines().map(|line| line[9..].to_owned());
        lines.collect::<Vec<_>>()
    });
    let values = lines.map(|line| serde_json::from_str::<Value>(&line).expect("a line is JSON"));
    values.filter(|line| line["revision"].is_u64() && line["turn"].is_u64()).collect()
}
