//! The ledgers in `server/golden`: a server of today goes on from what earlier versions wrote.
//!
//! The format itself is compared byte for byte by the unit test `golden_tests`.

use std::{collections::BTreeMap, fs, path::Path, time::SystemTime};

use e2e::{Counter, Finished};
use serde_json::json;

use crate::{
    programs::{serve, server},
    sales::tickets_of,
};

/// What `server verify` says of a kept counter, and what a server tells of it.
struct Golden {
    shape: &'static str,
    ledger: &'static str,
    note: &'static str,
    count: u64,
    sold: u64,
    revision: u64,
    /// Receipts that were given out, and the tickets that they are for.
    receipts: &'static [(&'static str, &'static [u64])],
}

/// The receipt of the second sale in most of them.
const SECOND: (&str, &[u64]) = ("AAAAAAAAAAKol80Ns6y6QkdB422JlqTP", &[2, 3]);

const GOLDEN: [Golden; 7] = [
    Golden {
        shape: "fresh",
        ledger: "1 segment, 0 records, count 1000, sold 0, revision 0",
        note: "",
        count: 1000,
        sold: 0,
        revision: 0,
        receipts: &[],
    },
    Golden {
        shape: "sold",
        ledger: "1 segment, 5 records, count 1042, sold 8, revision 5",
        note: "",
        count: 1042,
        sold: 8,
        revision: 5,
        receipts: &[SECOND],
    },
    Golden {
        shape: "keys",
        ledger: "1 segment, 9 records, count 1046, sold 11, revision 9",
        note: "",
        count: 1046,
        sold: 11,
        revision: 9,
        receipts: &[SECOND],
    },
    Golden {
        shape: "rotated",
        ledger: "4 segments, 160 records, count 840, sold 160, revision 160",
        note: "",
        count: 840,
        sold: 160,
        revision: 160,
        receipts: &[
            ("AAAAAAAAAAKol80Ns6y6QkdB422JlqTP", &[2]),
            ("AAAAAAAAAKDyTBtqQ3dnVr0Yadg4QqRg", &[160]),
        ],
    },
    Golden {
        shape: "adjusted",
        ledger: "1 segment, 7 records, count 1039, sold 11, revision 7",
        note: "",
        count: 1039,
        sold: 11,
        revision: 7,
        receipts: &[SECOND],
    },
    Golden {
        shape: "torn_tail",
        ledger: "1 segment, 5 records, count 1042, sold 8, revision 5, \
                 48 bytes of a sale that a crash cut off",
        note: "",
        count: 1042,
        sold: 8,
        revision: 5,
        receipts: &[SECOND],
    },
    Golden {
        shape: "unpublished",
        ledger: "1 segment, 6 records, count 1039, sold 11, revision 6",
        note: "note: db.txt is behind the ledger; the next start or sale writes it anew\n",
        count: 1039,
        sold: 11,
        revision: 6,
        receipts: &[SECOND],
    },
];

#[test]
fn verify_tells_what_a_kept_ledger_holds_and_changes_nothing() {
    for (version, golden) in all() {
        let counter = copy_of(version, golden.shape);
        let before = everything_in(counter.folder());

        let said = verify(&counter);

        assert_eq!(said.code, Some(0), "{}: {said:?}", golden.shape);
        let ledger = format!("db.txt.ledger: {}\n", golden.ledger);
        assert!(said.stdout.contains(&ledger), "{}: {said:?}", golden.shape);
        let end = format!("{}sound\n", golden.note);
        assert!(said.stdout.ends_with(&end), "{}: {said:?}", golden.shape);
        assert!(everything_in(counter.folder()) == before, "{}: changed", golden.shape);
    }
}

/// F32: a server of today sells on from every ledger that was kept.
#[test]
fn kept_ledger_is_sold_on_from() {
    for (version, golden) in all() {
        let counter = copy_of(version, golden.shape);

        let server = serve(&counter);

        let found = server.get("/search").json();
        let &Golden { shape, count, sold, revision, receipts, .. } = golden;
        assert_eq!(
            found,
            json!({
                "count": count, "sold": sold, "held": 0, "revision": revision, "locking": "group"
            }),
            "{shape}"
        );
        for (receipt, tickets) in receipts {
            let told = server.get(&format!("/receipts/{receipt}"));
            assert_eq!(told.status, 200, "{shape}: {told:?}");
            assert_eq!(tickets_of(&told), *tickets, "{shape}");
        }
        assert_eq!(tickets_of(&server.buy()), [sold + 1], "{shape}");
        server.terminate();
        assert_eq!(counter.count(), count - 1, "{shape}");
        let said = verify(&counter);
        assert_eq!(said.code, Some(0), "{shape}: {said:?}");
    }
}

/// F30: the key of a ledger is its id; a segment with another one is not taken for a remainder.
#[test]
fn segment_of_another_counter_is_refused() {
    let other = Counter::with(1000);
    let stranger = serve(&other);
    stranger.buy();
    stranger.terminate();
    let strange = other.ledger().join(format!("{:020}.segment", 1));
    // A start reads what is younger than a day, which these are not, and the last two in any case.
    for (place, is_read_at_start) in [(1, false), (28, false), (82, true), (135, true)] {
        let counter = copy_of(1, "rotated");
        let path = counter.ledger().join(format!("{place:020}.segment"));
        fs::copy(&strange, path).expect("a copy");
        let before = everything_in(counter.folder());

        let said = verify(&counter);
        assert_eq!(said.code, Some(1), "{place}: {said:?}");
        assert!(said.stdout.contains("of another counter"), "{place}: {said:?}");
        if is_read_at_start {
            let start = server().args(["--listen", "127.0.0.1:0", "--db"]).arg(counter.path());
            let refusal = start.run();
            assert_eq!(refusal.code, Some(65), "{place}: {refusal:?}");
            assert!(refusal.stderr.contains("of another counter"), "{place}: {refusal:?}");
        }
        assert!(everything_in(counter.folder()) == before, "{place}: changed");
    }
}

/// The first segments are gone, as where somebody made room: nothing of that is told as whole.
#[test]
fn ledger_without_its_first_segment_is_not_sound_and_sold_on_from_with_a_warning() {
    let counter = copy_of(1, "rotated");
    fs::remove_file(counter.ledger().join(format!("{:020}.segment", 1))).expect("a kept file");
    let missing = "the records up to revision `27` are missing";

    let said = verify(&counter);
    assert_eq!(said.code, Some(1), "{said:?}");
    let fault = format!("{:020}.segment:1: {missing}", 28);
    assert!(said.stdout.contains(&fault) && !said.stdout.contains("sound"), "{said:?}");
    let dir = counter.folder().join("backup");
    let said = server().arg("backup").arg(&dir).arg("--db").arg(counter.path()).run();
    assert_eq!(said.code, Some(65), "{said:?}");
    assert!(said.stderr.contains(missing) && !dir.exists(), "{said:?}");

    let server = serve(&counter);
    assert_eq!(tickets_of(&server.buy()), [161]);
    let said = server.terminate();
    let warned = "the records up to revision 27 are missing";
    assert!(said.stderr.contains("WARN") && said.stderr.contains(warned), "{said:?}");
}

/// Every shape in every version of the format that has it.
fn all() -> impl Iterator<Item = (u32, &'static Golden)> {
    (1..=2).flat_map(|version| GOLDEN.iter().map(move |golden| (version, golden)))
}

fn verify(counter: &Counter) -> Finished {
    server().args(["verify", "--db"]).arg(counter.path()).run()
}

/// A counter with a copy of the kept files.
fn copy_of(version: u32, shape: &str) -> Counter {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/golden");
    let kept = golden.join(version.to_string()).join(shape);
    let counter = Counter::holding(fs::read(kept.join("db.txt")).expect("a kept db.txt"));
    fs::create_dir(counter.ledger()).expect("the test's own folder");
    for entry in fs::read_dir(kept.join("db.txt.ledger")).expect("a kept ledger") {
        let entry = entry.expect("a kept file");
        fs::copy(entry.path(), counter.ledger().join(entry.file_name())).expect("a copy");
    }
    counter
}

/// Every file below `folder`: its bytes, and when it was written.
fn everything_in(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(everything_in(&path));
        } else {
            let written = fs::metadata(&path).and_then(|about| about.modified());
            let bytes = fs::read(&path).expect("a file");
            files.insert(path.display().to_string(), (bytes, written.expect("a time")));
        }
    }
    files
}
