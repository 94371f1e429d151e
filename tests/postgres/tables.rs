//! Whoever else writes into the tables, and is wrong: nothing of it is taken.

use std::fmt::Write as _;

use e2e::Postgres;

use super::seller::Seller;

/// Appends lines with this JSON in them, as somebody would who has no idea of checksums.
fn insert(lines: &[(u64, String)]) -> String {
    let mut sql =
        "INSERT INTO ticket_counter.record (counter, revision, writer, line) VALUES ".to_owned();
    for (nth, (revision, json)) in lines.iter().enumerate() {
        let comma = if nth == 0 { "" } else { ", " };
        let _ = write!(sql, "{comma}(1, {revision}, 7, '00000000 {json}')");
    }
    sql
}

fn line(revision: u64, count: i64, change: &str) -> (u64, String) {
    let json =
        format!(r#"{{"revision":{revision},"turn":3,"at_ms":2000000,"count":{count},{change}}}"#);
    (revision, json)
}

/// A counter of ten tickets, of which two are sold and none is held.
fn counter(database: &Postgres) -> Seller {
    let mut seller = Seller::open(&database.address("concert"), Some(10));
    seller.sell(2);
    seller
}

#[test]
fn record_that_sells_too_much_or_does_not_follow_is_refused_whoever_writes_it() {
    let database = Postgres::start();
    let mut seller = counter(&database);
    let sold = |ticket: u64, quantity: u64| {
        format!(r#""sold":{{"ticket":{ticket},"quantity":{quantity}}}"#)
    };
    let wrong = [
        ("more than are left", vec![line(3, -1, &sold(3, 9))]),
        ("with a count that hides it", vec![line(3, 8, &sold(3, 1))]),
        ("a count below its change", vec![line(3, 6, &sold(3, 1))]),
        ("a number that was sold", vec![line(3, 7, &sold(2, 1))]),
        ("a number that is not next", vec![line(3, 7, &sold(4, 1))]),
        ("nothing", vec![line(3, 8, &sold(3, 0))]),
        ("a gap ahead of it", vec![line(4, 7, &sold(3, 1))]),
        ("a revision that is there", vec![line(2, 7, &sold(3, 1))]),
        ("another revision than its line's", vec![(3, line(4, 7, &sold(3, 1)).1)]),
        ("a gap in the middle", vec![line(3, 7, &sold(3, 1)), line(5, 6, &sold(4, 1))]),
        ("the second one number twice", vec![line(3, 7, &sold(3, 1)), line(4, 6, &sold(3, 1))]),
        (
            "tickets that nobody held",
            vec![line(3, 8, r#""sold":{"ticket":3,"quantity":1,"hold":1}"#)],
        ),
        ("the end of no hold", vec![line(3, 9, r#""released":{"hold":1,"quantity":1}"#)]),
        (
            "a refund of more than was sold",
            vec![line(3, 11, r#""refunded":{"sale":1,"quantity":3}"#)],
        ),
        (
            "more at the door than were sold",
            vec![line(3, 8, r#""admitted":{"sale":1,"quantity":3}"#)],
        ),
        ("a restock that is not counted", vec![line(3, 8, r#""restocked":{"quantity":5}"#)]),
        ("nothing that has a name", vec![line(3, 8, r#""given":{"quantity":1}"#)]),
        ("fewer sold than before", vec![line(3, 10, r#""adjusted":{"sold":1}"#)]),
        ("a time before the last", vec![(3, line(3, 7, &sold(3, 1)).1.replace("2000000", "1"))]),
        ("no count", vec![(3, line(3, 7, &sold(3, 1)).1.replace(r#""count":7,"#, ""))]),
        ("no JSON", vec![(3, r#"{"revision":3,"#.to_owned())]),
    ];
    let head = "SELECT revision, count, sold, held, capacity FROM ticket_counter.counter";
    let before = database.sql(head);
    for (what, lines) in wrong {
        let refused = database.refuses(&insert(&lines));
        assert!(refused.contains("ERROR"), "{what}: {refused}");
        assert_eq!(database.sql(head), before, "{what}");
    }
    assert_eq!(database.sql("SELECT count(*) FROM ticket_counter.record"), "2");
    seller.sell(1);
}

#[test]
fn records_of_every_kind_that_follow_are_folded_as_the_program_folds_them() {
    let database = Postgres::start();
    counter(&database);
    let lines = [
        line(3, 5, r#""held":{"quantity":3,"expires_at_ms":9000000}"#),
        line(4, 4, r#""held":{"quantity":1,"expires_at_ms":9000000}"#),
        line(5, 4, r#""sold":{"ticket":3,"quantity":3,"hold":3}"#),
        line(6, 5, r#""released":{"hold":4,"quantity":1}"#),
        line(7, 8, r#""refunded":{"sale":5,"quantity":3}"#),
        line(8, 8, r#""admitted":{"sale":1,"quantity":1}"#),
        line(9, 13, r#""restocked":{"quantity":5}"#),
        line(10, 13, r#""sale":{"open":false}"#),
        line(11, 13, r#""refused":{"quantity":99}"#),
        line(12, 12, r#""held":{"quantity":1,"expires_at_ms":9000000}"#),
        line(13, 13, r#""lapsed":{"hold":12,"quantity":1}"#),
    ];
    database.sql(&insert(&lines));
    database.sql(&insert(&[line(14, 20, r#""adjusted":{"sold":6}"#)]));
    let head = database.sql(
        "SELECT revision, count, held, sold, refunded, admitted, capacity FROM ticket_counter.counter",
    );
    assert_eq!(head, "14|20|0|6|3|1|23");
}

#[test]
fn what_stands_on_a_counter_cannot_be_written_and_the_past_cannot_be_changed() {
    let database = Postgres::start();
    let mut seller = counter(&database);
    for column in
        ["count", "sold", "held", "revision", "capacity", "checksum", "refunded", "admitted"]
    {
        let refused =
            database.refuses(&format!("UPDATE ticket_counter.counter SET {column} = {column} + 1"));
        assert!(refused.contains("follows from its records, and cannot be written"), "{refused}");
    }
    for sql in [
        "UPDATE ticket_counter.record SET line = line",
        "UPDATE ticket_counter.record SET revision = revision + 10",
        "DELETE FROM ticket_counter.record WHERE revision = 2",
        "TRUNCATE ticket_counter.record",
    ] {
        let refused = database.refuses(sql);
        assert!(refused.contains("the records of a ticket counter cannot be changed"), "{refused}");
    }
    seller.sell(1);
    database.sql("DELETE FROM ticket_counter.counter");
    assert_eq!(database.sql("SELECT count(*) FROM ticket_counter.record"), "0", "all goes at once");
}

#[test]
fn counters_of_one_database_do_not_meet_and_a_name_is_there_once() {
    let database = Postgres::start();
    let mut concert = counter(&database);
    let mut reading = Seller::open(&database.address("reading"), Some(4));
    reading.sell(4);
    concert.sell(1);
    assert_eq!((concert.stock().remaining, reading.stock().remaining), (7, 0));
    let counters =
        database.sql("SELECT name, count, sold FROM ticket_counter.counter ORDER BY name");
    assert_eq!(counters, "concert|7|3\nreading|0|4");
    let twice = database.refuses(
        "INSERT INTO ticket_counter.counter SELECT (jsonb_populate_record(counter, '{\"id\": 77}')).* \
         FROM ticket_counter.counter OVERRIDING SYSTEM VALUE",
    );
    assert!(twice.contains("ERROR"), "{twice}");
    let of_two = insert(&[line(4, 6, r#""sold":{"ticket":4,"quantity":1}"#)])
        + &", (2, 5, 7, '00000000 {}')".to_owned();
    assert!(database.refuses(&of_two).contains("does not follow"), "one counter a statement");
}
