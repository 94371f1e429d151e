//! `loadgen race --db`: a race on an engine, beside the counter that was named.

use e2e::{Finished, Program};
use serde_json::{Value, json};

use crate::kept::{
    Engine::{self, Etcd, Postgres},
    Places,
};

/// `loadgen race` on a counter beside the one at `db`.
#[track_caller]
fn race(places: &Places, db: &str, arguments: &[&str]) -> Finished {
    Program::new(env!("CARGO_BIN_EXE_e2e-loadgen"))
        .args(["race", "--db", db, "--mode", "thread", "--json"])
        .args(arguments)
        .env("PGPASSWORD", places.postgres.password())
        .run()
}

/// The counters on `engine` whose names begin as `name` of this test.
fn counters(places: &Places, engine: Engine, name: &str) -> Vec<String> {
    let own = places.own(name);
    if engine == Etcd {
        let prefix = format!("tickets/{own}");
        let keys = places.etcd.ctl(&["get", "--prefix", "--keys-only", &prefix]).stdout;
        let mut names: Vec<_> =
            keys.lines().filter_map(|key| key.split('/').nth(1)).map(str::to_owned).collect();
        names.dedup();
        return names;
    }
    let names = format!("SELECT name FROM ticket_counter.counter WHERE name LIKE '%{own}%'");
    places.postgres.sql(&names).lines().map(str::to_owned).collect()
}

#[test]
fn race_of_several_servers_on_an_engine_is_valid_and_leaves_nothing_behind() {
    let places = Places::new();
    for (engine, more) in [(Etcd, &["--holds"][..]), (Postgres, &[]), (Etcd, &[])] {
        let name = format!("{engine:?}{}", more.len());
        let db = places.db(engine, &name);
        let server = places.serve_with(&db, &["--init", "100"]);
        server.buy();
        server.terminate();

        let workers = ["--workers", "40", "--tickets", "10", "--servers", "3"];
        let said = race(&places, &db, &[&workers, more].concat());

        assert_eq!(said.code, Some(0), "{engine:?}: {said:?}");
        let told: Value = serde_json::from_str(&said.stdout).expect("JSON");
        let runs = told["runs"].as_array().expect("runs");
        let [run] = &runs[..] else { panic!("{told}") };
        let found = [&run["locking"], &run["servers"], &run["left"], &run["oversold"]];
        assert_eq!(found, [&json!("group"), &json!(3), &json!(0), &json!(0)], "{run}");
        assert_eq!((&run["sold"], &run["verdict"]), (&json!(10), &json!("valid")), "{run}");
        assert!(said.stderr.contains(&format!("{name}-")), "it says where: {}", said.stderr);
        assert_eq!(counters(&places, engine, &name), [places.own(&name)]);
        assert_eq!(places.serve(&db).count(), 99, "nothing was bought of the one that was named");
    }
}

#[test]
fn race_that_cannot_be_run_on_an_engine_says_why() {
    let places = Places::new();
    let nobodys = places.db(Postgres, "hall").replace("/tickets?", "/nowhere?");
    let said = race(&places, &nobodys, &["--workers", "2"]);
    assert_eq!(said.code, Some(70), "{said:?}");
    assert!(said.stderr.contains("database \"nowhere\" does not exist"), "{said:?}");
    // What cannot be reached cannot be seen to be empty either.
    assert!(said.stderr.contains("stays behind"), "{said:?}");
    assert!(said.stderr.contains("hint: `DELETE FROM ticket_counter.counter WHERE"), "{said:?}");

    let locking = race(&places, &places.db(Etcd, "hall"), &["--locking", "group,file"]);
    assert_eq!(locking.code, Some(2), "{locking:?}");
    assert!(locking.stderr.contains("`--locking file` sells from a file"), "{locking:?}");
    assert_eq!(counters(&places, Etcd, "hall"), Vec::<String>::new());
}
