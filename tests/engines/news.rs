//! What other servers sell is on the page at once.

use std::time::{Duration, Instant};

use e2e::Live;

use crate::kept::{
    Engine::{Etcd, Postgres},
    Places,
};

/// How often a server asks for the last revision where it hears nothing: news that come so come one a second.
const ASKED_EVERY: Duration = Duration::from_secs(1);

/// How many sales are waited for, each by itself.
const SALES: u32 = 30;

#[test]
fn sales_of_another_server_are_heard_of_and_not_asked_for() {
    let places = Places::new();
    for engine in [Etcd, Postgres] {
        let db = places.db(engine, "hall");
        let [idle, busy] = [(); 2].map(|()| places.serve_with(&db, &["--init", "100"]));
        let live = Live::open(&idle);
        live.wait_for_count(100);

        let begun = Instant::now();
        let mut times: Vec<_> = (1..=SALES)
            .map(|sale| {
                assert_eq!(busy.buy().status, 201);
                let sold = Instant::now();
                live.wait_for_count(100 - u64::from(sale));
                sold.elapsed()
            })
            .collect();
        let took = begun.elapsed();

        times.sort_unstable();
        let (median, last) = (times[times.len() / 2], times[times.len() - 1]);
        println!("{engine:?}: news of another server after {median:?}, at most {last:?}");
        assert!(took < ASKED_EVERY * (SALES - 1), "{took:?}: asked for");
    }
}
