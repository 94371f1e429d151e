//! `GET /metrics` tells what the ledger is kept in, and what becomes of appends there.

use e2e::crowd;

use crate::kept::{
    Engine::{Etcd, File, Postgres},
    Places,
};

#[test]
fn appends_are_counted_by_what_became_of_them_on_every_engine() {
    let places = Places::new();
    for (engine, name) in [(File, "file"), (Etcd, "etcd"), (Postgres, "postgres")] {
        let db = places.db(engine, "hall");
        let servers = [(); 2].map(|()| places.serve_with(&db, &["--init", "1000"]));

        crowd(8, |at| (0..20).for_each(|_| drop(servers[at % 2].buy())));

        let mut durable = 0.0;
        for server in &servers {
            let text = server.get("/metrics").text();
            let value = |sample: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(sample));
                line.map_or(0.0, |value| value.trim().parse::<f64>().expect("a number"))
            };
            assert_eq!(value(&format!("tickets_ledger_info{{engine=\"{name}\"}}")), 1.0, "{text}");
            let appended = value("tickets_journal_appends_total{outcome=\"durable\"}");
            let lost = value("tickets_journal_appends_total{outcome=\"lost\"}");
            let broken = value("tickets_journal_appends_total{outcome=\"broken\"}");
            assert!(appended >= 1.0 && broken == 0.0, "{text}");
            assert!(engine != File || lost == 0.0, "who has a lock loses no race: {text}");
            assert_eq!(value("tickets_available"), 840.0, "{name}");
            assert!(value("tickets_lock_wait_seconds_count") >= appended.min(1.0), "{text}");
            durable += appended;
        }
        assert!((2.0..=160.0).contains(&durable), "{name}: {durable}");
    }
}
