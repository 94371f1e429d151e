//! A turn at the ledger, as the one who sells sees it.

use crate::{
    domain::{Inventory, Outcome, Record, Request, Stock},
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

/// The most requests in one turn: an engine has room for the records of so many.
pub const REQUESTS_MAX: usize = 1024;

/// What is decided in one turn, from up to [`REQUESTS_MAX`] commands.
#[derive(Debug)]
pub struct Draft<'a> {
    inventory: &'a mut Inventory,
    records: &'a mut Vec<Record>,
    now_ms: u64,
}

impl<'a> Draft<'a> {
    /// A draft on top of `inventory` at the time `now_ms`.
    pub fn new(inventory: &'a mut Inventory, records: &'a mut Vec<Record>, now_ms: u64) -> Self {
        Self { inventory, records, now_ms }
    }

    /// Answers one request and notes what it changed.
    pub fn apply(&mut self, request: &Request) -> Outcome {
        let (outcome, record) = self.inventory.apply(request, self.now_ms);
        self.records.extend(record);
        outcome
    }
}
