//! What is told of the sales in a ledger one of whose segments somebody has lost.

use std::{fs, thread};

use e2e::{Counter, eventually};
use serde_json::json;

use crate::{
    contract::sales_list::{ask, buy_for, page, revisions, serve},
    problem::assert_problem,
    programs,
};

/// The first revisions of the segments of the ledger.
fn segments(counter: &Counter) -> Vec<u64> {
    let files = fs::read_dir(counter.ledger()).expect("there is a ledger").flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    let mut starts: Vec<_> =
        names.filter_map(|name| name.strip_suffix(".segment")?.parse().ok()).collect();
    starts.sort_unstable();
    starts
}

#[test]
fn sales_behind_a_missing_segment_are_all_listed_and_a_receipt_in_it_is_told_to_be_lost() {
    let counter = Counter::with(1_000_000);
    let server = serve(&counter);
    let lost = buy_for(&server, "the first");
    assert_eq!(server.post("/holds", &json!({"quantity": 1, "seconds": 3600})).status, 201);
    let long = "\u{1f3ab}".repeat(200);
    let second = eventually("a second segment", || {
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..25).for_each(|_| drop(buy_for(&server, &long))));
            }
        });
        segments(&counter).get(1).copied()
    });
    (0..3).for_each(|_| drop(buy_for(&server, "Ann")));
    server.terminate();
    let first = counter.ledger().join(format!("{:020}.segment", 1));
    fs::remove_file(first).expect("it is there");
    let server = serve(&counter);

    let listed = page(&server, "?page_size=2");
    assert_eq!(revisions(&listed), [second, second + 1]);
    let token = format!("?page_size=1&page_token={}", second - 1);
    assert_eq!(revisions(&page(&server, &token)), [second]);
    // Each sale was of one ticket, and one record is that of a hold.
    assert_eq!(revisions(&page(&server, &format!("?search={}", second - 1))), [second]);
    let table = ask(&server, "/sales", "text/csv").text();
    let last = revisions(&page(&server, "?page_size=1&order=newest"))[0];
    assert_eq!(table.lines().count() as u64, 1 + last - (second - 1));
    let receipt = server.get(&lost);
    assert_problem(&server, &receipt, 404, "not-found");
    assert!(receipt.text().contains("the record of its sale is missing"), "{}", receipt.text());
    let shown = ask(&server, &lost, "text/html").text();
    assert!(shown.contains("its record is missing"), "{shown}");
    let stderr = server.terminate().stderr;
    let told = format!("up to revision {} are missing", second - 1);
    assert!(stderr.contains(&told), "{stderr}");

    for file in fs::read_dir(counter.ledger()).expect("there is a ledger").flatten() {
        if file.path().extension().is_some_and(|kind| kind == "snapshot") {
            fs::remove_file(file.path()).expect("it is there");
        }
    }
    let refused =
        programs::server().args(["--listen", "127.0.0.1:0", "--db"]).arg(counter.path()).run();
    assert_eq!(refused.code, Some(65), "{refused:?}");
    assert!(refused.stderr.contains("and there is no snapshot of that"), "{refused:?}");
    let hint = format!("`server verify --db {}` shows what can be read", counter.path().display());
    assert!(refused.stderr.contains(&hint) && !refused.stderr.contains("WARN"), "{refused:?}");
}
