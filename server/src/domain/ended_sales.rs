//! What became of the sales that were refunded or admitted.
//!
//! Kept in many small tables: a copy shares them until either side changes one, and none is large enough for its
//! growing to be felt. Both are done while everybody else waits for the lock.

use std::{collections::HashMap, sync::Arc};

use crate::domain::SaleStatus;

/// How many tables there are.
const TABLES: usize = 1024;

/// The statuses of sales, by their revisions.
#[derive(Clone, Debug)]
pub(super) struct EndedSales {
    tables: Vec<Arc<HashMap<u64, SaleStatus>>>,
    len: usize,
}

impl EndedSales {
    pub(super) fn new() -> Self {
        Self { tables: vec![Arc::default(); TABLES], len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, revision: u64) -> Option<SaleStatus> {
        self.tables[table_of(revision)].get(&revision).copied()
    }

    pub(super) fn insert(&mut self, revision: u64, status: SaleStatus) {
        let table = Arc::make_mut(&mut self.tables[table_of(revision)]);
        self.len += usize::from(table.insert(revision, status).is_none());
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, SaleStatus)> {
        let entries = self.tables.iter().flat_map(|table| table.iter());
        entries.map(|(revision, status)| (*revision, *status))
    }
}

fn table_of(revision: u64) -> usize {
    usize::try_from(revision % TABLES as u64).expect("it is less than `TABLES`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_shares_all_but_the_tables_that_were_changed_since() {
        let mut sales = EndedSales::new();
        for revision in 1..=5000 {
            sales.insert(revision, SaleStatus::Refunded { revision });
        }
        let copy = sales.clone();
        sales.insert(7, SaleStatus::Admitted { revision: 9000, at_ms: 1 });
        sales.insert(9000, SaleStatus::Refunded { revision: 9001 });

        let shared =
            sales.tables.iter().zip(&copy.tables).filter(|(one, other)| Arc::ptr_eq(one, other));
        assert_eq!(shared.count(), TABLES - 2);
        assert_eq!((copy.len(), sales.len()), (5000, 5001));
        assert_eq!(copy.get(7), Some(SaleStatus::Refunded { revision: 7 }));
        assert_eq!((copy.get(9000), copy.iter().count()), (None, 5000));
    }
}
