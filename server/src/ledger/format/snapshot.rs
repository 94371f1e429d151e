//! What a ledger has come to at one revision, so that a start need not read what is before it.
//!
//! A line that says where it belongs and how much follows, in the form of the ledger's own lines;
//! then the open holds, a line of JSON each; the sales that were refunded or admitted; the requests
//! that are known again, the oldest first; and the checksum (CRC-32C) of all of it. Numbers are
//! little-endian.
//!
//! Pure: a reader in, a writer out.

use std::{
    io::{self, BufRead, Read, Write},
    iter,
};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{Inventory, OpenHold, SaleStatus, SeenName},
    ledger::format::{
        base::Base,
        record_line::{decode, encode},
    },
};

/// The version of snapshots; one of another version is as good as none.
const VERSION: u32 = 1;

/// The longest line, in bytes: far beyond a hold with the longest name.
const LINE_BYTES_MAX: u64 = 8192;

/// How many names are read at once.
const NAMES_AT_ONCE: u64 = 1 << 12;

/// How long a name is, in bytes.
const NAME_BYTES: usize = 28;

/// What the first line says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Front {
    snapshot: u32,
    /// What the records behind it go on from.
    at: Base,
    holds: u64,
    sales: u64,
    names: u64,
    /// The lives of the ledger, with the revisions that they began with.
    epochs: Vec<(u64, u64)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HoldLine {
    revision: u64,
    quantity: u64,
    expires_at_ms: u64,
    buyer: Option<Box<str>>,
}

/// What became of a sale, as a number.
const REFUNDED: u8 = 1;
const ADMITTED: u8 = 2;

/// Writes `inventory`, from which the records behind `at` go on.
///
/// # Errors
/// What `out` says.
pub fn write(inventory: &Inventory, at: &Base, out: &mut impl Write) -> io::Result<()> {
    let mut out = Summed { inner: out, sum: 0 };
    let memory = inventory.memory();
    let front = Front {
        snapshot: VERSION,
        at: at.clone(),
        holds: memory.holds as u64,
        sales: memory.sales as u64,
        names: memory.names as u64,
        epochs: inventory.epochs().to_vec(),
    };
    let mut line = Vec::new();
    encode(&front, 0, &mut line).map_err(io::Error::other)?;
    out.write_all(&line)?;
    for (revision, OpenHold { quantity, expires_at_ms, buyer }) in inventory.holds() {
        let (quantity, expires_at_ms, buyer) = (*quantity, *expires_at_ms, buyer.clone());
        serde_json::to_writer(&mut out, &HoldLine { revision, quantity, expires_at_ms, buyer })?;
        out.write_all(b"\n")?;
    }
    for (sale, status) in inventory.sales() {
        let (kind, revision, at_ms) = match status {
            SaleStatus::Sold => continue,
            SaleStatus::Refunded { revision } => (REFUNDED, revision, 0),
            SaleStatus::Admitted { revision, at_ms } => (ADMITTED, revision, at_ms),
        };
        out.write_all(&[kind])?;
        for number in [sale, revision, at_ms] {
            out.write_all(&number.to_le_bytes())?;
        }
    }
    for SeenName { hash, revision, minute } in inventory.names() {
        for number in [hash.0, hash.1, revision] {
            out.write_all(&number.to_le_bytes())?;
        }
        out.write_all(&minute.to_le_bytes())?;
    }
    let sum = out.sum;
    out.inner.write_all(&sum.to_le_bytes())
}

/// Reads what [`write()`] wrote, where it is of `at`; its requests are known
/// again up to `names_max`.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] where it is anything else, or torn; else what `from` says.
pub fn read(from: impl BufRead, at: &Base, names_max: usize) -> io::Result<Inventory> {
    let mut from = Summed { inner: from, sum: 0 };
    let line = from.line()?;
    let (front, _) = decode::<Front>(&line, 0).map_err(|fault| invalid(&fault.to_string()))?;
    if front.snapshot != VERSION || front.at != *at {
        return Err(invalid("of another version, or of another place"));
    }
    let mut inventory = at.inventory(names_max);
    for _ in 0..front.holds {
        let line = from.line()?;
        let HoldLine { revision, quantity, expires_at_ms, buyer } = serde_json::from_slice(&line)?;
        inventory.restore_hold(revision, OpenHold { quantity, expires_at_ms, buyer });
    }
    for _ in 0..front.sales {
        let [kind] = from.array()?;
        let [sale, revision, at_ms] = [from.number()?, from.number()?, from.number()?];
        let status = match kind {
            REFUNDED => SaleStatus::Refunded { revision },
            ADMITTED => SaleStatus::Admitted { revision, at_ms },
            _ => return Err(invalid("no such end of a sale")),
        };
        inventory.restore_sale(sale, status);
    }
    let mut left = front.names;
    inventory.restore_names(iter::from_fn(|| {
        let count = left.min(NAMES_AT_ONCE);
        left -= count;
        (count > 0).then(|| from.names(count))
    }))?;
    for (revision, epoch) in front.epochs {
        inventory.restore_epoch(revision, epoch);
    }
    let sum = from.sum;
    if from.array()? != sum.to_le_bytes() {
        return Err(invalid("the checksum does not fit"));
    }
    Ok(inventory)
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// A reader or a writer, and the checksum of all that went through it.
struct Summed<I> {
    inner: I,
    sum: u32,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.inner.write(bytes)?;
        self.sum = crc32c::crc32c_append(self.sum, &bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: BufRead> Summed<R> {
    /// The next line, without its newline.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        (&mut self.inner).take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        self.sum = crc32c::crc32c_append(self.sum, &line);
        match line.pop() {
            Some(b'\n') => Ok(line),
            _ => Err(invalid("a line without an end")),
        }
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes)?;
        self.sum = crc32c::crc32c_append(self.sum, &bytes);
        Ok(bytes)
    }

    fn number(&mut self) -> io::Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// The next `count` names, [`NAMES_AT_ONCE`] at most.
    fn names(&mut self, count: u64) -> io::Result<Vec<SeenName>> {
        let mut bytes = vec![0; NAME_BYTES * usize::try_from(count).unwrap_or(usize::MAX)];
        self.inner.read_exact(&mut bytes)?;
        self.sum = crc32c::crc32c_append(self.sum, &bytes);
        let name = |name: &[u8; NAME_BYTES]| {
            let number = |at: usize| {
                let bytes = name[at..].first_chunk().expect("a name has 28 bytes");
                u64::from_le_bytes(*bytes)
            };
            let minute = name.last_chunk().expect("a name has 28 bytes");
            let (hash, minute) = ((number(0), number(8)), u32::from_le_bytes(*minute));
            SeenName { hash, revision: number(16), minute }
        };
        Ok(bytes.as_chunks().0.iter().map(name).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Change, Record, Stock};

    /// An inventory with something of everything, and the header that goes on from it.
    fn kept() -> (Inventory, Base) {
        let start = Base::of([3; 32], 0, Stock::new(100, 0, 0), 5);
        let mut inventory = start.inventory(usize::MAX);
        let sold = |first_ticket, quantity, hold| Change::Sold {
            first_ticket,
            quantity,
            buyer: None,
            hold,
        };
        let held = |quantity| Change::Held {
            quantity,
            expires_at_ms: 90_000,
            buyer: Some("Zo\u{eb}\n".into()),
        };
        let changes = [
            (98, sold(1, 2, None), Some("a")),
            (95, held(3), Some("b")),
            (91, held(4), None),
            (91, sold(3, 3, Some(2)), None),
            (93, Change::Refunded { sale: 1, quantity: 2 }, None),
            (93, Change::Admitted { sale: 4, quantity: 3 }, None),
            (93, Change::SaleSet { is_open: false }, None),
            (90, Change::Restored { epoch: 77, sold: 8 }, None),
        ];
        for (revision, (remaining, change, key)) in (1..).zip(changes) {
            let key = key.map(Box::from);
            let record = Record { revision, at_ms: 60_000 * revision, remaining, change, key };
            inventory.fold(&record).unwrap();
        }
        let at = Base::of([3; 32], 9, inventory.stock(), inventory.at_ms());
        (inventory, at)
    }

    fn written() -> (Vec<u8>, Base) {
        let (inventory, at) = kept();
        let mut bytes = Vec::new();
        write(&inventory, &at, &mut bytes).unwrap();
        (bytes, at)
    }

    #[test]
    fn what_was_kept_is_read_as_it_was() {
        let (bytes, at) = written();
        let (inventory, _) = kept();
        let read = read(&bytes[..], &at, usize::MAX).unwrap();
        assert_eq!((read.stock(), read.at_ms()), (inventory.stock(), inventory.at_ms()));
        assert_eq!(read.epochs(), inventory.epochs());
        assert!(read.holds().eq(inventory.holds()));
        assert!(read.names().eq(inventory.names()));
        for sale in 1..9 {
            assert_eq!(read.status(sale), inventory.status(sale), "{sale}");
        }
    }

    #[test]
    fn a_torn_or_flipped_one_is_none() {
        let (bytes, at) = written();
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end], &at, 9).is_err(), "cut off at {end}");
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&flipped[..], &at, 9).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn one_of_another_place_is_none() {
        let (bytes, at) = written();
        let other = Base { after: 10, ..at };
        assert!(read(&bytes[..], &other, 9).is_err());
    }
}
