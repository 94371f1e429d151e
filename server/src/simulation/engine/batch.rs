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

/// Records that were made for the revisions behind `known`.
#[derive(Clone, Debug)]
pub(crate) struct SimBatch {
    pub(super) id: BatchId,
    pub(super) known: Stock,
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
        let known =
            self.records.iter().fold(self.known, |stock, record| stock.after(record).unwrap());
        let id = BatchId { number: self.id.number + 1, ..self.id };
        let (room, lie) = (self.room, self.lie);
        std::mem::replace(self, Self { id, known, records: Vec::new(), room, lie })
    }
}

impl SimBatch {
    /// The stock behind this batch.
    pub(super) fn take_known(mut self) -> Stock {
        let _ = self.take();
        self.known
    }
}
