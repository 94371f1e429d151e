//! A counter that is looked for where something else is: what is told of that.

use e2e::{Server, eventually};

use crate::kept::{
    Engine::{Etcd, Postgres},
    Places,
};

/// What `/readyz` of a server on `db` says against it, once that has `words` in it.
#[track_caller]
fn assert_told(places: &Places, db: &str, words: &str) {
    let server = Server::start_without_counter(places.server(&["--db", db]));
    eventually(words, || {
        let ready = server.get("/readyz");
        (ready.status == 503 && ready.text().contains(words)).then_some(())
    });
    assert_eq!(server.buy().status, 503);
    let seen = places.verify(db);
    assert!(seen.code == Some(1) && seen.stderr.contains(words), "{seen:?}");
}

#[test]
fn counter_that_is_looked_for_at_another_engines_port_is_told_so() {
    let places = Places::new();
    let etcd = format!("etcd://127.0.0.1:{}/hall", places.postgres.port());
    assert_told(&places, &etcd, "or of what is no etcd");
    let member = places.etcd.addresses().swap_remove(0);
    let postgres = format!("postgres://postgres@{member}/tickets?counter=hall");
    assert_told(&places, &postgres, "or of what is no PostgreSQL");
}

#[test]
fn name_by_which_something_else_is_kept_is_left_as_it_is() {
    let places = Places::new();
    let key = format!("tickets/{}/counter", places.own("hall"));
    places.etcd.ctl(&["put", &key, "the caretaker's list"]);
    let db = places.db(Etcd, "hall");
    for arguments in [&["--db", &db, "--init", "5"][..], &["verify", "--db", &db]] {
        let said = places.server(arguments).run();
        assert_eq!(said.code, Some(1), "{said:?}");
        let told = format!("the etcd key `{key}`: ");
        assert!(said.stderr.contains(&told) || said.stdout.contains(&told), "{said:?}");
    }
    let kept = places.etcd.ctl(&["get", "--print-value-only", &key]).stdout;
    assert_eq!(kept.trim_end(), "the caretaker's list");
    // And nothing is moved there.
    let old = places.db(Postgres, "old");
    places.serve_with(&old, &["--init", "5"]).terminate();
    let said = places.import(&old, &db);
    assert!(said.code == Some(1) && said.stderr.contains(&key), "{said:?}");
    assert_eq!(places.serve(&old).buy().status, 201, "it was not closed");
}

/// It waits for nothing: no later try by the same program can succeed.
#[test]
fn counter_of_a_newer_version_ends_the_start_of_a_server_that_says_so() {
    let places = Places::new();
    let (etcd, postgres) = (places.db(Etcd, "hall"), places.db(Postgres, "hall"));
    // As a later version writes it: `crc32c json`.
    let line = "4937c7ed {\"etcd\":9,\"shards\":3}\n";
    places.etcd.ctl(&["put", &format!("tickets/{}/counter", places.own("hall")), line]);
    places.serve_with(&postgres, &["--init", "5"]).terminate();
    let name = places.own("hall");
    places
        .postgres
        .sql(&format!("UPDATE ticket_counter.counter SET format = 77 WHERE name = '{name}'"));
    for db in [etcd, postgres] {
        let said = places.server(&["--db", &db, "--init", "5"]).run();

        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stderr.contains("made by a newer version of this program"), "{said:?}");
    }
}
