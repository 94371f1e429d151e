//! All rows, sent one after the other; then the counter is as it was, and sells on.

use crate::{programs::server, sales::order};

use super::{framing, headers, heads, hosts, members, row::Row, scene::Scene, tokens};

/// How many tickets there are, however they were sold, held and refunded.
const TICKETS: u64 = 1000;

#[test]
fn malformed_request_is_refused_as_its_row_says_and_changes_nothing() {
    let scene = Scene::with(TICKETS);
    let before = scene.server.search();
    let rows = rows();

    let faults: Vec<_> = rows.iter().filter_map(|row| row.fault(&scene)).collect();

    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), rows.len(), faults.join("\n"));
    assert_eq!(scene.server.search(), before);
    assert_eq!(order(&scene.server, 3).status, 201);
    let after = scene.server.search();
    let all = ["count", "sold", "held"].map(|member| after[member].as_u64().unwrap_or_default());
    assert_eq!(all.iter().sum::<u64>(), TICKETS, "{after}");
    let Scene { counter, server: seller, .. } = scene;
    assert_eq!(seller.terminate().code, Some(0));
    let verified = server().arg("verify").arg("--db").arg(counter.path()).run();
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert!(verified.stdout.ends_with("\nsound\n"), "{verified:?}");
}

#[test]
fn rows_are_many_and_each_stands_once() {
    let rows = rows();
    let mut sent: Vec<_> = rows.iter().map(|row| &row.sent).collect();
    sent.sort_unstable();
    let twice = sent.windows(2).find(|two| two[0] == two[1]);

    assert!(rows.len() >= 200, "{}", rows.len());
    assert_eq!(twice.map(|two| String::from_utf8_lossy(two[0])), None);
}

fn rows() -> Vec<Row> {
    [
        heads::rows(),
        hosts::rows(),
        framing::rows(),
        members::rows(),
        headers::rows(),
        tokens::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
