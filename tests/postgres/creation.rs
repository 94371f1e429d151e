//! Many who make one counter at the same moment, each with another number of tickets.

use std::time::Duration;

use e2e::{Postgres, Process, crowd};

use super::{seller::Seller, servers::program};

/// How many begin at once.
const STARTS: usize = 8;

/// How often they do, half of the times where there are no tables either.
const ROUNDS: u64 = 6;

/// How long a server may take to say what is left, where the machine is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many tickets the one `at` would make.
fn tickets(at: usize) -> u64 {
    100 + at as u64
}

/// How many tickets the only counter has, of which nothing is sold.
#[track_caller]
fn made(database: &Postgres, name: &str) -> u64 {
    let sql = format!(
        "SELECT count(*), min(capacity), min(count), min(revision) FROM ticket_counter.counter WHERE name = '{name}'"
    );
    let row = database.sql(&sql);
    let made = (0..STARTS).map(tickets).find(|made| row == format!("1|{made}|{made}|0"));
    made.unwrap_or_else(|| panic!("not one counter of one of them: {row}"))
}

#[test]
fn of_many_who_make_a_counter_at_once_one_does_and_all_sell_from_it() {
    let database = Postgres::start();
    for round in 0..ROUNDS {
        if round % 2 == 0 {
            database.sql("DROP SCHEMA IF EXISTS ticket_counter CASCADE");
        }
        let name = format!("concert-{round}");
        let address = database.address(&name);

        let begin = |at| Seller::open(&address, Some(tickets(at)));
        let mut sellers = crowd(STARTS, begin);

        let made = made(&database, &name);
        for (sold, seller) in (0..).zip(&mut sellers) {
            assert_eq!(seller.stock().capacity, made, "round {round}");
            seller.learn().expect("it can be read");
            assert_eq!(seller.stock().remaining, made - sold, "round {round}");
            seller.sell(1);
        }
        let versions = "SELECT string_agg(version::text, ' ') FROM ticket_counter.migration";
        assert_eq!(database.sql(versions), "1", "each step once");
    }
}

#[test]
fn servers_that_start_at_once_with_other_counts_tell_the_one_that_there_is() {
    let database = Postgres::start();
    let address = database.plain_address("concert");
    let start = |at| program(&database, &address, tickets(at)).args(["--listen", "127.0.0.1:0"]);
    let servers: Vec<Process> = (0..STARTS).map(|at| start(at).start()).collect();

    let told = servers.iter().map(|server| {
        let left = |line: &str| {
            let (before, _) = line.split_once(" left, locking group")?;
            before.rsplit(' ').next()?.parse::<u64>().ok()
        };
        let stderr = server.stderr();
        stderr.find_line(PATIENCE, left).unwrap_or_else(|| panic!("{}", stderr.text()))
    });

    let told: Vec<_> = told.collect();
    assert_eq!(told, vec![made(&database, "concert"); servers.len()]);
}
