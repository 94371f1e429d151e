//! `server import`: a counter moves, and nobody is told anything else than before.

use std::{
    cell::Cell,
    env, fs, io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use e2e::{Answer, Finished, Method, Server, Wire, eventually, tickets, tickets_of};
use serde_json::json;
use server::ledger::{
    Archive, Audit, Copying, Scan, Staged, Timer,
    etcd::{
        address::EtcdAddress,
        cluster::Access,
        options::{Options as EtcdOptions, Sizes},
        staging::EtcdStage,
    },
    file::{disk::RealDisk, layout::Layout, scan::FileScan},
    format::base::Base,
    postgres::{
        address::Address, engine::Options as PostgresOptions, session::Surroundings,
        staging::PostgresStage,
    },
};

use crate::{
    kept::{
        Engine::{self, Etcd, File, Postgres},
        Places,
    },
    told::{Told, as_operator},
};

/// How many tickets a counter begins with.
const TICKETS: u64 = 100;

/// How many of them are sold before a counter is moved.
const SALES: u64 = 20;

#[test]
fn counter_that_goes_round_all_engines_tells_all_that_it_told() {
    let places = Places::new();
    let mut told: Vec<Told> = Vec::new();
    let stops = [(File, "first"), (Etcd, "hall"), (Postgres, "hall"), (File, "last")];
    let mut from: Option<String> = None;
    for (engine, name) in stops {
        let db = places.db(engine, name);
        let mut arguments = vec!["--init", "100"];
        if let Some(from) = &from {
            let before = places.assert_sound(from);
            let said = places.import(from, &db);
            assert_eq!(said.code, Some(0), "{said:?}");
            let after = places.assert_sound(&db);
            assert_eq!(before[1], after[1], "{said:?}");
            arguments.clear();
        }
        let server = places.serve_with(&db, &arguments);
        for told in &told {
            told.assert_by(&server);
        }
        told.push(Told::by(&server, &db));
        server.terminate();
        from = Some(db);
    }
    let db = from.expect("the last stop");
    let server = places.serve(&db);
    for told in &told {
        told.assert_by(&server);
    }
    // What was held in the beginning is sold in the end.
    let confirmed = server.post(&format!("/holds/{}/confirm", told[0].hold()), &json!({}));
    assert_eq!((confirmed.status, tickets_of(&confirmed).len()), (201, 2), "{confirmed:?}");
    let found = server.search();
    let sold = 4 * (25 - 1 + 2) + 2;
    assert_eq!(found["sold"], sold);
    assert_eq!((&found["held"], &found["count"]), (&json!(6), &json!(TICKETS + 28 - sold - 6)));
}

/// Sells `sales` tickets from a new counter at `db`, one by one; gives the places of the receipts.
#[track_caller]
fn counter_with_sales(places: &Places, db: &str, sales: usize) -> Vec<String> {
    let server = places.serve_with(db, &["--init", "100"]);
    let receipts = (0..sales).map(|_| server.buy().header("Location").to_owned()).collect();
    server.terminate();
    receipts
}

#[test]
fn what_moves_while_it_is_sold_from_is_sold_at_one_place_at_a_time() {
    let places = Places::new();
    for (from, to) in [(File, Etcd), (Etcd, Postgres), (Postgres, File)] {
        let name = format!("{from:?}").to_lowercase();
        let (old, new) = (places.db(from, &name), places.db(to, &format!("{name}-new")));
        let server = places.serve_with(&old, &["--init", "100000"]);
        let held = server.post("/holds", &json!({"quantity": 3, "seconds": 3600})).json();
        let (is_over, sold) = (AtomicBool::new(false), AtomicUsize::new(0));

        let (answers, said) = thread::scope(|scope| {
            let buyers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let mut answers = Vec::new();
                        while !is_over.load(Ordering::SeqCst) {
                            answers.push(server.buy());
                            sold.fetch_add(1, Ordering::SeqCst);
                        }
                        answers
                    })
                })
                .collect();
            eventually("some sales", || (sold.load(Ordering::SeqCst) > 50).then_some(()));
            let said = places.import(&old, &new);
            is_over.store(true, Ordering::SeqCst);
            let answers = buyers.into_iter().flat_map(|buyer| buyer.join().expect("it buys"));
            (answers.collect::<Vec<Answer>>(), said)
        });

        assert_eq!(said.code, Some(0), "{said:?}");
        let (sales, refusals): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.status == 201);
        for refused in refusals {
            assert_eq!(
                (refused.status, &refused.json()["type"]),
                (410, &json!("/problems/sale-closed"))
            );
        }
        // Nothing can be bought at the old one any more, not even what was held.
        assert_eq!(server.buy().status, 410);
        let confirm = format!("/holds/{}/confirm", held["hold"].as_str().expect("a token"));
        assert_eq!(server.post(&confirm, &json!({})).status, 410);
        let moved = places.serve(&new);
        for sale in &sales {
            let told = moved.get(sale.header("Location"));
            assert_eq!((told.status, tickets_of(&told)), (200, tickets_of(sale)));
        }
        let sold = sales.len() as u64;
        let found = moved.search();
        assert_eq!((&found["sold"], &found["held"]), (&json!(sold), &json!(3)), "{found}");
        assert_eq!(tickets(&sales), (1..=sold).collect::<Vec<_>>());
        let confirmed = moved.post(&confirm, &json!({}));
        assert_eq!((confirmed.status, tickets_of(&confirmed)[0]), (201, sold + 1), "{confirmed:?}");
        assert_eq!(tickets_of(&moved.buy()), [sold + 4]);
    }
}

#[test]
fn counter_that_went_elsewhere_is_not_moved_again_until_its_sale_is_opened() {
    let places = Places::new();
    for (at, engine) in [File, Etcd, Postgres].into_iter().enumerate() {
        let db = places.db(engine, "hall");
        counter_with_sales(&places, &db, 3);
        let first = places.db(Etcd, &format!("first-{at}"));
        let second = places.db(Postgres, &format!("second-{at}"));
        assert_eq!(places.import(&db, &first).code, Some(0));
        places.assert_sound(&db);

        let again = places.import(&db, &second);

        assert_eq!(again.code, Some(1), "{again:?}");
        assert!(again.stderr.contains(&format!("the counter was moved to {first}")), "{again:?}");
        assert!(again.stderr.contains("hint: `POST /sale`"), "{again:?}");
        let taken = places.import(&db, &first);
        assert_eq!(taken.code, Some(1), "{taken:?}");
        assert!(taken.stderr.contains("already"), "{taken:?}");
        let server = places.serve(&db);
        assert_eq!(server.buy().status, 410);
        let opened = as_operator(&server, Method::POST, "/sale", &json!({"open": true}));
        assert_eq!(opened.status, 200, "{opened:?}");
        assert_eq!(tickets_of(&server.buy()), [4]);
        assert_eq!(places.import(&db, &second).code, Some(0));
        assert_eq!(places.serve(&second).count(), 96);
    }
}

#[test]
fn server_on_a_counter_that_went_elsewhere_says_where_to_and_sells_nothing() {
    let places = Places::new();
    let (old, new) = (places.db(File, "hall"), places.db(Etcd, "hall"));
    counter_with_sales(&places, &old, 3);
    assert_eq!(places.import(&old, &new).code, Some(0));
    let moved =
        format!("{old}: it was moved to {new} at revision `4`: here nothing is sold any more");

    let server = places.serve(&old);

    assert!(server.stderr().contains(&moved), "{}", server.stderr());
    assert_eq!(server.buy().status, 410);
    server.terminate();
    // Nor by whoever writes a new file in the place of the old one.
    fs::write(&old, "{\"count\": 100}\n").expect("the test's own file");
    let server = places.serve(&old);
    assert!(server.stderr().contains(&moved), "{}", server.stderr());
    assert_eq!(server.buy().status, 410);
    as_operator(&server, Method::POST, "/sale", &json!({"open": true}));
    server.terminate();
    let opened = places.serve(&old);
    assert!(!opened.stderr().contains("it was moved"), "{}", opened.stderr());
}

/// Copies the counter in the file at `from` up to the revision `last` into what `stage` gives, as an import does.
fn copy_up_to<S: Staged>(
    from: &Path,
    last: u64,
    stage: impl FnOnce(Base) -> (S, Arc<dyn Archive>),
) -> Copying<S> {
    let scan = FileScan::begin(&RealDisk, &Layout::around(from)).expect("a ledger");
    let scan = scan.expect("a ledger");
    let base = scan.base().clone();
    let base = Base::of(base.key, 0, base.stock(), base.at_ms);
    let (stage, archive) = stage(base.clone());
    let mut audit = Audit::begin(scan).expect("it is sound");
    let copying =
        Copying::begin(stage, None, &*archive, &base, Timer { now: Instant::now, pause: rest });
    let mut copying = copying.unwrap_or_else(|error| panic!("{error}"));
    copying.copy(&mut audit, last, &mut |records| records).expect("it is copied");
    copying
}

/// A counter in the making at `new`, in etcd.
fn etcd_stage(new: &str, base: Base) -> (EtcdStage, Arc<dyn Archive>) {
    let address: EtcdAddress = new.parse().expect("an address");
    let access = Access { members: address.members, user: None, tls: None };
    let (sizes, writer) = (Sizes::default(), fastrand::u128(..));
    let options = EtcdOptions { new: None, names_max: 9, sizes, writer };
    let stage = EtcdStage::new(access, &address.name, base, &options).expect("a thread");
    let archive = stage.archive();
    (stage, archive)
}

/// A counter in the making at `new`, in PostgreSQL.
fn postgres_stage(places: &Places, new: &str, base: Base) -> (PostgresStage, Arc<dyn Archive>) {
    let address = Address::parse(new).expect("an address");
    let password = Some(places.postgres.password().to_owned());
    let surroundings = Surroundings { password, passfile: None };
    let random = || -> io::Result<[u8; 32]> { Ok([fastrand::u8(..); 32]) };
    let options = PostgresOptions { init: None, names_max: 9, now_ms: || 1, random };
    let stage = PostgresStage::new(address, surroundings, base, options);
    let stage = stage.expect("an address in the clear");
    let archive = Arc::new(stage.archive());
    (stage, archive)
}

#[test]
fn half_of_a_counter_is_not_sold_from_and_the_whole_is() {
    let places = Places::new();
    let template = Template::new(&places);
    for engine in [Etcd, Postgres] {
        let name = format!("{engine:?}");
        let old = template.copy_to(&places, File, &name);
        let new = places.db(engine, &name);
        begin_half(&places, engine, Path::new(&old), &new);

        // A server waits for all of it, also one that would make a missing counter.
        let token = places.folder.path().join("token").display().to_string();
        let program = places.server(&["--db", &new, "--init", "5", "--admin-token-file", &token]);
        let server = Server::start_without_counter(program);
        let said = "is being imported and not whole yet";
        eventually("a server that says what it waits for", || {
            let ready = server.get("/readyz");
            assert_eq!(ready.status, 503, "{ready:?}");
            ready.text().contains(said).then_some(())
        });
        let refused = server.buy();
        assert_eq!((refused.status, &refused.json()["sold"]), (503, &json!("no")), "{refused:?}");
        let seen = places.verify(&new);
        assert!(seen.code == Some(1) && seen.stderr.contains(said), "{seen:?}");

        let imported = places.import(&old, &new);
        assert_eq!(imported.code, Some(0), "{imported:?}");
        eventually("a server that is ready", || {
            (server.get("/readyz").status == 200).then_some(())
        });
        assert_eq!(tickets_of(&server.buy()), [SALES + 1]);
        server.terminate();
        places.assert_sound(&new);
    }
}

#[test]
fn what_another_import_has_begun_is_not_gone_on_with() {
    let places = Places::new();
    let template = Template::new(&places);
    counter_with_sales(&places, &places.db(File, "other"), 15);
    for engine in [Etcd, Postgres] {
        let name = format!("{engine:?}");
        let old = template.copy_to(&places, File, &name);
        let new = places.db(engine, &name);
        begin_half(&places, engine, Path::new(&old), &new);

        let said = places.import(&places.db(File, "other"), &new);

        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stderr.contains("not the beginning of what is copied"), "{said:?}");
        assert!(said.stderr.contains("hint: another import was begun there"), "{said:?}");
        // And the other one is sold from as ever.
        assert_eq!(places.import(&old, &new).code, Some(0));
    }
    assert_eq!(places.serve(&places.db(File, "other")).buy().status, 201);
}

/// Leaves half of the counter in the file at `old` at `new`, as an import that was killed.
#[track_caller]
fn begin_half(places: &Places, engine: Engine, old: &Path, new: &str) {
    begin_up_to(places, engine, old, SALES / 2, new);
}

/// The same of all up to the revision `last`.
#[track_caller]
fn begin_up_to(places: &Places, engine: Engine, old: &Path, last: u64, new: &str) {
    if engine == Etcd {
        drop(copy_up_to(old, last, |base| etcd_stage(new, base)));
    } else {
        drop(copy_up_to(old, last, |base| postgres_stage(places, new, base)));
    }
}

/// Whether anything is where the counter `name` of this test would be.
#[track_caller]
fn is_anything_at(places: &Places, engine: Engine, name: &str) -> bool {
    let own = places.own(name);
    match engine {
        File => {
            let file = places.file(name);
            let begins = format!(".{}", file.file_name().expect("a name").display());
            let hidden = fs::read_dir(places.folder.path()).expect("the test's own folder");
            let mut names = hidden.flatten().map(|entry| entry.file_name().display().to_string());
            file.exists() || names.any(|name| name.starts_with(&begins))
        }
        Etcd => {
            let prefix = format!("tickets/{own}/");
            !places.etcd.ctl(&["get", "--prefix", "--keys-only", &prefix]).stdout.trim().is_empty()
        }
        Postgres => {
            let names = format!("name IN ('{own}', 'import:{own}')");
            let found = format!("SELECT name FROM ticket_counter.counter WHERE {names}");
            !places.postgres.sql(&found).is_empty()
        }
    }
}

#[test]
fn name_whose_answer_was_lost_is_asked_for_on_another_connection() {
    let places = Places::new();
    let template = Template::new(&places);
    let wire = Wire::to(places.postgres.port());
    let through = places.postgres.address_through(wire.port(), &places.own("named"));
    let old = places.file("template");
    let copying = copy_up_to(&old, SALES + 1, |base| postgres_stage(&places, &through, base));
    wire.lose_answer_with(b"UPDATE 1");

    let published = copying.publish();

    assert!(published.is_ok(), "{:?}", published.err());
    assert_eq!(wire.answers_lost(), 1);
    template.assert_at(&places, &places.db(Postgres, "named"));
}

thread_local! {
    /// How often what is copied on this thread was tried again.
    static RESTS: Cell<u32> = const { Cell::new(0) };
}

/// Rests before what may pass is tried again.
fn rest(time: Duration) {
    RESTS.set(RESTS.get() + 1);
    thread::sleep(time);
}

/// How often at least a step is tried that is taken for one that may pass: forty times, or for 30 s.
const RESTS_OF_ONE_THAT_MAY_PASS: u32 = 30;

/// Why `late` does not become the counter, which is told without another try. On a busy machine there may be some before
/// it is told at all.
#[track_caller]
fn refusal_of<S: Staged>(late: Copying<S>) -> String {
    RESTS.set(0);
    let refused = late.publish().err().expect("it is refused");
    assert!(RESTS.get() < RESTS_OF_ONE_THAT_MAY_PASS, "{refused}");
    refused.to_string()
}

/// As behind a failover to a server that had less: the number of what was imported was given out once more.
#[test]
fn name_is_not_given_to_another_counter_that_has_the_number_of_the_imported_one() {
    let places = Places::new();
    Template::new(&places);
    let (old, new) = (places.file("template"), places.db(Postgres, "renumbered"));
    let address = places.postgres.address(&places.own("renumbered"));
    let copying = copy_up_to(&old, SALES, |base| postgres_stage(&places, &address, base));
    let row = format!("name = 'import:{}'", places.own("renumbered"));
    places.postgres.sql(&format!(
        "CREATE TEMPORARY TABLE other AS SELECT * FROM ticket_counter.counter WHERE {row}; \
         UPDATE other SET key = sha256('another'); DELETE FROM ticket_counter.counter WHERE {row}; \
         INSERT INTO ticket_counter.counter OVERRIDING SYSTEM VALUE SELECT * FROM other"
    ));

    let refused = copying.publish().err().expect("it is refused").to_string();

    assert_eq!(
        refused,
        "the copy is whole, and does not get its name: what was imported is not there any more"
    );
    assert!(places.verify(&new).stderr.contains("is being imported"));
}

#[test]
fn name_that_the_database_refuses_is_told_as_refused() {
    let places = Places::new();
    Template::new(&places);
    let old = places.file("template");
    let address = places.postgres.address(&places.own("refused"));
    let copying = copy_up_to(&old, SALES, |base| postgres_stage(&places, &address, base));
    places.postgres.sql(&format!(
        "CREATE FUNCTION no_name() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today' \
         USING ERRCODE = 'insufficient_privilege'; END $$; \
         CREATE TRIGGER no_name BEFORE UPDATE ON ticket_counter.counter FOR EACH ROW WHEN (NEW.name = '{}') \
         EXECUTE FUNCTION no_name()",
        places.own("refused")
    ));

    let refused = copying.publish().err().expect("it is refused").to_string();

    places.postgres.sql("DROP FUNCTION no_name CASCADE");
    assert_eq!(refused, "the copy is whole, and does not get its name: PostgreSQL: not today");
}

/// Behind the last step the copy is the counter, whatever becomes of the sync.
#[test]
fn counter_in_files_whose_name_is_not_synced_is_told_as_there() {
    let places = Places::new();
    let template = Template::new(&places);
    let mut told = 0;
    for nth in 1.. {
        let old = template.copy_to(&places, File, &format!("old-{nth}"));
        let new = places.db(File, &format!("new-{nth}"));
        let said = import_under(&places, &old, &new, &format!("fsync:error=EIO:when={nth}"));
        if said.code == Some(0) {
            break;
        }
        let is_there = Path::new(&new).exists();
        let is_told =
            said.stderr.contains("is in place, and whole; that may not survive a power cut");
        assert_eq!(is_there, is_told, "{nth}: {said:?}");
        if is_there {
            assert!(said.stderr.contains("hint: there is nothing to be done again"), "{said:?}");
            template.assert_at(&places, &new);
            told += 1;
        }
    }
    assert_eq!(told, 1);
}

#[test]
fn import_that_another_has_overtaken_is_told_so_at_once() {
    let places = Places::new();
    Template::new(&places);
    let (old, new) = (places.file("template"), places.db(Etcd, "raced"));
    let late = copy_up_to(&old, SALES / 2, |base| etcd_stage(&new, base));
    begin_up_to(&places, Etcd, &old, SALES, &new);

    let overtaken = refusal_of(late);

    assert!(overtaken.ends_with("another import has gone on with it"), "{overtaken}");
    assert!(places.verify(&new).stderr.contains("is being imported"));
}

#[test]
fn name_that_another_counter_has_taken_is_told_at_once() {
    let places = Places::new();
    Template::new(&places);
    let (old, new) = (places.file("template"), places.db(Etcd, "taken"));
    let late = copy_up_to(&old, SALES, |base| etcd_stage(&new, base));
    places.etcd.ctl(&["del", "--prefix", &format!("tickets/{}/", places.own("taken"))]);
    counter_with_sales(&places, &new, 1);

    let taken = refusal_of(late);

    assert!(taken.ends_with("already"), "{taken}");
    assert_eq!(places.serve(&new).count(), 99);
}

#[test]
fn import_that_is_refused_leaves_nothing_behind_and_closes_nothing() {
    let places = Places::new();
    let template = Template::new(&places);
    for engine in [File, Etcd, Postgres] {
        let name = format!("{engine:?}");
        let old = template.copy_to(&places, File, &name);
        let taken = places.db(engine, &format!("{name}-taken"));
        counter_with_sales(&places, &taken, 1);

        let said = places.import(&old, &taken);

        assert_ne!(said.code, Some(0), "{said:?}");
        assert!(said.stderr.contains("already"), "{said:?}");
        assert_eq!(places.serve(&taken).count(), 99);
        if engine == Postgres {
            let rows = format!("name = 'import:{}'", places.own(&format!("{name}-taken")));
            let rows = format!("SELECT count(*) FROM ticket_counter.counter WHERE {rows}");
            assert_eq!(places.postgres.sql(&rows), "0");
        }
        assert_eq!(places.serve(&old).buy().status, 201, "it was not closed");

        // And of one that went elsewhere nothing is copied.
        assert_eq!(places.import(&old, &places.db(Etcd, &format!("{name}-first"))).code, Some(0));
        let second = format!("{name}-second");
        let gone = places.import(&old, &places.db(engine, &second));
        assert!(gone.stderr.contains("the counter was moved to"), "{gone:?}");
        assert!(!is_anything_at(&places, engine, &second), "{engine:?}");
    }
}

#[test]
fn counter_that_has_less_than_what_was_begun_there_is_not_closed() {
    let places = Places::new();
    let template = Template::new(&places);
    for engine in [Etcd, Postgres] {
        let name = format!("{engine:?}");
        let (old, ahead) = (
            template.copy_to(&places, File, &name),
            template.copy_to(&places, File, &format!("{name}-ahead")),
        );
        let server = places.serve(&ahead);
        assert_eq!(server.buy().status, 201);
        server.terminate();
        let new = places.db(engine, &name);
        begin_up_to(&places, engine, Path::new(&ahead), SALES + 2, &new);

        let said = places.import(&old, &new);

        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stderr.contains("not the beginning of what is copied"), "{said:?}");
        assert_eq!(places.serve(&old).buy().status, 201, "it was not closed");
    }
}

/// What was sold at the new place would be sold once more.
#[test]
fn import_that_has_ended_is_not_begun_again_unless_that_is_said() {
    let places = Places::new();
    let template = Template::new(&places);
    for engine in [File, Etcd, Postgres] {
        let name = format!("{engine:?}");
        let old = template.copy_to(&places, File, &format!("{name}-old"));
        let new = places.db(engine, &name);
        assert_eq!(places.import(&old, &new).code, Some(0));
        let server = places.serve(&new);
        assert_eq!(tickets_of(&server.buy()), [SALES + 1]);
        server.terminate();
        let own = places.own(&name);
        match engine {
            File => {
                fs::remove_file(&new).expect("the counter");
                fs::remove_dir_all(format!("{new}.ledger")).expect("its ledger");
            }
            Etcd => {
                places.etcd.ctl(&["del", "--prefix", &format!("tickets/{own}/")]);
            }
            Postgres => {
                let removed = format!("DELETE FROM ticket_counter.counter WHERE name = '{own}'");
                places.postgres.sql(&removed);
            }
        }

        let refused = places.import(&old, &new);

        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains("has ended, and nothing of it is there"), "{refused:?}");
        assert!(
            refused.stderr.contains("hint: ") && refused.stderr.contains("`--again`"),
            "{refused:?}"
        );
        assert!(!is_anything_at(&places, engine, &name), "{engine:?}");
        let again = places.server(&["import", "--from", &old, "--db", &new, "--again"]).run();
        assert_eq!(again.code, Some(0), "{again:?}");
        assert_eq!(tickets_of(&places.serve(&new).buy()), [SALES + 1]);
    }
}

/// The old ledger was ended, and what is refunded there would be missing where the move went on all the same.
#[test]
fn what_was_changed_behind_a_move_that_was_broken_off_is_not_lost() {
    let places = Places::new();
    let template = Template::new(&places);
    for engine in [File, Etcd, Postgres] {
        let name = format!("{engine:?}");
        let old = template.copy_to(&places, engine, &name);
        let new = places.db(File, &format!("{name}-new"));
        // Ahead of the last step, by which the new one becomes the counter.
        let killed = import_under(&places, &old, &new, "/^link:signal=KILL:when=1");
        assert_eq!(killed.signal, Some(9), "{killed:?}");
        fs::remove_dir_all(format!("{new}.ledger")).expect("what it has left");
        let server = places.serve(&old);
        assert_eq!(server.buy().status, 410);
        let refund = as_operator(&server, Method::DELETE, &template.receipts[0], &json!({}));
        assert_eq!(refund.status, 200, "{refund:?}");
        server.terminate();

        let said = places.import(&old, &new);

        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stderr.contains("was written behind the end"), "{said:?}");
        let server = places.serve(&old);
        as_operator(&server, Method::POST, "/sale", &json!({"open": true}));
        server.terminate();
        assert_eq!(places.import(&old, &new).code, Some(0));
        let moved = places.serve(&new);
        assert_eq!(moved.get(&template.receipts[0]).json()["status"], "refunded");
    }
}

/// An import into which strace injects `fault`.
#[track_caller]
fn import_under(places: &Places, from: &str, to: &str, fault: &str) -> Finished {
    places.server_under(fault, &["import", "--from", from, "--db", to]).run()
}

/// A ledger in files, to be copied: each move needs one of its own.
struct Template {
    receipts: Vec<String>,
}

impl Template {
    /// A counter with some sales and an open hold.
    #[track_caller]
    fn new(places: &Places) -> Template {
        let server = places.serve_with(&places.db(File, "template"), &["--init", "100"]);
        let sales = (0..SALES).map(|_| server.buy().header("Location").to_owned());
        let receipts = sales.collect();
        assert_eq!(server.post("/holds", &json!({"quantity": 2, "seconds": 3600})).status, 201);
        server.terminate();
        Template { receipts }
    }

    /// A copy of it on `engine`.
    #[track_caller]
    fn copy_to(&self, places: &Places, engine: Engine, name: &str) -> String {
        let (from, to) = (places.file("template"), places.file(name));
        let copy = |from: &Path, to: &Path| {
            fs::copy(from, to).expect("the test's own file");
        };
        copy(&from, &to);
        let ledger = |head: &Path| head.with_extension("txt.ledger");
        fs::create_dir(ledger(&to)).expect("the test's own folder");
        for entry in fs::read_dir(ledger(&from)).expect("a ledger").flatten() {
            copy(&entry.path(), &ledger(&to).join(entry.file_name()));
        }
        let db = places.db(engine, name);
        if engine != File {
            let said = places.import(&to.display().to_string(), &db);
            assert_eq!(said.code, Some(0), "{said:?}");
        }
        db
    }

    /// Fails unless the counter at `db` is sound, and has all that this one has.
    #[track_caller]
    fn assert_at(&self, places: &Places, db: &str) {
        let counts = places.assert_sound(db);
        let expected =
            format!("count {}, sold {SALES}, revision {}", TICKETS - SALES - 2, SALES + 1);
        assert_eq!(counts[0], expected);
        let server = places.serve(db);
        for receipt in [self.receipts.first(), self.receipts.last()].into_iter().flatten() {
            assert_eq!(server.get(receipt).status, 200, "{receipt}");
        }
    }
}

/// Kills imports from one engine to another ahead of calls to the system: of `calls` each `stride`-th, one a try.
///
/// Whenever that is, what is there is no counter yet or all of it; and the next import brings it there.
#[track_caller]
fn kill_ahead_of(from: Engine, to: Engine, calls: &[(&str, usize)]) {
    let places = Places::new();
    let template = Template::new(&places);
    let every = env::var_os("IMPORT_KILLS").is_some();
    let (mut killed, mut whole) = (0, 0);
    for (call, stride) in calls {
        let stride = if every { 1 } else { *stride };
        for nth in (1..).step_by(stride) {
            let name = format!("{}-{nth}", call.trim_start_matches("/^"));
            let old = template.copy_to(&places, from, &name);
            let new = places.db(to, &format!("{name}-new"));
            let fault = format!("{call}:signal=KILL:when={nth}");
            let said = import_under(&places, &old, &new, &fault);
            if said.code == Some(0) {
                template.assert_at(&places, &new);
                break;
            }
            assert_eq!(said.signal, Some(9), "{fault}: {said:?}");
            killed += 1;
            if places.verify(&new).code == Some(0) {
                whole += 1;
            } else {
                finish(&places, &template, &old, &new);
            }
            places.assert_sound(&new);
            if nth % 7 == 1 {
                template.assert_at(&places, &new);
            }
            // Whatever was killed, the old one is sold from no more.
            assert!(places.verify(&old).stdout.ends_with("sound\n"), "{fault}");
        }
    }
    println!("{from:?} to {to:?}: {killed} were killed, {whole} of them behind the last step");
    assert!(killed > 10, "{killed} were killed");
}

/// Goes on with an import that was killed.
#[track_caller]
fn finish(places: &Places, template: &Template, old: &str, new: &str) {
    let said = places.import(old, new);
    if said.stderr.trim_end().ends_with("already") {
        // Its last step was on its way as it was killed, and has come through since somebody looked: then it is the
        // counter that was moved, and no other.
        template.assert_at(places, new);
        return;
    }
    if said.code == Some(2) && said.stderr.contains("without its counter's file") {
        assert!(said.stderr.contains("`server repair --db /"), "{said:?}");
        let mended = places.server(&["repair", "--db", new]).run();
        assert_eq!(mended.code, Some(0), "{mended:?}");
    } else {
        assert_eq!(said.code, Some(0), "{said:?}");
    }
}

#[test]
fn import_into_etcd_that_is_killed_anywhere_is_gone_on_with() {
    kill_ahead_of(File, Etcd, &[("writev", 4), ("fdatasync", 1), ("pwrite64", 2)]);
}

#[test]
fn import_into_postgres_that_is_killed_anywhere_is_gone_on_with() {
    kill_ahead_of(Etcd, Postgres, &[("sendto", 4), ("writev", 7)]);
}

#[test]
fn import_into_a_file_that_is_killed_anywhere_is_gone_on_with() {
    let files = [("pwrite64", 1), ("fdatasync", 1), ("fsync", 1), ("/^rename", 1), ("/^link", 1)];
    kill_ahead_of(Postgres, File, &[&files[..], &[("sendto", 9)]].concat());
}
