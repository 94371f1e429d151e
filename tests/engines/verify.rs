//! `server verify` of counters in etcd and PostgreSQL: what is damaged is found, and named.

use std::{fmt::Debug, io};

use e2e::{Etcd, Postgres, eventually};
use server::{
    domain::{Inventory, SaleStatus, Stock},
    ledger::{
        Batch, Engine as _, News, Turn,
        etcd::{
            address::EtcdAddress,
            cluster::Access,
            engine::EtcdEngine,
            keys::Keys,
            options::{Options as EtcdOptions, Sizes},
            text,
        },
        postgres::{
            address::Address,
            engine::{Options as PostgresOptions, PostgresEngine},
            session::{Database, Surroundings},
        },
    },
};

use crate::{
    kept::{
        Engine::{self, Etcd as InEtcd, Postgres as InPostgres},
        Places,
    },
    told::Told,
};

/// Lets `psql` past the triggers that keep everybody from changing what was written.
const PAST_THE_TRIGGERS: &str = "SET session_replication_role = replica; ";

/// A counter on `engine` that has something of everything.
#[track_caller]
fn counter(places: &Places, engine: Engine) -> String {
    let db = places.db(engine, "hall");
    let server = places.serve_with(&db, &["--init", "100"]);
    Told::by(&server, "key");
    server.terminate();
    db
}

/// Fails unless the first fault of the counter at `db` is told, and that it is this one.
#[track_caller]
fn assert_fault(places: &Places, db: &str, fault: &str) {
    let said = places.verify(db);
    assert_eq!(said.code, Some(1), "{said:?}");
    let told = said.stdout.lines().find_map(|line| line.strip_prefix("fault: "));
    assert!(told.is_some_and(|told| told.contains(fault)), "{fault}: {said:?}");
    assert!(!said.stdout.contains("sound"), "{said:?}");
}

#[test]
fn sound_counters_are_told_with_their_counts_while_they_are_sold_from() {
    let places = Places::new();
    for (engine, pieces) in
        [(InEtcd, " batches, 0 pages, 31 records"), (InPostgres, "1 snapshot, 31 records")]
    {
        let db = places.db(engine, "hall");
        let server = places.serve_with(&db, &["--init", "100"]);
        Told::by(&server, "key");

        let said = places.verify(&db);

        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(
            said.stdout.contains(": {\"count\": 79, \"sold\": 27, \"revision\": 31}\n"),
            "{said:?}"
        );
        assert!(
            said.stdout.contains(&format!("{pieces}, count 79, sold 26, revision 31\n")),
            "{said:?}"
        );
        let conserved = "conservation: 107 there are = 79 left + 2 held + 26 sold";
        assert!(said.stdout.contains(conserved), "{said:?}");
        assert!(said.stdout.ends_with("\nsound\n"), "{said:?}");
        assert_eq!(server.buy().status, 201);
    }
}

#[test]
fn what_cannot_be_looked_at_is_told_and_called_neither() {
    let places = Places::new();
    let (etcd, postgres) = (places.db(InEtcd, "nowhere"), places.db(InPostgres, "nowhere"));
    let none = "etcd://127.0.0.1:1/hall".to_owned();
    for (db, reason) in
        [(etcd, "has no counter `nowhere"), (postgres, "no counter `nowhere"), (none, "no member")]
    {
        let said = places.verify(&db);

        assert_eq!((said.code, &*said.stdout), (Some(1), ""), "{said:?}");
        assert!(said.stderr.contains(reason), "{reason}: {said:?}");
    }
}

/// The values of etcd, as a person with `etcdctl` finds and changes them.
struct Values<'a>(&'a Etcd);

impl Values<'_> {
    #[track_caller]
    fn get(&self, key: &str) -> String {
        let value = self.0.ctl(&["get", key, "--print-value-only"]).stdout;
        value.strip_suffix('\n').expect("etcdctl ends a value").to_owned()
    }

    #[track_caller]
    fn put(&self, key: &str, value: &str) {
        self.0.ctl(&["put", key, "--", value]);
    }

    #[track_caller]
    fn keys(&self, prefix: &str) -> Vec<String> {
        let keys = self.0.ctl(&["get", prefix, "--prefix", "--keys-only"]).stdout;
        keys.lines().filter(|key| !key.is_empty()).map(str::to_owned).collect()
    }
}

#[test]
fn damage_of_batches_and_head_in_etcd_is_named() {
    let places = Places::new();
    let db = counter(&places, InEtcd);
    let values = Values(&places.etcd);
    let prefix = format!("tickets/{}/", places.own("hall"));
    let batches = values.keys(&format!("{prefix}batches/"));
    assert!(batches.len() > 3, "{batches:?}");
    let head = format!("{prefix}head");
    let change = |key: &str, fault: &str, changed: Option<String>| {
        let was = values.get(key);
        match changed {
            Some(changed) => {
                assert_ne!(changed, was, "it is changed");
                values.put(key, &changed);
            }
            None => drop(places.etcd.ctl(&["del", key])),
        }
        assert_fault(&places, &db, fault);
        values.put(key, &was);
        places.assert_sound(&db);
    };
    let edited = values.get(&batches[1]).replacen("\"count\":", "\"count\":1", 1);
    change(&batches[1], &batches[1], Some(edited));
    // Whole, with sound checksums, and of elsewhere.
    change(&batches[2], &batches[2], Some(values.get(&batches[1])));
    change(&batches[1], &batches[1], None);
    let last = batches.last().expect("there are some");
    change(last, last, None);
    let said: text::Head = text::read_line(values.get(&head).as_bytes()).expect("a head");
    let line = |head: &text::Head| String::from_utf8(text::line(head)).expect("JSON");
    let counted = text::Head { count: said.count - 1, ..said.clone() };
    change(&head, "it says `78` left", Some(line(&counted)));
    let sold = text::Head { sold: said.sold + 1, ..said.clone() };
    change(&head, "`28` sold", Some(line(&sold)));
    let chained = text::Head { chain: said.chain ^ 1, ..said.clone() };
    change(&head, "head`: it is not of the last record", Some(line(&chained)));
    let ahead = text::Head { revision: said.revision + 1, ..said.clone() };
    change(&head, "record `32` is missing", Some(line(&ahead)));
    let behind = text::Head { revision: said.revision - 1, ..said.clone() };
    change(&head, "the head is at `30`", Some(line(&behind)));
    change(&head, "head`: it is missing", None);
    change(&head, "head`: the checksum does not fit", Some("00000000 {}\n".to_owned()));
}

/// Appends 40 sales, of one batch each.
fn sell<E: server::ledger::Engine>(
    engine: &mut E,
    inventory: &mut Inventory,
    mut rest: impl FnMut(),
) {
    for _ in 0..40 {
        let mut turn = engine.begin().expect("a turn");
        hear(&mut turn, inventory);
        let trial = server::domain::Trial::of(inventory, inventory.at_ms() + 1);
        let order = server::domain::Order { quantity: 1, buyer: None };
        let (_, record) = trial.decide(inventory, &server::domain::Command::Buy(order).into());
        let record = record.expect("there are tickets");
        let mut batch = turn.batch().expect("a batch");
        assert!(batch.push(&record));
        if turn.is_snapshot_due() {
            turn.keep(inventory.clone());
        }
        let appended = turn.append(&batch);
        assert!(matches!(appended, server::ledger::Appended::Durable), "{appended:?}");
        inventory.fold(&record).expect("it follows");
        rest();
    }
}

fn hear<T: Turn>(turn: &mut T, inventory: &mut Inventory) {
    turn.news(&mut |news| match news {
        News::Snapshot(snapshot) => *inventory = *snapshot,
        News::Record { record, .. } => inventory.fold(&record).expect("it follows"),
        News::Edited { .. } => panic!("there is no file to edit"),
    })
    .expect("the news");
}

/// Keeps a snapshot of an inventory in which the first sale was refunded, and was not in the records.
fn keep_a_wrong_snapshot<E: server::ledger::Engine>(engine: &mut E, inventory: &Inventory) {
    let mut wrong = inventory.clone();
    wrong.restore_sale(1, SaleStatus::Refunded { revision: 2 });
    let mut turn = engine.begin().expect("a turn");
    hear(&mut turn, &mut inventory.clone());
    turn.keep(wrong);
}

#[test]
fn damage_of_pages_and_snapshots_in_etcd_is_named() {
    let places = Places::new();
    let (db, name) = (places.db(InEtcd, "hall"), places.own("hall"));
    places.serve_with(&db, &["--init", "100"]).terminate();
    let address: EtcdAddress = db.parse().expect("an address");
    let access = Access { members: address.members, user: None, tls: None };
    let sizes = Sizes { snapshot: 1500, page: 500 };
    let options = EtcdOptions { new: None, names_max: 9, sizes, writer: fastrand::u128(..) };
    let mut engine = EtcdEngine::new(access, &name, options).expect("a thread");
    let mut inventory = Inventory::new(Stock::default(), 0);
    let values = Values(&places.etcd);
    let keys = Keys::of(&name);
    let text = |key: Vec<u8>| String::from_utf8(key).expect("a key is text");
    let prefix = text(keys.prefix());
    let pages = || values.keys(&format!("{prefix}pages/"));
    sell(&mut engine, &mut inventory, || {});
    eventually("pages", || (pages().len() > 2).then_some(()));
    // Nothing moves any more: what follows is damaged in peace.
    let marked = || values.keys(&format!("{prefix}folded"));
    eventually("a mark", || (!marked().is_empty()).then_some(()));
    let said = places.verify(&db);
    assert!(
        said.stdout.contains(" pages, 40 records, count 60, sold 40, revision 40\n"),
        "{said:?}"
    );
    places.assert_sound(&db);

    // Of a snapshot that is only torn a start knows how to do without.
    let parts = values.keys(&format!("{prefix}snapshots/"));
    places.etcd.ctl(&["put", &parts[0], "--", "torn"]);
    let torn = places.verify(&db);
    assert!(torn.code == Some(0) && torn.stdout.contains("note: the snapshot is torn"), "{torn:?}");

    sell(&mut engine, &mut inventory, || {});
    eventually("another snapshot", || {
        let others = values.keys(&format!("{prefix}snapshots/"));
        (!others.is_empty() && others != parts).then_some(())
    });
    keep_a_wrong_snapshot(&mut engine, &inventory);
    eventually("the wrong snapshot to be found", || {
        let said = places.verify(&db);
        said.stdout
            .contains("snapshot`: the snapshot is not what the records come to")
            .then_some(())
    });
    assert_fault(&places, &db, "the snapshot is not what the records come to");

    let missing = &pages()[1];
    places.etcd.ctl(&["del", missing]);
    assert_fault(&places, &db, missing);
    places.etcd.ctl(&["put", missing, "--", "no page"]);
    assert_fault(&places, &db, missing);
}

#[test]
fn damage_of_rows_in_postgres_is_named() {
    let places = Places::new();
    let db = counter(&places, InPostgres);
    let (name, database) = (places.own("hall"), &places.postgres);
    let id = database.sql(&format!("SELECT id FROM ticket_counter.counter WHERE name = '{name}'"));
    let damage = |change: &str, undo: &str, fault: &str| {
        database.sql(&format!("{PAST_THE_TRIGGERS}{change}"));
        assert_fault(&places, &db, fault);
        database.sql(&format!("{PAST_THE_TRIGGERS}{undo}"));
        places.assert_sound(&db);
    };
    let counter = |set: &str| format!("UPDATE ticket_counter.counter SET {set} WHERE id = {id}");
    damage(
        &counter("count = count - 1, capacity = capacity - 1"),
        &counter("count = count + 1, capacity = capacity + 1"),
        "it says `78` left",
    );
    damage(
        &counter("held = held - 1, capacity = capacity - 1"),
        &counter("held = held + 1, capacity = capacity + 1"),
        "`1` held",
    );
    damage(
        &counter("admitted = admitted - 1"),
        &counter("admitted = admitted + 1"),
        "the records come to",
    );
    damage(
        &counter("checksum = checksum # 1"),
        &counter("checksum = checksum # 1"),
        "its checksum is not that of the last record",
    );
    damage(
        &counter("revision = revision + 1"),
        &counter("revision = revision - 1"),
        "record `32`: it is missing",
    );
    damage(
        &counter("revision = revision - 1"),
        &counter("revision = revision + 1"),
        "it is at revision `30`, and has a record `31`",
    );
    let line = |from: &str, to: &str| {
        format!(
            "UPDATE ticket_counter.record SET line = replace(line, '{from}', '{to}') \
             WHERE counter = {id} AND revision = 7"
        )
    };
    damage(
        &line("\"count\":93", "\"count\":94"),
        &line("\"count\":94", "\"count\":93"),
        "record `7`: the checksum does not fit",
    );
    let moved = |from: u64, to: u64| {
        format!(
            "UPDATE ticket_counter.record SET revision = {to} WHERE counter = {id} AND revision = {from}"
        )
    };
    damage(&moved(9, 900), &moved(900, 9), "a record `900`");
    let hidden = |from: &str, to: &str| {
        format!(
            "UPDATE ticket_counter.record SET counter = {to} WHERE counter = {from} AND revision = 9"
        )
    };
    damage(&hidden(&id, "-1"), &hidden("-1", &id), "record `9`: it is missing");
    let first = |from: u64, to: u64| {
        format!(
            "UPDATE ticket_counter.snapshot SET revision = {to} WHERE counter = {id} AND revision = {from}"
        )
    };
    damage(&first(0, 3), &first(3, 0), "what its records begin with is missing");
}

#[test]
fn damage_of_snapshots_in_postgres_is_named() {
    let places = Places::new();
    let (db, name, database) =
        (places.db(InPostgres, "hall"), places.own("hall"), &places.postgres);
    places.serve_with(&db, &["--init", "100"]).terminate();
    let mut engine = engine_at(&db, database);
    let mut inventory = Inventory::new(Stock::default(), 0);
    sell(&mut engine, &mut inventory, || {});
    let id = database.sql(&format!("SELECT id FROM ticket_counter.counter WHERE name = '{name}'"));
    let kept = || database.sql(&format!("SELECT kept FROM ticket_counter.counter WHERE id = {id}"));
    let keep = |engine: &mut PostgresEngine, inventory: &Inventory| {
        let mut turn = engine.begin().expect("a turn");
        turn.keep(inventory.clone());
        let revision = inventory.stock().revision.to_string();
        eventually("a snapshot", || (kept() == revision).then_some(()));
    };
    for _ in 0..3 {
        keep(&mut engine, &inventory);
        sell_one(&mut engine, &mut inventory);
    }
    places.assert_sound(&db);
    // The first says what the ledger begins with, and stays; of the others the last two.
    let all = format!(
        "SELECT string_agg(revision::text, ' ' ORDER BY revision) FROM ticket_counter.snapshot WHERE counter = {id}"
    );
    assert_eq!(database.sql(&all), "0 41 42");

    database.sql(&format!(
        "DELETE FROM ticket_counter.snapshot_part WHERE counter = {id} AND revision = 42"
    ));
    let torn = places.verify(&db);
    let note = "note: the snapshot at revision 42 is torn";
    assert!(torn.code == Some(0) && torn.stdout.contains(note), "{torn:?}");

    keep_a_wrong_snapshot(&mut engine, &inventory);
    eventually("a snapshot", || (kept() == "43").then_some(()));
    assert_fault(&places, &db, "the snapshot at revision `43` is not what the records come to");
}

#[track_caller]
fn sell_one(engine: &mut PostgresEngine, inventory: &mut Inventory) {
    let mut turn = engine.begin().expect("a turn");
    let trial = server::domain::Trial::of(inventory, inventory.at_ms() + 1);
    let restock = server::domain::Command::Restock { quantity: 1 };
    let record = trial.decide(inventory, &restock.into()).1.expect("it changes something");
    let mut batch = turn.batch().expect("a batch");
    assert!(batch.push(&record));
    assert_durable(&turn.append(&batch));
    inventory.fold(&record).expect("it follows");
}

#[track_caller]
fn assert_durable(appended: &impl Debug) {
    assert_eq!(format!("{appended:?}"), "Durable");
}

fn engine_at(db: &str, database: &Postgres) -> PostgresEngine {
    let address = Address::parse(db).expect("an address");
    let surroundings =
        Surroundings { password: Some(database.password().to_owned()), passfile: None };
    let random = || -> io::Result<[u8; 32]> { Ok([7; 32]) };
    let options = PostgresOptions { init: None, names_max: 9, now_ms: || 1, random };
    let database = Database::new(address, surroundings).expect("an address in the clear");
    PostgresEngine::new(database, options).expect("a thread")
}
