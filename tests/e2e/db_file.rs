//! What of a sale `db.txt` tells, and what others write there.

use e2e::{Counter, Live, OutsideLock};
use serde_json::json;

use crate::programs::serve;

#[test]
fn count_in_db_txt_is_the_count_that_was_answered() {
    let counter = Counter::with(100);
    let server = serve(&counter);

    server.buy();

    assert_eq!(counter.json(), json!({"count": 99, "sold": 1, "revision": 1}));
}

#[test]
fn listener_sees_what_an_outside_program_wrote() {
    let counter = Counter::with(100);
    let server = serve(&counter);
    let live = Live::open(&server);
    live.wait_for_count(100);

    let lock = OutsideLock::take(&counter);
    counter.write("{\"count\": 42}\n");
    drop(lock);

    live.wait_for_count(42);
}
