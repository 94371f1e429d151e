//! A change that somebody made outside is made once, whenever a server is killed over it.

use e2e::{Answer, Counter, Method, Server};

use crate::{programs::serve, sales::tickets_of, strace::server_with};

const TICKETS: u64 = 100;

/// F19: somebody put 50 tickets in; the server that noted it in the ledger was killed ahead of its
/// write to `db.txt`. They must not be put in a second time.
#[test]
fn restock_outside_is_adopted_once_when_the_server_is_killed_over_it() {
    assert_adopted_once(50);
}

/// F19: likewise for a ticket that somebody took outside.
#[test]
fn ticket_taken_outside_is_adopted_once_when_the_server_is_killed_over_it() {
    assert_adopted_once(-1);
}

#[track_caller]
fn assert_adopted_once(change: i64) {
    let counter = Counter::with(TICKETS);
    let server = serve(&counter);
    server.buy();
    server.terminate();
    // A thread's writes 1 to 3 are the first sale's: ledger, head, mark. 5 is the next one's head.
    let doomed = Server::start(server_with("pwrite64:signal=KILL:when=5"), &counter);
    assert_eq!(tickets_of(&doomed.buy()), [2]);
    counter.change_count(change);
    let unanswered = Answer::try_to(doomed.request(Method::POST, "/buy"));
    assert!(unanswered.is_err(), "{unanswered:?}");
    assert_eq!(doomed.finish().signal, Some(9));

    let restarted = serve(&counter);

    // The third sale is in the ledger, though nobody was told.
    let sold = restarted.search()["sold"].as_u64().expect("a number");
    assert_eq!(sold, 3);
    let expected = TICKETS.checked_add_signed(change).expect("a number of tickets") - sold;
    assert_eq!(restarted.count(), expected, "Conservation: {TICKETS} {change:+} - {sold}");
}
