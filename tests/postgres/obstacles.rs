//! What keeps a whole server from selling: it is told to the operator and to buyers, and once it is mended the same
//! server sells.

use std::time::Duration;

use e2e::{Certificate, Definite, Postgres, Server, eventually};

use super::servers::program;

/// How long a buyer waits for a turn.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// More than anybody buys.
const TICKETS: u64 = 1_000_000;

/// An obstacle that comes while a server sells.
struct Obstacle {
    what: &'static str,
    /// What the operator is told.
    told: &'static str,
    /// How it comes, and how it goes.
    comes: &'static str,
    goes: &'static str,
}

const OBSTACLES: [Obstacle; 6] = [
    Obstacle {
        what: "another password",
        told: "password authentication failed for user \\\"box\\\"",
        comes: "ALTER ROLE box PASSWORD 'another'",
        goes: "ALTER ROLE box PASSWORD 'box office'",
    },
    Obstacle {
        what: "a role that is let in no more",
        told: "role \\\"box\\\" is not permitted to log in",
        comes: "ALTER ROLE box NOLOGIN",
        goes: "ALTER ROLE box LOGIN",
    },
    Obstacle {
        what: "no connection left",
        told: "too many connections for role \\\"box\\\"",
        comes: "ALTER ROLE box CONNECTION LIMIT 0",
        goes: "ALTER ROLE box CONNECTION LIMIT -1",
    },
    Obstacle {
        what: "transactions that only read",
        told: "cannot execute UPDATE in a read-only transaction",
        comes: "ALTER ROLE box SET default_transaction_read_only = on",
        goes: "ALTER ROLE box RESET default_transaction_read_only",
    },
    Obstacle {
        what: "a right that was taken",
        told: "permission denied for table record",
        comes: "REVOKE INSERT ON ticket_counter.record FROM box",
        goes: "GRANT INSERT ON ticket_counter.record TO box",
    },
    Obstacle {
        what: "a full disk",
        told: "could not extend file: No space left on device",
        comes: "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$; \
                CREATE TRIGGER full_disk BEFORE INSERT ON ticket_counter.record FOR EACH ROW EXECUTE FUNCTION full_disk()",
        goes: "DROP TRIGGER full_disk ON ticket_counter.record",
    },
];

/// An obstacle at the start of a server: what it is, the server's address, how it comes, what is told, how it goes.
type AtStart<'a> = (&'a str, String, &'a dyn Fn(), &'a str, &'a dyn Fn());

/// Ends the sessions of all servers, as a pooler or an operator does: what a role or a database is set to is told to
/// those that begin.
const END_SESSIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ticket-counter'";

/// A server on the counter at `address`, which it makes.
#[track_caller]
fn serve(database: &Postgres, address: &str) -> Server {
    let timeout = format!("{}s", LOCK_TIMEOUT.as_secs());
    let program = program(database, address, TICKETS).args(["--lock-timeout", &timeout]);
    Server::start_without_counter(program)
}

/// Fails unless the operator is told `told`, and a buyer that nothing was sold.
#[track_caller]
fn assert_told(server: &Server, what: &str, told: &str) {
    eventually(&format!("{what}: words on /readyz"), || {
        // Some obstacles are met by buyers alone. Who comes as it begins may be sold to, or nobody knows.
        Definite::at(server, LOCK_TIMEOUT);
        let ready = server.get("/readyz");
        (ready.status == 503 && ready.text().contains(told)).then_some(())
    });
    assert_eq!(Definite::at(server, LOCK_TIMEOUT), Definite::NotSold, "{what}");
}

#[track_caller]
fn assert_sells(server: &Server, what: &str) {
    eventually(&format!("{what}: a server that is ready again"), || {
        (server.get("/readyz").status == 200).then_some(())
    });
    eventually(&format!("{what}: a sale"), || {
        matches!(Definite::at(server, LOCK_TIMEOUT), Definite::Sold(_)).then_some(())
    });
}

#[test]
fn obstacle_that_comes_while_it_sells_is_told_and_mended_it_sells_on() {
    let database = Postgres::start();
    database.sql(
        "CREATE ROLE box LOGIN PASSWORD 'box office'; GRANT CREATE ON DATABASE tickets TO box; \
         GRANT CREATE ON SCHEMA public TO box",
    );
    let address = database.plain_address("concert").replace("//postgres@", "//box@");
    let server = serve(&database, &address);
    assert_sells(&server, "nothing");
    for Obstacle { what, told, comes, goes } in OBSTACLES {
        database.sql(comes);
        database.sql(END_SESSIONS);

        assert_told(&server, what, told);
        database.sql(goes);

        assert_sells(&server, what);
    }
    assert_eq!(server.terminate().code, Some(0));
}

#[test]
fn obstacle_at_the_start_is_told_and_mended_it_sells_without_a_restart() {
    let database = Postgres::start();
    serve(&database, &database.plain_address("concert")).terminate();
    let standby = database.start_standby();
    let (trusted, other) = (Certificate::of_loopback(), Certificate::of_loopback());
    let address = database.plain_address("concert");
    let encrypted =
        format!("{address}&sslmode=verify-full&sslrootcert={}", trusted.chain().display());
    // Ahead of the certificate, behind which nobody comes in without one.
    let cases: [AtStart<'_>; 4] = [
        (
            "a database that is not there",
            address.replace("/tickets", "/later"),
            &|| {},
            "database \\\"later\\\" does not exist",
            &|| drop(database.sql("CREATE DATABASE later")),
        ),
        (
            "a role that is not there",
            address.replace("//postgres@", "//later@"),
            &|| {},
            "password authentication failed for user \\\"later\\\"",
            &|| drop(database.sql("CREATE ROLE later SUPERUSER LOGIN PASSWORD 'box office'")),
        ),
        (
            "a standby",
            standby.plain_address("concert"),
            &|| {},
            "a standby, which can only be read",
            &|| standby.promote(),
        ),
        (
            "another's certificate",
            encrypted,
            &|| database.encrypt(&other),
            "invalid peer certificate",
            &|| database.encrypt(&trusted),
        ),
    ];
    for (what, address, comes, told, goes) in cases {
        comes();
        let server = serve(&database, &address);

        assert_told(&server, what, told);
        goes();

        assert_sells(&server, what);
        assert_eq!(server.terminate().code, Some(0), "{what}");
    }
}

/// No later try of the same program can succeed; who looks after it starts the newer one.
#[test]
fn counter_that_a_newer_program_takes_over_is_told_and_sold_from_by_no_older_one() {
    let database = Postgres::start();
    let server = serve(&database, &database.plain_address("concert"));
    assert_sells(&server, "nothing");
    database.sql("UPDATE ticket_counter.counter SET format = 77");
    database.sql(END_SESSIONS);

    assert_told(
        &server,
        "a newer version",
        "made by a newer version of this program: records `77`",
    );

    let restarted = program(&database, &database.plain_address("concert"), TICKETS).run();
    assert_eq!(restarted.code, Some(1), "{restarted:?}");
    assert!(restarted.stderr.contains("made by a newer version"), "{restarted:?}");
}
