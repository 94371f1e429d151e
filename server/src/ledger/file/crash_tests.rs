//! The ledger on a disk that crashes: what was acknowledged is still there.

use std::{panic, path::PathBuf};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    domain::{Change, Command, Order, Outcome, Sale, Stock},
    ledger::{
        Ledger, LedgerError, RECORD_BYTES_PLAIN,
        file::{
            engine::{FileLedger, Options},
            head::Head,
            simulated_disk::{Fault, SimDisk},
            spare::Sizes,
        },
    },
};

const TICKETS: u64 = 1000;

fn head_path() -> PathBuf {
    PathBuf::from("/shop/db.txt")
}

fn open(disk: &SimDisk) -> Result<FileLedger<SimDisk>, LedgerError> {
    open_with(disk, true)
}

fn open_with(disk: &SimDisk, synced: bool) -> Result<FileLedger<SimDisk>, LedgerError> {
    let options = Options {
        synced,
        process: disk.process(),
        sizes: Sizes { first: 8 << 10, max: 16 << 10 },
        now_ms: || 7,
        random: || Ok([7; 32]),
        in_background: |job| {
            job();
            Ok(())
        },
    };
    FileLedger::open(disk, &head_path(), options, || {})
}

/// A disk with a counter of [`TICKETS`].
fn disk(seed: u64) -> SimDisk {
    let disk = SimDisk::new(seed);
    disk.put(&head_path(), format!("{{\"count\": {TICKETS}}}\n").as_bytes());
    disk
}

/// Buys in one turn, as often as `quantities` has entries.
fn buy(ledger: &mut FileLedger<SimDisk>, quantities: &[u64]) -> Result<Vec<Outcome>, LedgerError> {
    let mut outcomes = Vec::new();
    ledger.turn(&mut |draft| {
        let order =
            |quantity: &u64| Command::Buy(Order { quantity: *quantity, buyer: None }).into();
        let fitting = quantities.iter().take(draft.room_bytes() / RECORD_BYTES_PLAIN);
        outcomes = fitting.map(|quantity| draft.apply(&order(quantity))).collect();
    })?;
    Ok(outcomes)
}

fn sales(outcomes: Vec<Outcome>) -> impl Iterator<Item = Sale> {
    outcomes.into_iter().filter_map(|outcome| match outcome {
        Outcome::Sold(sale) => Some(sale),
        _ => None,
    })
}

fn count_in_file(disk: &SimDisk) -> Head {
    Head::parse(&disk.get(&head_path())).unwrap()
}

/// Sells until an accident, recovers, and says what was acknowledged.
fn sell_until_the_accident(disk: &SimDisk, seed: u64, synced: bool) -> Vec<Sale> {
    let mut dice = StdRng::seed_from_u64(seed ^ 0x5eed);
    let accident = dice.random_range(1..600);
    let fault = [Fault::Die, Fault::Die, Fault::FailedSync, Fault::NoSpace];
    disk.plan(accident, fault[dice.random_range(0..fault.len())]);
    let mut acknowledged = Vec::new();
    let Ok(mut ledger) = open_with(disk, synced) else { return acknowledged };
    for _ in 0..30 {
        let quantities: Vec<u64> =
            (0..dice.random_range(1..9)).map(|_| dice.random_range(1..4)).collect();
        match buy(&mut ledger, &quantities) {
            Ok(outcomes) => acknowledged.extend(sales(outcomes)),
            Err(error) if error.may_have_written() => break,
            Err(_) => {}
        }
    }
    acknowledged
}

/// Opens the ledger after an accident; more accidents may happen on the way.
fn recover(disk: &SimDisk, seed: u64) -> (SimDisk, FileLedger<SimDisk>) {
    let mut dice = StdRng::seed_from_u64(seed ^ 0xacc1);
    let power_cut = dice.random_bool(0.5);
    let mut disk = disk.clone();
    for attempt in 0.. {
        if power_cut {
            disk.cut_power();
        } else {
            disk.kill_all();
        }
        disk = disk.another_process();
        if attempt < 3 && dice.random_bool(0.5) {
            let call = disk.calls() + dice.random_range(1..40);
            disk.plan(call, Fault::Die);
        }
        match open(&disk) {
            Ok(_) if !disk.is_alive() => {}
            Ok(ledger) => {
                disk.calm();
                return (disk, ledger);
            }
            Err(error) => assert!(attempt < 3, "seed {seed}: {error}"),
        }
    }
    unreachable!("the loop ends by itself")
}

/// One life of a counter: sell, crash, recover, and check what is left.
fn check_a_life(seed: u64, synced: bool) {
    let disk = disk(seed);
    let acknowledged = sell_until_the_accident(&disk, seed, synced);
    let (disk, mut ledger) = recover(&disk, seed);
    let stock = ledger.stock();
    assert_eq!(stock.remaining + stock.sold, TICKETS, "Conservation: seed {seed}");
    for sale in &acknowledged {
        let found = ledger.lookup().record(sale.revision).unwrap();
        let change = found.as_ref().map(|record| (&record.change, record.remaining));
        let quantity = sale.quantity;
        let expected = Change::Sold { first_ticket: sale.first_ticket, quantity, buyer: None };
        assert_eq!(change, Some((&expected, sale.remaining)), "AckAfterSync: seed {seed}");
    }
    let head = count_in_file(&disk);
    let said = (head.count, head.sold, head.revision);
    let is = (stock.remaining, Some(stock.sold), Some(stock.revision));
    assert_eq!(said, is, "the head says what the ledger says: seed {seed}");
    let next = sales(buy(&mut ledger, &[1]).unwrap()).next().unwrap();
    assert_eq!(next.first_ticket, stock.sold + 1, "AnswerOnce: seed {seed}");
}

/// A number from the environment, to repeat a run or to make it longer.
fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn whatever_was_acknowledged_survives_any_accident() {
    let first = setting("CRASH_SEED", 0);
    for seed in first..first + setting("CRASH_LIVES", 2_000) {
        check_a_life(seed, true);
    }
}

#[test]
fn without_the_sync_acknowledged_sales_are_lost() {
    let lost = (0..200).any(|seed| panic::catch_unwind(|| check_a_life(seed, false)).is_err());
    assert!(lost, "the check above would not notice a missing sync");
}

#[test]
fn two_servers_sell_from_one_counter() {
    let disk = disk(1);
    let mut one = open(&disk).unwrap();
    let mut other = open(&disk.another_process()).unwrap();
    let mut tickets = Vec::new();
    for turn in 0..20 {
        let ledger = if turn % 3 == 0 { &mut one } else { &mut other };
        tickets.extend(sales(buy(ledger, &[1, 2]).unwrap()).map(|sale| sale.first_ticket));
    }
    let expected: Vec<u64> = (0..20).flat_map(|turn| [turn * 3 + 1, turn * 3 + 2]).collect();
    assert_eq!(tickets, expected);
    assert_eq!(count_in_file(&disk).count, TICKETS - 60);
}

#[test]
fn an_outsiders_count_is_taken_over_and_explained() {
    let disk = disk(1);
    let mut ledger = open(&disk).unwrap();
    buy(&mut ledger, &[5]).unwrap();
    // The lesson's Python drops the keys that it does not know.
    disk.put(&head_path(), b"{\"count\": 994}");
    let sale = sales(buy(&mut ledger, &[1]).unwrap()).next().unwrap();
    assert_eq!((sale.first_ticket, sale.remaining, sale.revision), (6, 993, 3));
    let adjusted = ledger.lookup().record(2).unwrap().unwrap();
    assert_eq!((adjusted.change, adjusted.remaining), (Change::Adjusted { sold: 5 }, 994));
}

#[test]
fn a_replaced_file_is_found_and_its_change_carried_over() {
    let disk = disk(1);
    let mut ledger = open(&disk).unwrap();
    buy(&mut ledger, &[5]).unwrap();
    let copy = disk.get(&head_path());
    buy(&mut ledger, &[5]).unwrap();
    // An editor that read the file before the second sale saves it after.
    let edited = String::from_utf8(copy).unwrap().replace("995", "1095");
    disk.replace(&head_path(), edited.as_bytes());
    let sale = sales(buy(&mut ledger, &[1]).unwrap()).next().unwrap();
    assert_eq!((sale.first_ticket, sale.remaining), (11, 1089));
    assert_eq!(count_in_file(&disk).count, 1089);
}

#[test]
fn an_edit_after_a_crash_is_read_so_that_fewer_are_sold() {
    let disk = disk(3);
    let mut ledger = open(&disk).unwrap();
    buy(&mut ledger, &[5]).unwrap();
    let before = disk.get(&head_path());
    buy(&mut ledger, &[7]).unwrap();
    disk.cut_power();
    // Some older head was left, and somebody then wrote 994 without a revision:
    // one sold by hand after the first sale, or six before it. Six sells fewer.
    let edited = Head { count: 994, sold: None, revision: None, ..Head::parse(&before).unwrap() };
    disk.put(&head_path(), &edited.image(64).unwrap());
    let ledger = open(&disk.another_process()).unwrap();
    assert_eq!(ledger.stock(), Stock { remaining: 982, sold: 12, revision: 3 });
}

#[test]
fn a_head_without_its_ledger_is_refused_and_left_alone() {
    let disk = disk(1);
    let text = b"{\"count\": 3, \"sold\": 4, \"revision\": 4}\n";
    disk.put(&head_path(), text);
    let refused = open(&disk).err().unwrap();
    assert!(matches!(refused, LedgerError::HeadAhead { head: 4, ledger: 0, .. }), "{refused}");
    assert_eq!(disk.get(&head_path()), text);
}

#[test]
fn an_emptied_head_is_refused_where_there_is_a_ledger() {
    for text in [&b""[..], &[0; 64]] {
        let disk = disk(1);
        buy(&mut open(&disk).unwrap(), &[3]).unwrap();
        disk.put(&head_path(), text);
        assert!(matches!(open(&disk).err(), Some(LedgerError::Head(_))));
        assert_eq!(disk.get(&head_path()), text);
    }
}

#[test]
fn a_sale_that_another_did_not_live_to_publish_is_published() {
    let disk = disk(1);
    let mut one = open(&disk).unwrap();
    let mut other = open(&disk.another_process()).unwrap();
    buy(&mut one, &[TICKETS - 1]).unwrap();
    let before = disk.get(&head_path());
    buy(&mut one, &[1]).unwrap();
    // As if the first had been killed between its sync and its head.
    disk.put(&head_path(), &before);
    assert_eq!(sales(buy(&mut other, &[1]).unwrap()).count(), 0);
    assert_eq!(count_in_file(&disk).count, 0);
}
