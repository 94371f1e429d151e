//! A primary with a synchronous standby: what was told is on both.

use std::thread;

use e2e::{Postgres, eventually};
use server::ledger::Appended;

use super::seller::{Learnt, Seller};

const TICKETS: u64 = 1000;

/// The addresses of both, of which the primary is found.
fn of_both(first: &Postgres, second: &Postgres) -> String {
    let host = format!("127.0.0.1:{}", first.port());
    first.address("concert").replace(&host, &format!("{host},127.0.0.1:{}", second.port()))
}

/// Waits for a commit that waits for the standby, and cancels its wait.
fn cancel_the_wait(primary: &Postgres) {
    let cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    eventually("a commit that waits", || (primary.sql(cancel) == "t").then_some(()));
}

/// The trap: a commit whose wait was cancelled succeeds, with a warning.
#[test]
fn cancelled_wait_for_the_standby_is_settled_once_the_standby_has_it() {
    let primary = Postgres::start();
    let mut standby = primary.start_standby();
    primary.wait_for_standby();
    let mut seller = Seller::open(&primary.address("concert"), Some(TICKETS));
    seller.sell(1);
    let batch = seller.batch(2);
    standby.stop();

    let appended = thread::scope(|scope| {
        let appending = scope.spawn(|| seller.append(&batch));
        cancel_the_wait(&primary);
        appending.join().expect("it does not panic")
    });

    let Appended::Unknown(cause) = appended else { panic!("{appended:?}") };
    assert!(cause.to_string().contains("might not have been replicated"), "{cause}");
    let rows = "SELECT count(*) FROM ticket_counter.record";
    assert_eq!(primary.sql(rows), "3", "it is there to be seen, and not on the standby");
    let obstacle = seller.obstacle();
    assert!(obstacle.contains("no answer within 5s"), "nobody is told of it: {obstacle}");
    standby.restart();
    let learnt = eventually("the standby to have it", || seller.learn().ok());
    assert_eq!(learnt, Learnt { records: 2, own: 2 });
    assert_eq!(standby.sql(rows), "3");
}

#[test]
fn promoted_standby_has_all_that_was_told_and_the_demoted_primary_is_not_gone_back_to() {
    let mut primary = Postgres::start();
    let standby = primary.start_standby();
    primary.wait_for_standby();
    let mut seller = Seller::open(&of_both(&primary, &standby), Some(TICKETS));
    for _ in 0..10 {
        seller.sell(3);
    }
    primary.kill();
    eventually("the end of the primary", || {
        seller.obstacle().contains("a standby, which can only be read").then_some(())
    });

    standby.promote();

    let learnt = eventually("the new primary", || seller.learn().ok());
    assert_eq!(learnt, Learnt { records: 0, own: 0 }, "all that was told is there, and no more");
    seller.sell(1);

    // Nobody has told the old one that it is none any more; it is named first.
    primary.restart();
    primary.sql("ALTER SYSTEM SET synchronous_standby_names = ''");
    primary.sql("SELECT pg_reload_conf()");
    standby.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ticket-counter'");
    let learnt = eventually("the new primary again", || seller.learn().ok());
    assert_eq!(learnt, Learnt { records: 0, own: 0 });
    seller.sell(1);
    assert_eq!(standby.sql("SELECT count(*) FROM ticket_counter.record"), "32");
    assert_eq!(primary.sql("SELECT count(*) FROM ticket_counter.record"), "30");
}

#[test]
fn standby_that_is_gone_stops_sales_and_one_that_comes_back_ends_that() {
    let primary = Postgres::start();
    let mut standby = primary.start_standby();
    primary.wait_for_standby();
    let mut seller = Seller::open(&primary.address("concert"), Some(TICKETS));
    standby.stop();

    let batch = seller.batch(1);
    let appended = seller.append(&batch);

    assert!(matches!(appended, Appended::Unknown(_)), "{appended:?}");
    let obstacle = seller.obstacle();
    assert_eq!(obstacle, "commits wait for a synchronous standby, and none is there");
    standby.restart();
    // Who asks while it still waits for the standby does not see it yet.
    let learnt = eventually("the standby to have it", || {
        seller.learn().ok().filter(|learnt| learnt.records > 0)
    });
    assert_eq!(learnt, Learnt { records: 1, own: 1 });
    seller.sell(1);
}
