//! What becomes of batches: races, lost answers, kills.

use std::thread;

use e2e::{Postgres, Wire, eventually};
use server::ledger::{Appended, Fault};

use super::seller::{Learnt, Seller};

/// How many tickets there are.
const TICKETS: u64 = 1000;

#[test]
fn another_process_learns_every_batch_and_reads_every_record() {
    let database = Postgres::start();
    let address = database.address("concert");
    let (mut first, mut second) =
        (Seller::open(&address, Some(TICKETS)), Seller::open(&address, Some(5)));
    first.sell(3);
    first.sell(2);

    assert!(!second.confirm(), "somebody has appended");
    assert_eq!(second.learn().ok(), Some(Learnt { records: 5, own: 0 }));
    assert!(second.confirm());

    assert_eq!(second.stock(), first.stock());
    assert_eq!(second.stock().remaining, TICKETS - 5, "it was there: nothing was made anew");
    let records = second.records(2, 9).expect("they are read");
    assert_eq!(records.iter().map(|record| record.revision).collect::<Vec<_>>(), [2, 3, 4, 5]);
    let mut third = Seller::at(&address, None);
    assert_eq!(
        third.learn().ok(),
        Some(Learnt { records: 0, own: 0 }),
        "all is in what it begins with"
    );
    assert_eq!(third.stock(), first.stock());
}

#[test]
fn of_two_batches_for_one_revision_one_is_lost() {
    let database = Postgres::start();
    let address = database.address("concert");
    let (mut first, mut second) =
        (Seller::open(&address, Some(TICKETS)), Seller::open(&address, None));
    first.sell(2);

    let appended = second.try_to_sell(1);

    assert!(matches!(appended, Appended::Lost), "{appended:?}");
    assert_eq!(second.learn().ok(), Some(Learnt { records: 2, own: 0 }));
    second.sell(1);
    assert_eq!(database.sql("SELECT count(*) FROM ticket_counter.record"), "3");
}

#[test]
fn writers_that_race_sell_every_ticket_once() {
    let database = Postgres::start();
    let address = database.address("concert");
    Seller::open(&address, Some(TICKETS)).sell(1);

    thread::scope(|scope| {
        for writer in 0..4u64 {
            let address = &address;
            scope.spawn(move || {
                let mut seller = Seller::open(address, None);
                let mut random = fastrand::Rng::with_seed(writer);
                while seller.stock().remaining > 0 {
                    let sales = random.u64(1..=5).min(seller.stock().remaining);
                    match seller.try_to_sell(sales) {
                        Appended::Durable => {}
                        Appended::Lost => {
                            assert!(seller.learn().is_ok_and(|learnt| learnt.records > 0));
                        }
                        appended => panic!("{appended:?}"),
                    }
                }
            });
        }
    });

    let sold = "SELECT count(DISTINCT line::text::varchar), count(*), \
                count(DISTINCT substr(line, 10)::jsonb -> 'sold' ->> 'ticket'), count(DISTINCT writer) \
                FROM ticket_counter.record";
    let told = database.sql(sold);
    assert!(told.starts_with(&format!("{TICKETS}|{TICKETS}|{TICKETS}|")), "{told}");
    let head = database.sql("SELECT count, sold, revision FROM ticket_counter.counter");
    assert_eq!(head, format!("0|{TICKETS}|{TICKETS}"));
}

#[test]
fn batch_whose_answer_was_lost_is_known_again_as_ones_own() {
    let database = Postgres::start();
    let wire = Wire::to(database.port());
    let mut seller = Seller::open(&database.address_through(wire.port(), "concert"), Some(TICKETS));
    seller.sell(1);
    let batch = seller.batch(3);
    wire.lose_answer_with(b"INSERT 0 3");

    let appended = seller.append(&batch);

    assert!(matches!(appended, Appended::Unknown(_)), "{appended:?}");
    assert_eq!(wire.answers_lost(), 1);
    assert_eq!(seller.learn().ok(), Some(Learnt { records: 3, own: 3 }));
    seller.sell(1);
    assert_eq!(database.sql("SELECT count(*) FROM ticket_counter.record"), "5");
}

#[test]
fn batch_whose_answer_was_lost_is_not_there_twice_when_it_is_appended_again() {
    let database = Postgres::start();
    let wire = Wire::to(database.port());
    let mut seller = Seller::open(&database.address_through(wire.port(), "concert"), Some(TICKETS));
    let batch = seller.batch(3);
    wire.lose_answer_with(b"INSERT 0 3");
    assert!(matches!(seller.append(&batch), Appended::Unknown(_)));

    let again = seller.append(&batch);

    assert!(matches!(again, Appended::Durable), "{again:?}");
    assert_eq!(database.sql("SELECT count(*) FROM ticket_counter.record"), "3");
}

#[test]
fn batch_that_comes_late_does_not_land_behind_another() {
    let database = Postgres::start();
    let wire = Wire::to(database.port());
    let mut slow = Seller::open(&database.address_through(wire.port(), "concert"), Some(TICKETS));
    let mut quick = Seller::open(&database.address("concert"), None);
    let batch = slow.batch(3);
    // The lines of the batch, and nothing else that this process sends.
    wire.hold_requests_with(b"\"turn\":1,");
    let appended = slow.append(&batch);
    assert!(matches!(appended, Appended::Unknown(_)), "{appended:?}");
    quick.sell(1);

    wire.release_requests();

    assert_eq!(slow.learn().ok(), Some(Learnt { records: 1, own: 0 }));
    slow.sell(1);
    quick.learn().expect("it is there");
    assert_eq!(quick.stock(), slow.stock());
    eventually("the late batch to have come to nothing", || {
        let at_work = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%head.id%' \
                       AND pid <> pg_backend_pid()";
        (database.sql(at_work) == "0").then_some(())
    });
    assert_eq!(database.sql("SELECT count(*) FROM ticket_counter.record"), "2");
}

#[test]
fn killed_database_has_what_it_said_it_had() {
    let mut database = Postgres::start();
    let address = database.address("concert");
    let mut seller = Seller::open(&address, Some(TICKETS));
    for round in 1..=3 {
        seller.sell(round);
        database.kill();

        // What was under way ends first, in words of its own.
        eventually("the end of the database", || {
            let gone = "no PostgreSQL to sell from: 127.0.0.1:";
            let Err(Fault::Passing(cause)) = seller.learn() else {
                panic!("it learns from nobody")
            };
            cause.to_string().starts_with(gone).then_some(())
        });

        database.restart();
        let learnt = eventually("the database to be there", || seller.learn().ok());
        assert_eq!(learnt, Learnt { records: 0, own: 0 });
    }
    assert_eq!(Seller::open(&address, None).stock(), seller.stock());
}

#[test]
fn append_that_is_refused_is_definite_and_the_next_turn_says_why() {
    let database = Postgres::start();
    let mut seller = Seller::open(&database.address("concert"), Some(TICKETS));
    let batch = seller.batch(1);
    database.sql(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk is full' \
         USING ERRCODE = 'disk_full'; END $$; \
         CREATE TRIGGER no BEFORE INSERT ON ticket_counter.record FOR EACH ROW EXECUTE FUNCTION no()",
    );

    let appended = seller.append(&batch);

    assert!(matches!(appended, Appended::Lost), "{appended:?}");
    assert_eq!(seller.obstacle(), "PostgreSQL: the disk is full");
    assert_eq!(seller.learn().ok(), Some(Learnt { records: 0, own: 0 }), "it can be read");
    database.sql("DROP TRIGGER no ON ticket_counter.record");
    seller.sell(1);
}

#[test]
fn snapshot_spares_a_start_what_is_before_it_and_a_broken_one_is_passed_over() {
    let database = Postgres::start();
    let address = database.address("concert");
    let mut seller = Seller::open(&address, Some(TICKETS));
    let kept = |revision: u64| {
        eventually("a snapshot", || {
            let named = "SELECT count(*) FROM ticket_counter.snapshot WHERE revision = ";
            (database.sql(&format!("{named}{revision}")) == "1").then_some(())
        });
    };
    for _ in 0..3 {
        seller.sell(10);
        seller.keep_snapshot();
        kept(seller.stock().revision);
    }
    let revisions =
        "SELECT string_agg(revision::text, ' ' ORDER BY revision) FROM ticket_counter.snapshot";
    eventually("old snapshots to go", || (database.sql(revisions) == "0 20 30").then_some(()));
    seller.sell(1);
    // What is before it is not looked at: not even what cannot be there.
    database.sql(
        "ALTER TABLE ticket_counter.record DISABLE TRIGGER USER; \
         UPDATE ticket_counter.record SET line = replace(line, 'ticket', 'tocket') WHERE revision = 5",
    );
    assert_eq!(Seller::open(&address, None).stock(), seller.stock());

    database.sql("UPDATE ticket_counter.snapshot_part SET bytes = '\\x00' WHERE revision = 30");

    assert_eq!(Seller::open(&address, None).stock(), seller.stock(), "the one before it will do");
    let damaged = seller.records(4, 6).expect_err("record 5 is not what was written");
    assert_eq!(damaged.to_string(), "record `5`: the checksum does not fit");
}

/// How many snapshots are named that have no parts.
const TORN: &str = "SELECT count(*) FROM ticket_counter.snapshot AS named WHERE NOT EXISTS (SELECT FROM \
                    ticket_counter.snapshot_part AS part WHERE (part.counter, part.revision, part.writer) = \
                    (named.counter, named.revision, named.writer))";

/// How many snapshots are being written.
fn being_written(database: &Postgres) -> String {
    let writing = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ticket-counter' \
                   AND query LIKE '%snapshot%'";
    database.sql(writing)
}

#[track_caller]
fn is_named(database: &Postgres, revision: u64) -> bool {
    let named = "SELECT count(*) FROM ticket_counter.snapshot WHERE revision = ";
    database.sql(&format!("{named}{revision}")) == "1"
}

#[test]
fn snapshots_of_two_servers_leave_each_other_whole() {
    let database = Postgres::start();
    let wire = Wire::to(database.port());
    let mut slow = Seller::open(&database.address_through(wire.port(), "concert"), Some(TICKETS));
    let mut quick = Seller::open(&database.address("concert"), None);
    for later in [1, 3] {
        slow.learn().expect("it is there");
        slow.sell(10);
        let revision = slow.stock().revision;
        // Its parts are there, and it has not named them yet.
        wire.hold_requests_with(b"INSERT INTO ticket_counter.snapshot (");
        slow.keep_snapshot();
        let parts = "SELECT count(*) FROM ticket_counter.snapshot_part WHERE revision = ";
        eventually("its parts", || {
            (database.sql(&format!("{parts}{revision}")) == "1").then_some(())
        });
        for _ in 0..later {
            quick.learn().expect("it is there");
            quick.sell(10);
            quick.keep_snapshot();
            let revision = quick.stock().revision;
            eventually("a later one", || is_named(&database, revision).then_some(()));
            // Its end: it has cleared away what it does not keep.
            eventually("the end of it", || (being_written(&database) == "1").then_some(()));
        }

        wire.release_requests();

        eventually("its end", || (being_written(&database) == "0").then_some(()));
        assert_eq!(database.sql(TORN), "0", "{later} later ones");
        // What has lost its parts has no name, and does not need one.
        assert_eq!(is_named(&database, revision), later == 1);
    }
}

/// Lets whoever names the snapshot of revision 10 wait behind having seen its parts, until `gate` is empty.
const GATE: &str = "CREATE TABLE public.gate AS SELECT 1; \
    CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
        WHILE EXISTS (SELECT FROM public.gate) LOOP PERFORM pg_sleep(0.01); END LOOP; RETURN NEW; \
    END $$; \
    CREATE TRIGGER wait BEFORE INSERT ON ticket_counter.snapshot FOR EACH ROW WHEN (NEW.revision = 10) \
    EXECUTE FUNCTION public.wait()";

#[test]
fn snapshot_that_loses_its_parts_as_it_is_named_does_not_stay() {
    let database = Postgres::start();
    let wire = Wire::to(database.port());
    let mut slow = Seller::open(&database.address("concert"), Some(TICKETS));
    let mut quick = Seller::open(&database.address_through(wire.port(), "concert"), None);
    slow.sell(10);
    quick.learn().expect("it is there");
    quick.sell(10);
    quick.keep_snapshot();
    eventually("one snapshot", || is_named(&database, 20).then_some(()));
    eventually("its end", || (being_written(&database) == "0").then_some(()));
    quick.sell(10);
    // It has named its own, and clears away what it does not keep a little later.
    wire.hold_requests_with(b"DELETE FROM ticket_counter.snapshot");
    quick.keep_snapshot();
    eventually("another", || is_named(&database, 30).then_some(()));
    database.sql(GATE);
    slow.keep_snapshot();
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    eventually("one that is being named", || (database.sql(waits) == "1").then_some(()));

    wire.release_requests();

    let has_cleared_or_waits = "SELECT NOT EXISTS (SELECT FROM ticket_counter.snapshot_part WHERE revision = 10) \
         OR EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)";
    eventually("who clears away", || (database.sql(has_cleared_or_waits) == "t").then_some(()));
    database.sql("DELETE FROM public.gate");
    eventually("the end of both", || (being_written(&database) == "0").then_some(()));
    assert_eq!((database.sql(TORN).as_str(), is_named(&database, 10)), ("0", false));
    assert_eq!(Seller::open(&database.address("concert"), None).stock(), quick.stock());
}

#[test]
fn news_of_another_server_are_hinted_at() {
    let database = Postgres::start();
    let address = database.address("concert");
    let (mut first, mut second) =
        (Seller::open(&address, Some(TICKETS)), Seller::open(&address, None));
    eventually("two who listen", || {
        let listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' OR query LIKE '%pg_notify%'\
                         OR query LIKE 'SELECT revision%'";
        (database.sql(listening).parse::<u32>().is_ok_and(|count| count >= 2)).then_some(())
    });
    assert!(!second.hears_news());
    first.sell(1);
    eventually("a hint", || second.hears_news().then_some(()));
    second.learn().expect("it is there");
    assert!(!second.hears_news());
}
