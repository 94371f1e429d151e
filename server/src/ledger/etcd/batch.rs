//! The records of one transaction.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    domain::{Record, Stock},
    ledger::{Batch, format::record_line::encode_record},
};

/// The most bytes of records in one batch: a member takes 1.5 MiB at once, and no batch of ours comes near it.
const LINES_BYTES_MAX: usize = 1_000_000;

/// How much room for lines is made at first, in bytes.
const LINES_BYTES: usize = 16 << 10;

/// A place in the ledger: behind a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The stock there.
    pub stock: Stock,
    /// When that was, in milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// The checksum of the record's line.
    pub chain: u32,
}

/// Records that go behind a place.
#[derive(Debug)]
pub struct EtcdBatch {
    /// Behind what the first goes.
    pub(super) start: Place,
    /// The place behind the last.
    pub(super) end: Place,
    /// Their lines.
    pub(super) lines: Vec<u8>,
    /// Which batch of this process it is.
    pub(super) number: u64,
    numbers: Arc<AtomicU64>,
}

impl EtcdBatch {
    /// An empty batch behind `place`; its number is the next of `numbers`.
    pub(super) fn at(place: Place, numbers: &Arc<AtomicU64>) -> Self {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let (lines, numbers) = (Vec::with_capacity(LINES_BYTES), Arc::clone(numbers));
        Self { start: place, end: place, lines, number, numbers }
    }

    /// The revision of the first record.
    pub(super) fn first(&self) -> u64 {
        self.start.stock.revision + 1
    }

    /// How many records it has.
    pub(super) fn records(&self) -> u64 {
        self.end.stock.revision - self.start.stock.revision
    }
}

impl Batch for EtcdBatch {
    fn push(&mut self, record: &Record) -> bool {
        let before = self.lines.len();
        let Ok(stock) = self.end.stock.after(record) else { return false };
        let encoded = encode_record(record, self.first(), self.end.chain, &mut self.lines);
        let Some(chain) = encoded.ok().filter(|_| self.lines.len() <= LINES_BYTES_MAX) else {
            self.lines.truncate(before);
            return false;
        };
        self.end = Place { stock, at_ms: record.at_ms, chain };
        true
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    fn take(&mut self) -> Self {
        let next = Self::at(self.end, &self.numbers);
        std::mem::replace(self, next)
    }
}
