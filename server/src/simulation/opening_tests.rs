//! A start beside a server that sells: it reads while that sells, and keeps it out for what has come meanwhile.

use std::path::PathBuf;

use crate::{
    domain::{Command, Order, Request},
    ledger::file::{
        engine::Opening,
        layout::Layout,
        log::{
            preallocation::Sizes,
            segment::{Reading, Segment},
            snapshots,
        },
        options::Options,
    },
    simulation::{
        disk::SimDisk,
        file::Fault,
        seller::Seller,
        shop::{
            FileSeller, TICKETS, buy, disk, head_path, open, open_with, options, sales, segments,
        },
    },
};

/// A start that has read what it reads without a lock.
fn read(disk: &SimDisk) -> Opening<SimDisk> {
    let disk = disk.another_process();
    Opening::read(&disk, &head_path(), options(disk.process())).unwrap()
}

/// Goes on with it.
fn recover(opening: Opening<SimDisk>) -> FileSeller<SimDisk> {
    let (engine, inventory) = opening.recover(|| {}).unwrap();
    Seller::new(engine, inventory, || 7)
}

#[test]
fn neither_a_snapshot_nor_a_segment_is_read_while_others_are_kept_out() {
    let disk = disk(1);
    let sizes = Sizes { first: 256 << 10, max: 1 << 20 };
    let mut seller = open_with(&disk, Options { sizes, ..options(1) }).unwrap();
    let order = |key: u64| {
        let command = Command::Buy(Order { quantity: TICKETS, buyer: None });
        Request { command, key: Some(format!("key {key}").into()) }
    };
    // All but the first are told that there are too few, and are remembered.
    for turn in 0..20 {
        let requests: Vec<_> = (turn * 1000..(turn + 1) * 1000).map(order).collect();
        seller.ask(&requests).unwrap();
    }
    let layout = Layout::around(&head_path());
    let size = |path: PathBuf| disk.get(&path).len();
    let snapshot =
        size(layout.snapshot(*snapshots::starts(&disk, &layout).unwrap().last().unwrap()));
    let segment = size(layout.segment(*segments(&disk).last().unwrap()));
    assert!(snapshot > 100 << 10 && segment == 1 << 20, "{snapshot}, {segment}");

    let before = disk.read_under_lock();
    drop(recover(read(&disk)));
    let read = disk.read_under_lock() - before;

    assert!(read < 320 << 10, "{read} bytes, of {snapshot} and {segment}");
}

#[test]
fn what_is_sold_while_a_start_reads_is_known_to_it() {
    for meanwhile in 0..60 {
        let disk = disk(1);
        let mut seller = open(&disk).unwrap();
        buy(&mut seller, &[1; 3]).unwrap();
        let opening = read(&disk);
        (0..meanwhile).for_each(|_| drop(buy(&mut seller, &[1]).unwrap()));
        let mut other = recover(opening);
        let tickets = [&mut other, &mut seller]
            .map(|seller| sales(buy(seller, &[1]).unwrap()).next().unwrap().first_ticket);
        assert_eq!(tickets, [meanwhile + 4, meanwhile + 5]);
    }
}

#[test]
fn a_sale_that_is_half_written_while_a_start_reads_is_no_damage_and_no_torn_tail() {
    let path = Layout::around(&head_path()).segment(1);
    let disk = disk(1);
    let mut seller = open(&disk).unwrap();
    buy(&mut seller, &[1]).unwrap();
    buy(&mut seller, &[1]).unwrap();
    let whole = disk.get(&path);
    let end = whole.iter().rposition(|byte| *byte == b'\n').unwrap();
    disk.damage(&path, |bytes| bytes[end - 40..=end].fill(0));
    let opening = read(&disk);
    disk.damage(&path, |bytes| *bytes = whole);
    assert_eq!(recover(opening).stock().revision, 2);
}

#[test]
fn what_a_killed_server_tears_is_dropped_whether_that_is_ahead_of_the_reading_or_behind_it() {
    let path = Layout::around(&head_path()).segment(1);
    for is_ahead in [true, false] {
        let disk = disk(1);
        let mut seller = open(&disk).unwrap();
        buy(&mut seller, &[1]).unwrap();
        let sound = disk.get(&path);
        let tear = || {
            let end = 1 + sound.iter().rposition(|byte| *byte == b'\n').unwrap();
            disk.damage(&path, |bytes| bytes[end..end + 9].copy_from_slice(b"0badcafe "));
        };
        if is_ahead {
            tear();
        }
        let opening = read(&disk);
        if !is_ahead {
            tear();
        }
        assert_eq!(recover(opening).stock().revision, 1);
        assert_eq!(disk.get(&path), sound, "{is_ahead}");
    }
}

#[test]
fn a_segment_that_is_another_file_once_the_locks_are_held_is_read_anew() {
    let disk = disk(1);
    let mut seller = open(&disk).unwrap();
    buy(&mut seller, &[1]).unwrap();
    let path = Layout::around(&head_path()).segment(1);
    let opening = read(&disk);
    disk.replace(&path, &disk.get(&path));
    buy(&mut recover(opening), &[1]).unwrap();
    assert_eq!(open(&disk.another_process()).unwrap().stock().revision, 2);
}

#[test]
fn a_segment_without_zeros_that_was_sealed_while_a_start_reads_is_read_to_its_seal() {
    let path = Layout::around(&head_path()).segment(1);
    let disk = disk(1);
    let mut seller = open(&disk).unwrap();
    buy(&mut seller, &[1]).unwrap();
    drop(seller);
    // As `backup` copies it.
    disk.damage(&path, |bytes| bytes.truncate(end_of(bytes)));
    let opening = read(&disk);
    let mut other = open(&disk.another_process()).unwrap();
    buy(&mut other, &[1]).unwrap();
    assert_eq!(segments(&disk).len(), 2, "it goes on in another segment");

    assert_eq!(recover(opening).stock().revision, 2);
}

/// A sync that failed lets a later one succeed: only what is written once more is on the disk.
#[test]
fn a_seal_that_stands_behind_whole_blocks_is_settled() {
    let path = Layout::around(&head_path()).segment(1);
    let disk = disk(1);
    let sizes = Sizes { first: 64 << 10, max: 64 << 10 };
    let mut seller = open_with(&disk, Options { sizes, ..options(1) }).unwrap();
    let mut buy_as = |name: usize| {
        let order = Order { quantity: 1, buyer: Some("x".repeat(name).into()) };
        seller.ask(&[Command::Buy(order).into()]).unwrap();
        end_of(&disk.get(&path))
    };
    let (before, end) = (buy_as(0), buy_as(0));
    let line = end - before;
    let end = (0..4).fold(end, |_, _| buy_as(1000));
    assert_eq!(buy_as((8 << 10) - end - line), 8 << 10, "two whole blocks");
    disk.damage(&path, |bytes| bytes.truncate(8 << 10));
    let segment = Segment::open(&disk, &path).unwrap();
    let mut position = segment.records_start();
    segment.read_on(&mut position, &mut |_| Ok(Reading::GoesOn)).unwrap();
    segment.seal(position, 8).unwrap();
    disk.plan(disk.calls() + 1, Fault::FailedSync);
    segment.sync().unwrap_err();

    segment.settle_end().unwrap();
    disk.cut_power();

    assert!(disk.get(&path)[8 << 10..].ends_with(b"\n"), "the seal is lost");
}

/// Where the last line ends.
fn end_of(bytes: &[u8]) -> usize {
    1 + bytes.iter().rposition(|byte| *byte == b'\n').unwrap()
}
