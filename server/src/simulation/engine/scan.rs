//! A simulated ledger, read from its beginning.

use rand::RngExt as _;

use crate::{
    domain::{Inventory, Record},
    ledger::{Fault, Scan, format::base::Base},
    simulation::engine::ledger::SimLedger,
};

/// A reading of a simulated ledger, a few records at a time.
pub(crate) struct SimScan {
    ledger: SimLedger,
    base: Base,
    read: u64,
}

impl SimScan {
    pub(crate) fn of(ledger: &SimLedger) -> Self {
        let base = ledger.base();
        Self { ledger: ledger.clone(), read: base.revision, base }
    }
}

impl Scan for SimScan {
    fn base(&self) -> &Base {
        &self.base
    }

    fn read_on(&mut self, last: u64) -> Result<Vec<Record>, Fault> {
        let mut records = self.ledger.records();
        records.retain(|record| self.read < record.revision && record.revision <= last);
        records.truncate(self.ledger.world().dice.random_range(1..9));
        self.read += records.len() as u64;
        Ok(records)
    }

    fn compare(&mut self, _folded: &Inventory) -> Result<(), Fault> {
        Ok(())
    }
}
