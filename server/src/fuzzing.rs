//! What the fuzz targets check, each on any bytes: `cargo fuzz run NAME` in `server/`.
//!
//! The inputs in `fuzz/corpus/` are replayed by the tests of this module, so
//! that what a fuzzer once found stays found.

use std::path::Path;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use crate::{
    domain::{COUNT_MAX, Command, Order, Stock},
    http::message::wire::{BUYER_CHARS_MAX, parse_order},
    ledger::{
        file::{
            engine::FileEngine,
            error::TurnError,
            format::{
                head::{HEAD_BYTES_MAX, Head},
                watermark::Watermark,
            },
            layout::Layout,
            log::preallocation::Sizes,
            options::Options,
        },
        format::{
            base::Base,
            record_line::{RecordLine, decode, encode_record, with_fitting_checksums},
        },
    },
    simulation::{disk::SimDisk, seller::Seller},
};

const MEMBERS: [&str; 3] = ["count", "sold", "revision"];

/// The members of a head, each there at most once.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only whether they are there more than once is asked")]
struct OneOfEach {
    count: Option<IgnoredAny>,
    sold: Option<IgnoredAny>,
    revision: Option<IgnoredAny>,
}

/// A head says what `serde_json` reads in it, and its image parses to the same head.
pub fn head(bytes: &[u8]) {
    let parsed = Head::parse(bytes);
    if let Ok(head) = &parsed
        && let Some(image) = head.image(0)
    {
        assert_eq!(Head::parse(&image).as_ref(), Ok(head));
    }
    let Ok(Value::Object(object)) = serde_json::from_slice(bytes) else {
        return;
    };
    let number =
        |name: &str| object.get(name).map(|value| value.as_u64().filter(|n| *n <= COUNT_MAX));
    match parsed {
        Ok(head) => {
            let said = [Some(head.count), head.sold, head.revision];
            assert_eq!(MEMBERS.map(number), said.map(|number| number.map(Some)));
        }
        Err(fault) => {
            let is_head =
                number("count").is_some() && MEMBERS.iter().all(|name| number(name) != Some(None));
            // `serde_json` takes the last of several members of one name; a head has one of each.
            let is_excused = bytes.len() > HEAD_BYTES_MAX
                || fault.reason.starts_with("a second")
                || serde_json::from_slice::<OneOfEach>(bytes).is_err();
            assert!(!is_head || is_excused, "refused a head: {fault}");
        }
    }
}

/// Lines decode without a panic, and what decodes is encoded to a line that decodes to it.
pub fn record_line(bytes: &[u8]) {
    let _ = decode::<RecordLine>(bytes, 0);
    let Some((chain, text)) = bytes.split_at_checked(4) else { return };
    let chain = chain.iter().fold(0, |chain, byte| chain << 8 | u32::from(*byte));
    let checksum = crc32c::crc32c_append(chain, text);
    let line = [format!("{checksum:08x} ").as_bytes(), text].concat();
    let _ = (decode::<Base>(&line, chain), decode::<Watermark>(&line, chain));
    let Ok((record, found)) = decode::<RecordLine>(&line, chain) else { return };
    assert_eq!(found, checksum);
    let RecordLine { record, turn } = record;
    let mut again = Vec::new();
    let Ok(checksum) = encode_record(&record, turn, chain, &mut again) else {
        return;
    };
    assert_eq!(again.pop(), Some(b'\n'));
    let (line, found) = decode::<RecordLine>(&again, chain).unwrap_or_else(|fault| {
        panic!("what was encoded is refused: {fault}");
    });
    assert_eq!((line.record, found), (record, checksum));
}

/// A segment of any bytes is refused and left alone, or the ledger sells on from a sound prefix.
///
/// The first byte says how much help the bytes get: with its lowest bit the
/// lines get the checksums that fit, with the next one `db.txt` has a revision.
pub fn recovery(bytes: &[u8]) {
    let Some((how, bytes)) = bytes.split_first() else { return };
    let bytes = if how & 1 == 1 { with_fitting_checksums(bytes) } else { bytes.to_vec() };
    let path = Path::new("/shop/db.txt");
    let segment = Layout::around(path).segment(1);
    let revision = if how & 2 == 2 { ", \"revision\": 0" } else { "" };
    let head = format!("{{\"count\": 9{revision}}}\n");
    let disk = SimDisk::new(0);
    disk.put(path, head.as_bytes());
    disk.put(&segment, &bytes);
    let Ok(mut seller) = open(&disk, path) else {
        assert_eq!(disk.get(path), head.as_bytes());
        assert_eq!(disk.get(&segment), bytes);
        return;
    };
    let stock = sound_prefix(&bytes);
    let is = seller.stock();
    let adjusted = is.revision.saturating_sub(stock.revision);
    assert!(is.revision >= stock.revision && adjusted <= 1, "{is:?} from {stock:?}");
    assert!(adjusted == 1 || is == stock, "{is:?} from {stock:?}");
    let order = Command::Buy(Order { quantity: 1, buyer: None });
    if seller.ask(&[order.into()]).is_ok() {
        let stock = seller.stock();
        disk.kill_all();
        assert_eq!(
            open(&disk.another_process(), path).map(|seller| seller.stock()).ok(),
            Some(stock)
        );
    }
}

fn open(disk: &SimDisk, path: &Path) -> Result<Seller<FileEngine<SimDisk>>, TurnError> {
    let (engine, inventory) = FileEngine::open(disk, path, options())?;
    Ok(Seller::new(engine, inventory, options().now_ms))
}

fn options() -> Options {
    Options {
        names_max: usize::MAX,
        synced: true,
        process: 1,
        sizes: Sizes { first: 4 << 10, max: 8 << 10 },
        now_ms: || 7,
        random: || Ok([7; 32]),
        in_background: |job| {
            job();
            Ok(())
        },
        pause: |_| {},
    }
}

/// The stock after the lines at the start of a segment that follow from each other.
fn sound_prefix(bytes: &[u8]) -> Stock {
    let mut lines =
        bytes.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"));
    let Some(Ok((header, mut chain))) = lines.next().map(|line| decode::<Base>(line, 0)) else {
        return Stock::default();
    };
    let mut inventory = header.inventory(usize::MAX);
    for line in lines {
        let Ok((line, next)) = decode::<RecordLine>(line, chain) else { break };
        if inventory.fold(&line.record).is_err() {
            break;
        }
        chain = next;
    }
    inventory.stock()
}

/// An order that is taken is one that the contract allows, and says what `serde_json` reads.
pub fn buy_body(bytes: &[u8]) {
    let Ok(order) = parse_order(bytes, 10) else { return };
    assert!((1..=10).contains(&order.quantity));
    if let Some(buyer) = &order.buyer {
        assert!((1..=BUYER_CHARS_MAX).contains(&buyer.chars().count()));
        assert!(!buyer.chars().any(char::is_control));
    }
    if bytes.is_empty() {
        return;
    }
    let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let quantity = value.get("quantity").map_or(Some(1), Value::as_u64);
    assert_eq!(quantity, Some(order.quantity));
    assert_eq!(value.get("buyer").and_then(Value::as_str), order.buyer.as_deref());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn replay(target: &str, check: fn(&[u8])) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let mut inputs = 0;
        for entry in std::fs::read_dir(corpus).unwrap() {
            check(&std::fs::read(entry.unwrap().path()).unwrap());
            inputs += 1;
        }
        assert!(inputs >= 10, "{inputs} inputs");
    }

    #[test]
    fn no_head_of_the_corpus_is_misread() {
        replay("head", head);
    }

    #[test]
    fn no_line_of_the_corpus_is_misread() {
        replay("record_line", record_line);
    }

    #[test]
    fn no_segment_of_the_corpus_makes_up_a_sale() {
        replay("recovery", recovery);
    }

    #[test]
    fn no_order_of_the_corpus_is_misread() {
        replay("buy_body", buy_body);
    }
}
