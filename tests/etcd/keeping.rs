//! Snapshots, and old batches in pages: the keys stay few, and every record is found.

use e2e::{Etcd, eventually};
use server::ledger::etcd::options::Sizes;

use crate::seat::{Seat, TICKETS, access};

const SMALL: Sizes = Sizes { snapshot: 60_000, page: 20_000 };

fn seat(etcd: &Etcd) -> Seat {
    Seat::with(access(&etcd.addresses()), Some(TICKETS), SMALL)
}

/// How many keys there are whose name begins so.
fn keys(etcd: &Etcd, begins: &str) -> usize {
    let found = etcd.ctl(&["get", "--prefix", "--keys-only", &format!("tickets/hall/{begins}")]);
    found.stdout.lines().filter(|line| !line.is_empty()).count()
}

#[test]
fn batches_behind_a_snapshot_become_pages_and_everything_is_found() {
    let etcd = Etcd::start();
    let (mut one, mut late) = (seat(&etcd), seat(&etcd));
    late.hear_in_time();
    let mut sold = Vec::new();
    eventually("pages", || {
        sold.extend((0..40).flat_map(|_| one.sell(2)));
        (keys(&etcd, "pages/") >= 5).then_some(())
    });
    let batches = keys(&etcd, "batches/");
    assert!(batches < sold.len() / 2, "{batches} batches of {} records", sold.len());
    let last = sold.len() as u64;
    // Who was there all the time has not heard of what is in the pages by now.
    assert_eq!(late.hear_up_to(last).records, sold);
    let mut new = seat(&etcd);
    let heard = new.hear_in_time().records;
    assert!(heard.len() < sold.len(), "all of it was read: {}", heard.len());
    for seat in [&one, &late, &new] {
        assert_eq!(seat.count(), (TICKETS - last, last));
    }
    assert_eq!(new.look_up(1, last + 1), sold);
    assert_eq!(new.look_up(7, 7), sold[6..7]);
    // One snapshot is kept, and nothing of those before.
    eventually("one snapshot", || (keys(&etcd, "snapshots/") == 1).then_some(()));
}

#[test]
fn without_its_snapshot_or_with_a_torn_one_a_counter_is_read_from_its_pages() {
    let etcd = Etcd::start();
    let mut one = seat(&etcd);
    let mut sold = Vec::new();
    eventually("pages", || {
        sold.extend((0..40).flat_map(|_| one.sell(2)));
        (keys(&etcd, "pages/") >= 2).then_some(())
    });
    drop(one);
    let parts = etcd.ctl(&["get", "--prefix", "--keys-only", "tickets/hall/snapshots/"]).stdout;
    for part in parts.split_whitespace() {
        etcd.ctl(&["put", part, "torn"]);
    }
    let count = (TICKETS - sold.len() as u64, sold.len() as u64);
    for spoil in ["tickets/hall/snapshots/", "tickets/hall/snapshot"] {
        let mut new = seat(&etcd);
        assert_eq!(new.hear_in_time().records, sold);
        assert_eq!(new.count(), count);
        etcd.ctl(&["del", "--prefix", spoil]);
    }
    let mut new = seat(&etcd);
    assert_eq!(new.hear_in_time().records, sold);
}
