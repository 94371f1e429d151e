//! The lines of one write and one sync.

use crate::{
    domain::{Record, Stock},
    ledger::{
        Batch,
        file::{
            disk::DiskFile,
            log::{cursor::Cursor, segment::Position},
        },
        format::record_line::encode_record,
    },
};

/// The most bytes in one batch.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// How much room for lines is made at first, in bytes.
const LINES_BYTES: usize = 16 << 10;

/// Lines that go behind a place in a segment.
#[derive(Debug)]
pub struct FileBatch {
    /// Where the first line goes.
    pub(in crate::ledger::file) start: Position,
    /// Where the next line would go.
    pub(in crate::ledger::file) end: Position,
    /// The lines.
    pub(in crate::ledger::file) lines: Vec<u8>,
    /// The stock after the last line.
    pub(in crate::ledger::file) stock: Stock,
    /// When that was, in milliseconds since 1970 UTC.
    pub(in crate::ledger::file) at_ms: u64,
    /// The revision of the first line: all of them say that they were written with it.
    turn: u64,
    records_end: u64,
}

impl FileBatch {
    /// An empty batch at the place of `cursor`.
    pub fn at<F: DiskFile>(cursor: &Cursor<F>) -> Self {
        let (position, stock) = (cursor.position(), cursor.stock());
        Self {
            start: position,
            end: position,
            lines: Vec::with_capacity(LINES_BYTES),
            stock,
            at_ms: cursor.at_ms(),
            turn: stock.revision + 1,
            records_end: cursor.segment().records_end(),
        }
    }
}

impl Batch for FileBatch {
    fn push(&mut self, record: &Record) -> bool {
        let before = self.lines.len();
        let Ok(stock) = self.stock.after(record) else { return false };
        let Ok(chain) = encode_record(record, self.turn, self.end.chain, &mut self.lines) else {
            self.lines.truncate(before);
            return false;
        };
        let offset = self.start.offset + self.lines.len() as u64;
        if offset > self.records_end || self.lines.len() > BATCH_BYTES_MAX {
            self.lines.truncate(before);
            return false;
        }
        self.end = Position { offset, line: self.end.line + 1, chain };
        (self.stock, self.at_ms) = (stock, record.at_ms);
        true
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    fn has_usual_room(&self) -> bool {
        self.records_end.saturating_sub(self.start.offset) >= BATCH_BYTES_MAX as u64 / 2
    }

    fn take(&mut self) -> Self {
        let next = Self {
            start: self.end,
            end: self.end,
            lines: Vec::with_capacity(LINES_BYTES),
            stock: self.stock,
            at_ms: self.at_ms,
            turn: self.stock.revision + 1,
            records_end: self.records_end,
        };
        std::mem::replace(self, next)
    }
}
