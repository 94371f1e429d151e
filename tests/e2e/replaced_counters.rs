//! `db.txt` replaced, removed and put back under a server that runs.

use std::fs;

use e2e::{Counter, OutsideLock};

use crate::{
    problem::assert_problem,
    programs::{serve, serve_with},
    sales::{count_of, tickets, tickets_of},
};

/// F01: replaced by a rename, between two sales.
#[test]
fn counter_that_an_editor_replaced_is_sold_from() {
    let counter = Counter::with(100);
    let servers = [serve(&counter), serve(&counter)];
    servers[0].buy();

    replace(&counter, "{\"count\": 50}\n");

    assert_eq!(servers[0].count(), 50);
    assert_eq!(tickets_of(&servers[0].buy()), [2], "its number was not sold before");
    assert_eq!(tickets_of(&servers[1].buy()), [3]);
    assert_eq!(counter.count(), 48);
}

/// F01: replaced by renames, during sales.
#[test]
fn counter_that_is_replaced_again_and_again_is_never_oversold() {
    let counter = Counter::with(1000);
    let servers = [serve(&counter), serve(&counter)];

    let answers = std::thread::scope(|scope| {
        let buyers = servers
            .each_ref()
            .map(|server| scope.spawn(move || (0..100).map(|_| server.buy()).collect::<Vec<_>>()));
        for _ in 0..50 {
            // What an editor does that keeps the text: it reads, writes a copy, and renames it.
            let text = counter.text();
            replace(&counter, &text);
        }
        buyers.map(|buyer| buyer.join().expect("the buyer is through")).concat()
    });

    // An editor that holds no lock may write back a count that is old by then; the numbers of
    // the tickets do not come from it.
    assert_eq!(count_of(&answers, 201), tickets(&answers).len());
    assert_eq!(count_of(&answers, 201), 200, "every buyer gets a ticket");
}

/// F31: removed while a server runs, and put back.
#[test]
fn removed_counter_stops_sales_and_is_not_made_anew() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--lock-timeout", "200ms"]);
    server.buy();
    let text = counter.text();
    // A turn that still goes on would sell on, and be shown by a later one.
    drop(OutsideLock::take(&counter));

    fs::remove_file(counter.path()).expect("the test's own file");
    let refused = server.buy();

    assert_problem(&server, &refused, 503, "not-sold");
    assert_eq!(refused.json()["sold"], "no");
    assert!(!counter.path().exists());

    counter.write(text);
    assert_eq!(tickets_of(&server.buy()), [2]);
    assert_eq!(counter.count(), 98);
}

#[test]
fn ledger_that_was_put_elsewhere_is_told_with_what_helps() {
    let counter = Counter::with(100);
    let server = serve_with(&counter, &["--lock-timeout", "200ms"]);
    server.buy();
    drop(OutsideLock::take(&counter));

    fs::rename(counter.ledger(), counter.folder().join("elsewhere")).expect("the test's own");
    let refused = server.buy();

    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.text().contains("start this server again"), "{}", refused.text());
    let stderr = server.terminate().stderr;
    assert!(stderr.contains("start this server again"), "{stderr}");
}

#[track_caller]
fn replace(counter: &Counter, text: &str) {
    let copy = counter.folder().join("db.txt.new");
    fs::write(&copy, text).expect("the test may write beside db.txt");
    fs::rename(&copy, counter.path()).expect("the test may replace db.txt");
}
