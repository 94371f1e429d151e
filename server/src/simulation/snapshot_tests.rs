//! A start from a snapshot, from an older one, and from none comes to the same.

use std::{
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
};

use crate::{
    domain::{Command, Inventory, Order, Outcome, Request, SoldBefore},
    ledger::{
        Scan,
        file::{engine::FileEngine, layout::Layout, log::snapshots, scan::FileScan},
    },
    simulation::{
        disk::SimDisk,
        file::Fault,
        shop::{
            FileSeller, buy, disk, head_path, open, options, sale_that_begins_a_segment, segments,
        },
    },
};

/// Sells, holds, confirms, refunds and admits, through many segments.
fn box_office(disk: &SimDisk) {
    let mut seller = open(disk).unwrap();
    let mut ask = |command: Command, key: Option<&str>| {
        let request = Request { command, key: key.map(Box::from) };
        FileSeller::ask(&mut seller, &[request]).unwrap().remove(0)
    };
    for number in 0..120_u64 {
        let order = Order { quantity: number % 3 + 1, buyer: None };
        let key = format!("key {number}");
        let told = match number % 4 {
            0 => ask(Command::Hold { order, seconds: 900 }, Some(&key)),
            _ => ask(Command::Buy(order), Some(&key)),
        };
        match told {
            Outcome::Held(hold) if number % 8 == 0 => {
                ask(Command::Confirm { hold: hold.revision }, None);
            }
            Outcome::Sold(sale) if number % 4 == 1 => {
                let sale = SoldBefore { revision: sale.revision, quantity: sale.quantity };
                let end =
                    if number % 8 == 1 { Command::Refund(sale) } else { Command::Admit(sale) };
                ask(end, None);
            }
            _ => {}
        }
    }
}

fn opened(disk: &SimDisk) -> Inventory {
    let disk = disk.another_process();
    FileEngine::open(&disk, &head_path(), options(disk.process())).unwrap().1
}

#[track_caller]
fn assert_same(found: &Inventory, expected: &Inventory) {
    assert_eq!(found.stock(), expected.stock());
    assert!(found.holds().eq(expected.holds()));
    assert!(found.names().eq(expected.names()));
    for revision in 0..=expected.stock().revision {
        assert_eq!(found.status(revision), expected.status(revision), "{revision}");
    }
}

fn snapshots_on(disk: &SimDisk) -> Vec<PathBuf> {
    let layout = Layout::around(&head_path());
    let starts = snapshots::starts(disk, &layout).unwrap();
    starts.into_iter().map(|start| layout.snapshot(start)).collect()
}

#[test]
fn a_start_is_the_same_from_a_snapshot_from_an_older_one_and_from_none() {
    let disk = disk(1);
    box_office(&disk);
    let paths = snapshots_on(&disk);
    assert_eq!(paths.len(), 2, "the last two are kept");
    let from_the_last = opened(&disk);
    assert!(from_the_last.holds().count() > 5 && from_the_last.stock().refunded > 5);
    disk.damage(&paths[1], |bytes| bytes.truncate(bytes.len() / 2));
    assert_same(&opened(&disk), &from_the_last);
    disk.damage(&paths[0], |bytes| bytes[100] ^= 1);
    assert_same(&opened(&disk), &from_the_last);
}

/// Lives of the campaign in which an outside edit was then taken over twice: who looked back for it came to the
/// end of a segment that nobody had missed the seal of.
#[test]
fn a_power_cut_takes_no_seal_that_a_start_from_a_snapshot_would_not_miss() {
    for seed in 0..20 {
        let disk = disk(seed);
        box_office(&disk);
        disk.cut_power();
        assert_every_full_segment_is_sealed(&disk);
    }
}

/// A server was killed between making a segment and sealing the one before.
#[test]
fn a_power_cut_takes_no_seal_that_a_start_has_made_up_for() {
    let sales = sale_that_begins_a_segment();
    let mut tried = 0;
    for (call, seed) in (1..30).flat_map(|call| (0..8).map(move |seed| (call, seed))) {
        let disk = disk(seed);
        let killed = disk.another_process();
        let mut seller = open(&killed).unwrap();
        (1..sales).for_each(|_| drop(buy(&mut seller, &[1]).unwrap()));
        disk.plan(disk.calls() + call, Fault::Die);
        let _ = buy(&mut seller, &[1]);
        disk.calm();
        killed.kill();
        if segments(&disk).len() == 2 && !is_sealed(&disk, 1) {
            tried += 1;
            box_office(&disk);
            disk.cut_power();
            assert_every_full_segment_is_sealed(&disk);
        }
    }
    assert!(tried > 0, "no server was killed ahead of a seal");
}

/// The kernel counts what it could not write as written: another sync does not write it.
#[test]
fn a_sync_that_failed_ahead_of_a_snapshot_takes_no_seal_with_the_next_one() {
    let mut tried = 0;
    for call in 1.. {
        let disk = disk(call);
        disk.plan(call, Fault::FailedSync);
        let sells_on = panic::catch_unwind(AssertUnwindSafe(|| box_office(&disk))).is_ok();
        if disk.calls() < call {
            break;
        }
        if sells_on {
            tried += 1;
            disk.cut_power();
            // It makes up for what no snapshot is ahead of.
            opened(&disk);
            assert_every_full_segment_is_sealed(&disk);
        }
    }
    assert!(tried > 10, "{tried} syncs of snapshots failed");
}

/// A power cut took the seal of a segment that others go on from, or a part of it.
#[test]
fn who_carries_a_ledger_elsewhere_misses_no_seal() {
    for left in [0, 20] {
        let disk = disk(1);
        box_office(&disk);
        let last = opened(&disk).stock().revision;
        let layout = Layout::around(&head_path());
        for start in segments(&disk).into_iter().rev().skip(1) {
            disk.damage(&layout.segment(start), |bytes| {
                let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
                let seal = 1 + bytes[..end].iter().rposition(|byte| *byte == b'\n').unwrap();
                bytes[seal + left..=end].fill(0);
            });
        }
        let mut scan = FileScan::begin(&disk, &layout).unwrap().unwrap();
        let mut records = 0;
        for last in [last / 2, last, last + 10] {
            records += scan.read_on(last).unwrap().len() as u64;
        }
        assert_eq!(records, last);
    }
}

#[track_caller]
fn assert_every_full_segment_is_sealed(disk: &SimDisk) {
    let segments = segments(disk);
    let (_last, full) = segments.split_last().unwrap();
    for start in full {
        assert!(is_sealed(disk, *start), "segment {start}");
    }
}

fn is_sealed(disk: &SimDisk, start: u64) -> bool {
    let bytes = disk.get(&Layout::around(&head_path()).segment(start));
    let text = String::from_utf8_lossy(&bytes);
    let last = text.trim_end_matches(['\0', '\n']).lines().last();
    last.is_some_and(|last| last.contains("continued_at"))
}

#[test]
fn a_start_reads_the_snapshot_and_what_is_behind_it() {
    let disk = disk(1);
    box_office(&disk);
    let calls = |disk: &SimDisk| {
        let before = disk.calls();
        opened(disk);
        disk.calls() - before
    };
    let with = calls(&disk);
    for path in snapshots_on(&disk) {
        disk.damage(&path, Vec::clear);
    }
    let without = calls(&disk);
    assert!(with + 10 < without, "{with} calls with a snapshot, {without} without");
}
