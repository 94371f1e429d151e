//! Looking over a whole ledger, whatever the engine: all of it is folded, from its first record on, and held
//! against what was kept of it on the way.

use std::collections::HashMap;

use crate::{
    domain::{Change, Inconsistent, Inventory, Record},
    ledger::{Cause, Fault, Scan},
};

/// A ledger that is looked over while it is read.
pub struct Audit<S> {
    scan: S,
    folded: Inventory,
    sizes: SaleSizes,
}

/// What is wrong with the records of a ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// What the ledger begins with is not a beginning.
    #[error("the ledger does not begin at a beginning: what was before it is missing")]
    Beginning,
    /// A record does not follow from those before it.
    #[error("record `{revision}`: {fault}")]
    Record {
        /// The record.
        revision: u64,
        /// What does not follow.
        fault: Inconsistent,
    },
    /// A record ends a sale of other tickets than were sold.
    #[error(
        "record `{revision}`: it is of `{quantity}` tickets of revision `{sale}`, which sold others"
    )]
    End {
        /// The record.
        revision: u64,
        /// The sale that it names.
        sale: u64,
        /// Of how many tickets it says that was.
        quantity: u64,
    },
}

impl From<AuditError> for Fault {
    fn from(error: AuditError) -> Self {
        Self::Lasting(Cause::of(error))
    }
}

impl<S: Scan> Audit<S> {
    /// Ahead of the first record of what `scan` reads.
    ///
    /// # Errors
    /// [`Fault`], as [`Scan`] has it.
    pub fn begin(mut scan: S) -> Result<Self, Fault> {
        let base = scan.base();
        if !base.is_possible() || !base.is_first() {
            return Err(AuditError::Beginning.into());
        }
        let (folded, sizes) = (base.inventory(usize::MAX), SaleSizes::behind(base.revision));
        scan.compare(&folded)?;
        Ok(Self { scan, folded, sizes })
    }

    /// Reads on, not beyond the revision `last`; gives the records, none where there are no more.
    ///
    /// # Errors
    /// [`Fault`], as [`Scan`] has it; the first record that does not follow is one.
    pub fn read_on(&mut self, last: u64) -> Result<Vec<Record>, Fault> {
        let records = self.scan.read_on(last)?;
        for record in &records {
            let fault = |fault| AuditError::Record { revision: record.revision, fault };
            self.folded.fold(record).map_err(fault)?;
            self.sizes.take(record)?;
            self.scan.compare(&self.folded)?;
        }
        Ok(records)
    }

    /// What the records have come to so far.
    pub fn folded(&self) -> &Inventory {
        &self.folded
    }

    /// What is read.
    pub fn scan(&self) -> &S {
        &self.scan
    }
}

/// Whether both are the same counter at the same revision, but for the requests that are known again: these are
/// forgotten after a day.
pub fn agree(one: &Inventory, other: &Inventory) -> bool {
    one.stock() == other.stock()
        && one.epochs() == other.epochs()
        && one.memory().holds == other.memory().holds
        && one.holds().all(|(made, hold)| other.hold(made) == Some(hold))
        && one.memory().sales == other.memory().sales
        && one.sales().all(|(sale, status)| other.status(sale) == status)
}

/// Of how many tickets each sale was: a byte a record, for nothing else has to be looked up then.
struct SaleSizes {
    behind: u64,
    /// 0 for what is no sale; [`LARGE`] for what does not fit.
    small: Vec<u8>,
    large: HashMap<u64, u64>,
}

/// In place of a size of its own.
const LARGE: u8 = u8::MAX;

impl SaleSizes {
    fn behind(revision: u64) -> Self {
        Self { behind: revision, small: Vec::new(), large: HashMap::new() }
    }

    /// Notes a sale, and holds what ends one against it.
    fn take(&mut self, record: &Record) -> Result<(), AuditError> {
        let revision = record.revision;
        let small = match record.change {
            Change::Sold { quantity, .. } => match u8::try_from(quantity) {
                Ok(small) if small != LARGE => small,
                _ => {
                    self.large.insert(revision, quantity);
                    LARGE
                }
            },
            Change::Refunded { sale, quantity } | Change::Admitted { sale, quantity } => {
                if self.size_of(sale) != Some(quantity) {
                    return Err(AuditError::End { revision, sale, quantity });
                }
                0
            }
            _ => 0,
        };
        self.small.push(small);
        Ok(())
    }

    fn size_of(&self, sale: u64) -> Option<u64> {
        let place = usize::try_from(sale.checked_sub(self.behind + 1)?).ok()?;
        match *self.small.get(place)? {
            0 => None,
            LARGE => self.large.get(&sale).copied(),
            small => Some(small.into()),
        }
    }
}
