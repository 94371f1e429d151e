//! Records on their way into the table.

use crate::{
    domain::{Change, Record, Stock},
    ledger::{Batch, format::record_line::encode_record},
};

/// How many records one statement takes, at most: it must end well within its time.
const RECORDS_MAX: usize = 4096;

/// Where a ledger ends, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) stock: Stock,
    /// Of the last line.
    pub(super) checksum: u32,
    /// When the last record was made.
    pub(super) at_ms: u64,
}

/// Records that were made to go right behind one place.
#[derive(Clone, Debug)]
pub struct PostgresBatch {
    pub(super) start: Place,
    pub(super) end: Place,
    /// `crc32c json`, one a record.
    pub(super) lines: Vec<String>,
}

impl PostgresBatch {
    pub(super) fn at(place: Place) -> Self {
        Self { start: place, end: place, lines: Vec::new() }
    }
}

impl Batch for PostgresBatch {
    fn push(&mut self, record: &Record) -> bool {
        // The tables fold what came from outside only as the first record of a statement.
        let is_outside = matches!(record.change, Change::Adjusted { .. } | Change::Restored { .. });
        if self.lines.len() >= RECORDS_MAX || (is_outside && !self.lines.is_empty()) {
            return false;
        }
        let Ok(stock) = self.end.stock.after(record) else {
            panic!("a record that was decided follows from the one before it");
        };
        let (mut line, turn) = (Vec::with_capacity(160), self.start.stock.revision + 1);
        let checksum = encode_record(record, turn, self.end.checksum, &mut line)
            .expect("every record has a line");
        let newline = line.pop();
        assert_eq!(newline, Some(b'\n'), "a line ends");
        self.lines.push(String::from_utf8(line).expect("JSON is UTF-8"));
        self.end = Place { stock, checksum, at_ms: record.at_ms };
        true
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    fn take(&mut self) -> Self {
        let behind = Self::at(self.end);
        std::mem::replace(self, behind)
    }
}
