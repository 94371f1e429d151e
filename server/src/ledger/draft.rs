//! A turn at the ledger, as the one who sells sees it.

use crate::{
    domain::{Command, Inventory, Outcome, Record, Request, Stock},
    ledger::LedgerError,
};

/// The ordered list of all changes, wherever it is kept.
pub trait Ledger: Send {
    /// Takes one turn: learns the news, lets `decide` sell, makes it durable.
    ///
    /// An engine that loses a race to another writer learns the news and calls
    /// `decide` again with a fresh draft. Gives the stock after the turn.
    ///
    /// # Errors
    /// [`LedgerError`]; [`LedgerError::may_have_written`] tells whether what
    /// was decided can have reached the ledger.
    fn turn(&mut self, decide: &mut dyn FnMut(&mut Draft<'_>)) -> Result<Stock, LedgerError>;

    /// Does what may be done while nobody waits; called when nothing has come for a while.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn rest(&mut self) -> Result<(), LedgerError>;
}

/// What is decided in one turn.
#[derive(Debug)]
pub struct Draft<'a> {
    inventory: &'a mut Inventory,
    records: &'a mut Vec<Record>,
    now_ms: u64,
    room_bytes: usize,
}

impl<'a> Draft<'a> {
    /// A draft on top of `inventory` at the time `now_ms`, with room for `room_bytes` of records.
    pub fn new(
        inventory: &'a mut Inventory,
        records: &'a mut Vec<Record>,
        now_ms: u64,
        room_bytes: usize,
    ) -> Self {
        Self { inventory, records, now_ms, room_bytes }
    }

    /// How many bytes the requests of this turn may need, by [`record_bytes_max`].
    pub fn room_bytes(&self) -> usize {
        self.room_bytes
    }

    /// Answers one request and notes what it changed.
    pub fn apply(&mut self, request: &Request) -> Outcome {
        let (outcome, record) = self.inventory.apply(request, self.now_ms);
        self.records.extend(record);
        outcome
    }
}

/// The most bytes that the record of `request` can take.
pub fn record_bytes_max(request: &Request) -> usize {
    let buyer = match &request.command {
        Command::Buy(order) => order.buyer.as_deref().map_or(0, str::len),
        Command::Restock { .. } | Command::Search => 0,
    };
    let key = request.key.as_deref().map_or(0, str::len);
    // JSON writes a quote or a backslash as two characters, and neither text has control characters.
    RECORD_BYTES_PLAIN + 2 * (buyer + key)
}

/// The most bytes of a record without a buyer and without a key.
pub const RECORD_BYTES_PLAIN: usize = 320;
