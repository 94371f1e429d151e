//! What is refused, and in which words: the server waits for all of it to be put right.

use e2e::{Certificate, Postgres, eventually};
use loadgen::engines::free_addresses;

use super::seller::{Learnt, Seller};

const NOTHING: Learnt = Learnt { records: 0, own: 0 };

#[test]
fn whatever_is_wrong_with_an_address_is_told_in_its_own_words_and_without_the_password() {
    let database = Postgres::start();
    Seller::open(&database.address("concert"), Some(3));
    let (address, port) = (database.address("concert"), database.port());
    let nobody = free_addresses(1).expect("a free port");
    let nobodys = nobody[0].port();
    let server = format!("no PostgreSQL to sell from: 127.0.0.1:{port}: ");
    let cases = [
        (
            address.replace("box%20office", "guessed"),
            format!("{server}password authentication failed for user \"postgres\""),
        ),
        (
            database.plain_address("concert"),
            format!("{server}invalid configuration: password missing"),
        ),
        (
            address.replace("postgres:box", "nobody:box"),
            format!("{server}password authentication failed for user \"nobody\""),
        ),
        (
            address.replace("/tickets", "/nowhere"),
            format!("{server}database \"nowhere\" does not exist"),
        ),
        (
            address.replace("concert", "opera"),
            "no counter `opera` in the database `tickets`: `--init N` makes one with N tickets"
                .to_owned(),
        ),
        (
            address.replace("/tickets", "/postgres"),
            "no counter `concert` in the database `postgres`: `--init N` makes one with N tickets"
                .to_owned(),
        ),
        (
            address.replace(&format!(":{port}"), &format!(":{nobodys}")),
            format!(
                "no PostgreSQL to sell from: 127.0.0.1:{nobodys}: error connecting to server: Connection refused (os \
                 error 111)"
            ),
        ),
        (
            address.clone() + "&sslmode=verify-full",
            format!("{server}error performing TLS handshake: server does not support TLS"),
        ),
    ];
    for (address, told) in cases {
        let obstacle = Seller::at(&address, None).obstacle();
        assert_eq!(obstacle, told);
        assert!(!obstacle.contains("office") && !obstacle.contains("guessed"), "{obstacle}");
    }
}

#[test]
fn setting_that_loses_sales_is_refused_and_taken_back_it_sells() {
    let database = Postgres::start();
    let mut seller = Seller::open(&database.address("concert"), Some(3));
    let reload = "SELECT pg_reload_conf(); \
                  SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ticket-counter'";
    for (setting, value) in [("fsync", "off"), ("full_page_writes", "off")] {
        database.sql(&format!("ALTER SYSTEM SET {setting} = {value}"));
        database.sql(reload);
        eventually("a refusal", || {
            let refusal = format!("`{setting}` is {value}");
            seller.learn().err().filter(|fault| fault.to_string().contains(&refusal))
        });
        database.sql(&format!("ALTER SYSTEM RESET {setting}"));
        database.sql(reload);
        let learnt = eventually("a database that can be used", || seller.learn().ok());
        assert_eq!(learnt, NOTHING);
    }
    seller.sell(1);
}

#[test]
fn failed_sync_that_would_be_tried_again_is_refused() {
    let database = Postgres::start_with("data_sync_retry = on\n");
    let obstacle = Seller::at(&database.address("concert"), Some(3)).obstacle();
    assert!(obstacle.contains("`data_sync_retry` is on"), "{obstacle}");
}

/// The role's own settings are not asked: a sale waits for the disk, and a warning is heard.
#[test]
fn role_that_does_not_wait_for_the_disk_waits_all_the_same() {
    let database = Postgres::start();
    for setting in ["synchronous_commit = off", "client_min_messages = error"] {
        database.sql(&format!("ALTER ROLE postgres SET {setting}"));
    }
    database.sql("ALTER ROLE postgres SET default_transaction_isolation = 'serializable'");
    let mut seller = Seller::open(&database.address("concert"), Some(3));
    database.sql(
        "CREATE TABLE seen (at text, told text, isolation text); \
         CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         INSERT INTO seen VALUES (current_setting('synchronous_commit'), current_setting('client_min_messages'), \
         current_setting('transaction_isolation')); \
         RETURN NULL; END $$; \
         CREATE TRIGGER look AFTER INSERT ON ticket_counter.record FOR EACH STATEMENT EXECUTE FUNCTION look()",
    );
    seller.sell(1);
    assert_eq!(database.sql("SELECT * FROM seen"), "on|warning|read committed");
}

#[test]
fn database_that_can_only_be_read_is_told_as_what_it_is() {
    let database = Postgres::start();
    let standby = database.start_standby();
    Seller::open(&database.address("concert"), Some(3));
    let obstacle = Seller::at(&standby.address("concert"), None).obstacle();
    assert!(obstacle.ends_with(": a standby, which can only be read"), "{obstacle}");

    database.sql("ALTER DATABASE tickets SET default_transaction_read_only = on");
    let obstacle = Seller::at(&database.address("concert"), None).obstacle();
    assert_eq!(obstacle, "PostgreSQL: cannot execute UPDATE in a read-only transaction");
}

#[test]
fn role_without_rights_is_told_which() {
    let database = Postgres::start();
    Seller::open(&database.address("concert"), Some(3));
    database.sql("CREATE ROLE clerk LOGIN PASSWORD 'box office'");
    let address = database.address("concert").replace("//postgres:", "//clerk:");
    assert_eq!(
        Seller::at(&address, None).obstacle(),
        "PostgreSQL: permission denied for schema ticket_counter"
    );
    database.sql(
        "GRANT USAGE ON SCHEMA ticket_counter TO clerk; \
         GRANT SELECT ON ALL TABLES IN SCHEMA ticket_counter TO clerk",
    );
    assert_eq!(
        Seller::at(&address, None).obstacle(),
        "PostgreSQL: permission denied for table counter"
    );
    database.sql("GRANT UPDATE ON ticket_counter.counter TO clerk");
    let mut clerk = Seller::open(&address, None);
    clerk.try_to_sell(1);
    assert_eq!(clerk.obstacle(), "PostgreSQL: permission denied for table record");
    database.sql("GRANT INSERT ON ticket_counter.record TO clerk");
    clerk.learn().expect("it can be read");
    clerk.sell(1);
}

#[test]
fn counter_of_a_newer_program_and_tables_of_something_else_are_refused() {
    let database = Postgres::start();
    let address = database.address("concert");
    Seller::open(&address, Some(3));
    database.sql("UPDATE ticket_counter.counter SET format = 77");
    assert_eq!(
        Seller::at(&address, Some(3)).obstacle(),
        "made by a newer version of this program: records `77`, and this one knows up to `2`"
    );
    database.sql("INSERT INTO ticket_counter.migration (version) VALUES (78)");
    assert_eq!(
        Seller::at(&address, Some(3)).obstacle(),
        "made by a newer version of this program: tables `78`, and this one knows up to `1`"
    );
    database.sql("DROP SCHEMA ticket_counter CASCADE; CREATE SCHEMA ticket_counter");
    assert_eq!(
        Seller::at(&address, Some(3)).obstacle(),
        "the schema `ticket_counter` of the database `tickets` is not of a ticket counter"
    );
}

#[test]
fn counter_that_was_put_in_the_place_of_another_is_not_sold_from() {
    let database = Postgres::start();
    let address = database.address("concert");
    let mut seller = Seller::open(&address, Some(9));
    seller.sell(2);
    database.sql("DELETE FROM ticket_counter.counter");
    Seller::open(&address, Some(9)).sell(5);
    assert_eq!(
        seller.obstacle(),
        "the counter `concert` is not the one that was opened: another was made in its place"
    );
}

#[test]
fn database_that_was_put_back_is_not_sold_from_by_who_knows_more() {
    let database = Postgres::start();
    let mut seller = Seller::open(&database.address("concert"), Some(9));
    seller.sell(2);
    // As a backup of an earlier day, from which somebody went on.
    let take_back = "ALTER TABLE ticket_counter.record DISABLE TRIGGER USER; \
        ALTER TABLE ticket_counter.counter DISABLE TRIGGER USER; \
        DELETE FROM ticket_counter.record WHERE revision > 1; \
        UPDATE ticket_counter.counter SET revision = 1, count = 8, sold = 1, \
        checksum = ('x' || left((SELECT line FROM ticket_counter.record), 8))::bit(32)::bigint; \
        ALTER TABLE ticket_counter.counter ENABLE TRIGGER USER; \
        ALTER TABLE ticket_counter.record ENABLE TRIGGER USER";
    database.sql(take_back);
    assert_eq!(
        seller.obstacle(),
        "the ledger ends at revision `1`, and `2` was told of already: an older database was put in its place"
    );
    let mut other = Seller::open(&database.address("concert"), None);
    other.sell(1);
    other.sell(1);
    assert_eq!(
        seller.obstacle(),
        "behind revision `2` the ledger is not the one that was read: another was put in its place"
    );
}

#[test]
fn encrypted_it_sells_to_whom_the_certificate_convinces() {
    let certificate = Certificate::of_loopback();
    let database = Postgres::start();
    database.encrypt(&certificate);
    let address = |more: &str| database.address("concert") + "&sslmode=verify-full" + more;
    let unknown = Seller::at(&address(""), Some(3)).obstacle();
    assert!(unknown.contains("TLS handshake: invalid peer certificate"), "{unknown}");
    let trusted = format!("&sslrootcert={}", certificate.chain().display());
    Seller::open(&address(&trusted), Some(3)).sell(1);
    let other = Certificate::of_loopback();
    let wrong =
        Seller::at(&address(&format!("&sslrootcert={}", other.chain().display())), None).obstacle();
    assert!(wrong.contains("invalid peer certificate"), "{wrong}");
    let missing = Seller::at(&database.address("concert"), None).obstacle();
    assert!(missing.contains("no encryption"), "{missing}");
}
