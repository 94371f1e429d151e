//! A kill ahead of each single step of a sale, one after the other.

use e2e::{Answer, Client, Counter, Method, RequestBuilder, Server};
use serde_json::json;

use crate::{
    programs::serve,
    sales::{assert_conserved, tickets, tickets_of},
    strace::server_with,
};

const TICKETS: u64 = 100;

/// More tickets than a segment has room for sales.
const ROOMY: u64 = 100_000;

/// The writes of a thread at a start; those of the sales follow.
const WRITES_AT_START: usize = 3;

/// Ledger, head, mark: the writes of a sale.
const WRITES_A_SALE: usize = 3;

/// F18, F36: each write of a sale is the last thing that did not happen any more.
#[test]
fn kill_ahead_of_any_write_of_a_sale_leaves_one_sale_a_key() {
    for step in 1..=2 * WRITES_A_SALE {
        let nth = WRITES_AT_START + step;
        let counter = opened_counter();
        kill_in_a_sale(&counter, &format!("pwrite64:signal=KILL:when={nth}"));
    }
}

/// F18, F36: killed when the record is written, but not known to be on the disk.
#[test]
fn kill_ahead_of_the_sync_of_a_sale_leaves_one_sale_a_key() {
    for nth in 4..=6 {
        kill_in_a_sale(&opened_counter(), &format!("fdatasync:signal=KILL:when={nth}"));
    }
}

/// F45: whoever is told to end and then killed while it syncs for the last time has lost nothing.
#[test]
fn kill_ahead_of_the_last_syncs_loses_no_sale() {
    // Three syncs of three sales, then those of the rest at the end: ledger, head, mark.
    for nth in 4..=6 {
        let counter = opened_counter();
        let server = start(&counter, &format!("fdatasync:signal=KILL:when={nth}"));
        let sales = (0..3).map(|at| buy_with(&server, at)).collect::<Vec<_>>();
        assert_eq!(tickets(&sales), [2, 3, 4]);

        let finished = server.terminate();

        assert_eq!(finished.signal, Some(9), "no sync of the rest with the number {nth}");
        assert_settled(&counter, &sales);
    }
}

/// F23, F28: killed between any two steps to a new segment, while another server goes on.
#[test]
fn kill_in_the_middle_of_a_new_segment_is_gone_on_from_by_the_other_server() {
    // Its name, its folder, and the folder that holds that; the start syncs both folders once.
    for fault in
        ["/^rename:signal=KILL:when=1", "fsync:signal=KILL:when=3", "fsync:signal=KILL:when=4"]
    {
        let counter = Counter::with(ROOMY);
        let survivor = serve(&counter);
        survivor.buy();
        let victim = start(&counter, fault);
        let mut acknowledged = Vec::new();
        while let Ok(answer) = Answer::try_to(long_order(&victim)) {
            assert_eq!(answer.status, 201, "{}", answer.text());
            acknowledged.push(answer);
        }
        assert_eq!(victim.finish().signal, Some(9), "{fault}");

        acknowledged.extend((0..60).map(|_| Answer::to(long_order(&survivor))));

        let sold = tickets(&acknowledged);
        let restarted = serve(&counter);
        for server in [&survivor, &restarted] {
            for sale in acknowledged.iter().rev().take(100) {
                assert_eq!(server.get(sale.header("Location")).status, 200, "{fault}");
            }
        }
        let in_ledger = restarted.search()["sold"].as_u64().expect("a number");
        assert!(in_ledger - 1 - sold.len() as u64 <= 1, "only the last one got no answer");
        assert_eq!(tickets_of(&restarted.buy()), [in_ledger + 1], "{fault}");
        assert_conserved(&counter, ROOMY, in_ledger + 1);
    }
}

/// Buys until the server is killed by `fault`; then each key has one answer, the one that it got.
fn kill_in_a_sale(counter: &Counter, fault: &str) {
    println!("{fault}");
    let server = start(counter, fault);
    let mut acknowledged = Vec::new();
    while let Ok(answer) = Answer::try_to(order(&server, acknowledged.len())) {
        assert_eq!(answer.status, 201, "{}", answer.text());
        acknowledged.push(answer);
    }
    assert_eq!(server.finish().signal, Some(9), "{fault}");
    assert_settled(counter, &acknowledged);
}

/// A restart knows all that was acknowledged, and sells once to the key that got no answer.
fn assert_settled(counter: &Counter, acknowledged: &[Answer]) {
    let restarted = serve(counter);
    for (at, told) in acknowledged.iter().enumerate() {
        assert_eq!(buy_with(&restarted, at).text(), told.text(), "AckAfterSync");
    }
    let next = acknowledged.len();
    let sale = buy_with(&restarted, next);
    let sold = 2 + next as u64;
    assert_eq!(tickets_of(&sale), [sold], "the numbers go on without a gap");
    assert_eq!(buy_with(&restarted, next).text(), sale.text(), "AnswerOnce");
    assert_eq!(restarted.search()["sold"], sold);
    assert_conserved(counter, TICKETS, sold);
}

fn start(counter: &Counter, fault: &str) -> Server {
    Server::start(server_with(fault), counter)
}

/// A counter whose ledger is there, with one ticket sold.
fn opened_counter() -> Counter {
    let counter = Counter::with(TICKETS);
    let server = serve(&counter);
    server.buy();
    server.terminate();
    counter
}

fn order(server: &Client, key: usize) -> RequestBuilder {
    let request = server.request(Method::POST, "/buy");
    request.header("Idempotency-Key", format!("try {key}")).json(&json!({ "quantity": 1 }))
}

/// An order whose record is as long as can be.
fn long_order(server: &Client) -> RequestBuilder {
    server.request(Method::POST, "/buy").json(&json!({ "buyer": "\u{1f3ab}".repeat(200) }))
}

#[track_caller]
fn buy_with(server: &Client, key: usize) -> Answer {
    Answer::to(order(server, key))
}
