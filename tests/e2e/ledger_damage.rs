//! A ledger that is not what was written: a torn end is dropped, anything else is refused.

use std::{fs, path::PathBuf};

use e2e::{Counter, Finished, Program};

use crate::{
    programs::{serve, server},
    sales::{assert_conserved, tickets_of},
};

const SALES: u64 = 5;

/// F25: what a crash left of a record that nobody was told of is dropped, and said so.
#[test]
fn torn_tail_is_dropped_and_every_acknowledged_sale_kept() {
    let whole = counter_with_sales();
    let record = line(&whole, 2 + SALES);
    for kept in [1, 9, record.len() / 2, record.len() - 1] {
        let counter = counter_with_sales();
        let end = used(&counter).len();
        change(&counter, |bytes| {
            bytes[end..end + kept].copy_from_slice(&record.as_bytes()[..kept]);
        });

        let server = serve(&counter);

        assert!(server.stderr().contains("torn tail"), "{kept}: {}", server.stderr());
        assert_eq!(tickets_of(&server.buy()), [SALES + 1], "{kept} bytes");
        assert_conserved(&counter, 100, SALES + 1);
    }
}

/// F25, F27: a flipped bit in any acknowledged line, with sound ones behind it or not.
#[test]
fn damaged_line_is_refused_with_file_and_line_and_left_alone() {
    for number in 1..=1 + SALES {
        let counter = counter_with_sales();
        let text = used(&counter);
        let lines_before = text.lines().take(to_usize(number) - 1);
        let place = lines_before.map(|line| line.len() + 1).sum::<usize>() + 20;
        change(&counter, |bytes| bytes[place] ^= 1);
        let before = fs::read(segment(&counter)).expect("a segment");

        let refusal = start_on(&counter);

        assert_eq!(refusal.code, Some(65), "line {number}: {refusal:?}");
        // Behind the last line there is nothing to tell damage from a torn tail, but the head.
        let place = format!(".segment:{number}: ");
        let told = if number <= SALES { place.as_str() } else { "db.txt: revision `5`" };
        assert!(refusal.stderr.contains(told), "line {number}: {}", refusal.stderr);
        assert_eq!(fs::read(segment(&counter)).expect("a segment"), before);
    }
}

/// F25: a segment that ends too early has lost what was acknowledged.
#[test]
fn shortened_ledger_is_refused() {
    let counter = counter_with_sales();
    let length = used(&counter).len() - 150;
    change(&counter, |bytes| bytes.truncate(length));

    let refusal = start_on(&counter);

    assert_eq!(refusal.code, Some(65), "{refusal:?}");
    assert!(refusal.stderr.contains("hint:"), "{}", refusal.stderr);
}

/// F27: a line that was taken out is missed by the one behind it.
#[test]
fn ledger_without_one_of_its_lines_is_refused() {
    let counter = counter_with_sales();
    let cut = line(&counter, 3) + "\n";
    let shorter = used(&counter).replace(&cut, "");
    change(&counter, |bytes| {
        bytes.fill(0);
        bytes[..shorter.len()].copy_from_slice(shorter.as_bytes());
    });

    let refusal = start_on(&counter);

    assert_eq!(refusal.code, Some(65), "{refusal:?}");
    assert!(refusal.stderr.contains(".segment:3: "), "{}", refusal.stderr);
}

/// F30: a backup of the ledger does not know what was sold since.
#[test]
fn older_copy_of_the_ledger_is_refused() {
    let counter = counter_with_sales();
    let backup = fs::read(segment(&counter)).expect("a segment");
    let server = serve(&counter);
    server.buy();
    server.terminate();
    fs::write(segment(&counter), backup).expect("the test's own file");

    let refusal = start_on(&counter);

    assert_eq!(refusal.code, Some(65), "{refusal:?}");
    assert!(refusal.stderr.contains("revision `6`"), "{}", refusal.stderr);
    assert!(refusal.stderr.contains("hint:"), "{}", refusal.stderr);
}

/// F26, F30: the ledger of another counter does not fit the head.
#[test]
fn ledger_of_another_counter_is_refused() {
    let counter = counter_with_sales();
    let other = Counter::with(100);
    serve(&other).terminate();
    fs::copy(segment(&other), segment(&counter)).expect("the test's own files");

    assert_eq!(start_on(&counter).code, Some(65));
}

/// F32: what a newer program wrote is not guessed at.
#[test]
fn ledger_of_a_newer_version_is_refused() {
    let counter = counter_with_sales();
    let newer = line(&counter, 1)[9..].replace("{\"ledger\":2,", "{\"ledger\":9,");
    let newer = format!("{:08x} {newer}", crc32c(newer.as_bytes()));
    change(&counter, |bytes| bytes[..newer.len()].copy_from_slice(newer.as_bytes()));

    let refusal = start_on(&counter);

    assert_eq!(refusal.code, Some(65), "{refusal:?}");
    assert!(refusal.stderr.contains("version `9`"), "{}", refusal.stderr);
}

fn counter_with_sales() -> Counter {
    let counter = Counter::with(100);
    let server = serve(&counter);
    for _ in 0..SALES {
        server.buy();
    }
    server.terminate();
    counter
}

fn start_on(counter: &Counter) -> Finished {
    let program: Program = server().args(["--listen", "127.0.0.1:0", "--db"]);
    let refusal = program.arg(counter.path()).run();
    assert!(!refusal.stderr.contains("panicked"), "{refusal:?}");
    refusal
}

fn segment(counter: &Counter) -> PathBuf {
    counter.ledger().join(format!("{:020}.segment", 1))
}

fn change(counter: &Counter, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(segment(counter)).expect("a segment");
    change(&mut bytes);
    fs::write(segment(counter), bytes).expect("the test's own file");
}

/// The segment up to the zeros at its end.
fn used(counter: &Counter) -> String {
    let text = fs::read_to_string(segment(counter)).expect("a segment is text");
    text.trim_end_matches('\0').to_owned()
}

/// A line of the segment; the header has the number 1, and behind the end is the last one again.
fn line(counter: &Counter, number: u64) -> String {
    let text = used(counter);
    let line = text.lines().nth(to_usize(number) - 1).or_else(|| text.lines().last());
    line.expect("a segment has lines").to_owned()
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).expect("a small number")
}

/// CRC-32C, bit by bit (RFC 3720, appendix B.4).
fn crc32c(bytes: &[u8]) -> u32 {
    let fold = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 }
        })
    };
    !bytes.iter().fold(!0, fold)
}
