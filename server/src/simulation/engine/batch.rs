//! Records on their way to a simulated ledger.

use crate::{
    domain::{Record, Stock},
    ledger::Batch,
    simulation::engine::lies::Lie,
};

/// Who appended a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchId {
    pub(super) writer: u64,
    pub(super) number: u64,
}

/// What an append compares the head with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// The revision that the batch was decided on.
    Known,
    /// The head that was written as this one.
    Written(usize),
    /// Nothing.
    Nothing,
}

/// Records that were made for the revisions behind `known`.
#[derive(Clone, Debug)]
pub(crate) struct SimBatch {
    pub(super) id: BatchId,
    /// Of which counter it is; `None` where that is not compared.
    pub(super) incarnation: Option<usize>,
    pub(super) known: Stock,
    pub(super) guard: Guard,
    pub(super) records: Vec<Record>,
    pub(super) room: usize,
    pub(super) lie: Option<Lie>,
}

impl Batch for SimBatch {
    fn push(&mut self, record: &Record) -> bool {
        let has_room = self.records.len() < self.room;
        if has_room {
            let written = self.lie.map(|lie| lie.written(record));
            self.records.push(written.unwrap_or_else(|| record.clone()));
        }
        has_room
    }

    fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    fn take(&mut self) -> Self {
        let id = BatchId { number: self.id.number + 1, ..self.id };
        let next = Self { id, known: self.end(), records: Vec::new(), ..*self };
        std::mem::replace(self, next)
    }
}

impl SimBatch {
    /// The stock behind this batch.
    pub(super) fn end(&self) -> Stock {
        self.records.iter().fold(self.known, behind)
    }
}

/// The stock behind `record`, which is believed where it does not follow: others look at that.
pub(super) fn behind(stock: Stock, record: &Record) -> Stock {
    let Record { revision, remaining, .. } = *record;
    stock.after(record).unwrap_or(Stock { revision, remaining, ..stock })
}
