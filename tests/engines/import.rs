//! `server import`: a counter moves, and nobody is told anything else than before.

use e2e::tickets_of;
use serde_json::json;

use crate::{
    kept::{
        Engine::{Etcd, File, Postgres},
        Places,
    },
    told::Told,
};

/// How many tickets a counter begins with.
const TICKETS: u64 = 100;

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
