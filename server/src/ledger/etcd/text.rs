//! What the values in etcd say: lines as in every ledger, `crc32c json`; pure.
//!
//! A batch is a line of its own, which says who wrote it, and the lines of its
//! records. Each of these is chained to the record before it, through all batches,
//! so that a batch that is missing or of elsewhere does not fit. A page is batches,
//! one behind the other, compressed.

use std::io::{self, Read as _, Write as _};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    domain::{Record, Stock},
    ledger::format::{
        base::Base,
        record_line::{LineFault, RecordLine, decode, encode},
    },
};

/// The version of this format; a counter of a later one is refused.
pub const VERSION: u32 = 1;

/// The longest text of a page, in bytes: no honest one comes near it.
const PAGE_BYTES_MAX: u64 = 16 << 20;

/// The value of `counter`: which counter this is, and what it began with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterLine {
    /// The version of the format.
    pub etcd: u32,
    /// What the ledger begins with.
    pub begins: Base,
}

/// Only the version: what else a later one says is not known.
#[derive(Deserialize)]
struct VersionLine {
    etcd: u32,
}

/// The value of `snapshot`: which one is to be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotLine {
    /// What the records behind it go on from.
    pub at: Base,
    /// How many parts it has.
    pub parts: u64,
}

/// The value of `folded`: up to where batches were merged into pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldedLine {
    /// The last record of the last page.
    pub last: u64,
}

/// Who wrote a batch: no two batches have the same owner, whatever became of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The process, by 128 random bits.
    pub writer: String,
    /// Which of its batches.
    pub number: u64,
}

/// The value of `head`: what stands on the counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// How many tickets are left.
    pub count: u64,
    /// The ticket numbers given out.
    pub sold: u64,
    /// The last record.
    pub revision: u64,
    /// The checksum of its line.
    pub chain: u32,
    /// Whose batch that is of; nobody's in a new counter.
    pub owner: Option<Owner>,
    /// Whether whoever wrote it lets others go first now: a hint, and nothing rests on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub yields: bool,
}

impl Head {
    /// The head at `stock`, behind a line with checksum `chain`.
    pub fn of(stock: Stock, chain: u32, owner: Option<Owner>, yields: bool) -> Self {
        let Stock { remaining: count, issued: sold, revision, .. } = stock;
        Self { count, sold, revision, chain, owner, yields }
    }
}

/// The value of `wanted`: who was late with a batch, and asks whoever leads for a gap; a hint, and nothing rests on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The process, by 128 random bits.
    pub writer: String,
    /// How long a gap it needs, to read what there is and to append, in milliseconds.
    pub needs_ms: u64,
}

/// The first line of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchLine {
    owner: Owner,
    first: u64,
    records: u64,
    /// The checksum of the record before the first.
    after: u32,
}

/// A batch as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Who wrote it.
    pub owner: Owner,
    /// Its first record's revision.
    pub first: u64,
    /// The checksum of the record before.
    pub after: u32,
    /// Its records, each with the checksum of its line; at least one.
    pub records: Vec<(Record, u32)>,
}

impl Stored {
    /// The revision of the last record.
    pub fn last(&self) -> u64 {
        self.first + self.records.len() as u64 - 1
    }
}

/// `value` as a line that stands alone.
pub fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line = Vec::new();
    encode(value, 0, &mut line).expect("numbers and names have a JSON form");
    line
}

/// The value of a line that stands alone.
///
/// # Errors
/// [`LineFault`].
pub fn read_line<T: DeserializeOwned>(text: &[u8]) -> Result<T, LineFault> {
    let line = text.strip_suffix(b"\n").ok_or(LineFault::Shape)?;
    decode(line, 0).map(|(value, _)| value)
}

/// The version that the value of `counter` is of.
///
/// # Errors
/// [`LineFault`].
pub fn version(text: &[u8]) -> Result<u32, LineFault> {
    read_line::<VersionLine>(text).map(|line| line.etcd)
}

/// The value of a batch of `records` records, whose `lines` begin behind the checksum `after`.
pub fn batch(owner: &Owner, first: u64, records: u64, after: u32, lines: &[u8]) -> Vec<u8> {
    let mut text = line(&BatchLine { owner: owner.clone(), first, records, after });
    text.extend_from_slice(lines);
    text
}

/// Reads batches that stand one behind the other.
///
/// # Errors
/// [`LineFault`] where anything is not what was written, or does not follow.
pub fn batches(text: &[u8]) -> Result<Vec<Stored>, LineFault> {
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    let mut stored: Vec<Stored> = Vec::new();
    while let Some(front) = lines.next() {
        let BatchLine { owner, first, records, after } = read_line(front)?;
        let follows = stored.last().is_none_or(|before| {
            let chain = before.records.last().map_or(before.after, |(_, chain)| *chain);
            (before.last() + 1, chain) == (first, after)
        });
        if records == 0 || !follows {
            return Err(LineFault::Shape);
        }
        let mut chain = after;
        let mut read = Vec::new();
        for revision in first..first.saturating_add(records) {
            let line = lines.next().and_then(|line| line.strip_suffix(b"\n"));
            let (line, next) = decode::<RecordLine>(line.ok_or(LineFault::Shape)?, chain)?;
            if line.record.revision != revision {
                return Err(LineFault::Shape);
            }
            chain = next;
            read.push((line.record, chain));
        }
        stored.push(Stored { owner, first, after, records: read });
    }
    Ok(stored)
}

/// A page of `text`, which is batches.
pub fn page(text: &[u8]) -> Vec<u8> {
    let mut page = DeflateEncoder::new(Vec::new(), Compression::default());
    page.write_all(text).expect("memory takes what it is given");
    page.finish().expect("memory takes what it is given")
}

/// The text of a page.
///
/// # Errors
/// What is wrong with it.
pub fn page_text(page: &[u8]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    DeflateDecoder::new(page).take(PAGE_BYTES_MAX).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::Change, ledger::format::record_line::encode_record};

    fn owner(number: u64) -> Owner {
        Owner { writer: "w".to_owned(), number }
    }

    fn record(revision: u64) -> Record {
        let change = Change::Sold { first_ticket: revision, quantity: 1, buyer: None, hold: None };
        Record { revision, at_ms: 7, remaining: 100 - revision, change, key: Some("k".into()) }
    }

    /// Batches of so many records each.
    fn text(sizes: &[u64]) -> Vec<u8> {
        let (mut text, mut first, mut chain) = (Vec::new(), 1, 5);
        for (number, size) in (1..).zip(sizes) {
            let (mut lines, after) = (Vec::new(), chain);
            for revision in first..first + size {
                chain = encode_record(&record(revision), first, chain, &mut lines).unwrap();
            }
            text.extend(batch(&owner(number), first, *size, after, &lines));
            first += size;
        }
        text
    }

    #[test]
    fn batches_are_read_as_they_were_written_alone_and_in_a_page() {
        let text = text(&[2, 1, 3]);
        let read = batches(&text).unwrap();
        let places: Vec<_> =
            read.iter().map(|batch| (batch.owner.number, batch.first, batch.last())).collect();
        assert_eq!(places, [(1, 1, 2), (2, 3, 3), (3, 4, 6)]);
        assert_eq!(read[2].records[0].0, record(4));
        assert_eq!(page_text(&page(&text)).unwrap(), text);
    }

    #[test]
    fn what_is_torn_flipped_or_taken_out_is_noticed() {
        let whole = text(&[2, 1]);
        for end in 1..whole.len() {
            let is_whole_batch = end == text(&[2]).len();
            assert_eq!(batches(&whole[..end]).is_ok(), is_whole_batch, "cut off at {end}");
        }
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(batches(&flipped).is_err(), "bit {bit}");
        }
        let three = text(&[1, 1, 1]);
        let (one, two) = (text(&[1]).len(), text(&[1, 1]).len());
        let spliced = [&three[..one], &three[two..]].concat();
        assert!(batches(&spliced).is_err());
    }

    #[test]
    fn a_later_version_is_told_whatever_else_it_says() {
        let later = line(&serde_json::json!({"etcd": 9, "shards": 3}));
        assert_eq!(version(&later), Ok(9));
    }
}
