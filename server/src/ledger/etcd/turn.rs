//! A turn at a ledger in etcd: nobody is kept out while it is open.
//!
//! What others append meanwhile is found out by the transaction that appends, or that
//! confirms where there is nothing to append.

use crate::{
    domain::Inventory,
    ledger::{
        Appended, Fault, News, Turn,
        etcd::{batch::EtcdBatch, progress::Progress},
        format::base::Base,
    },
};

/// A turn.
pub struct EtcdTurn<'a>(pub(super) &'a mut Progress);

impl Turn for EtcdTurn<'_> {
    type Batch = EtcdBatch;

    fn news(&mut self, hear: &mut dyn FnMut(News)) -> Result<(), Fault> {
        Ok(self.0.learn(hear)?)
    }

    fn batch(&mut self) -> Result<EtcdBatch, Fault> {
        Ok(self.0.empty_batch()?)
    }

    fn append(&mut self, batch: &EtcdBatch) -> Appended {
        self.0.append(batch)
    }

    fn confirm(&mut self) -> Result<bool, Fault> {
        Ok(self.0.confirm()?)
    }

    fn is_snapshot_due(&self) -> bool {
        self.0.snapshots.is_due()
    }

    fn keep(&mut self, inventory: Inventory) {
        let Some(opened) = &self.0.opened else { return };
        let place = opened.place;
        assert_eq!(inventory.stock(), place.stock, "it is what the ledger has come to");
        let at = Base::of(opened.identity.key, place.chain, place.stock, inventory.at_ms());
        self.0.snapshots.keep(inventory, at, opened.incarnation.clone());
    }

    fn end(self) -> Result<(), Fault> {
        Ok(())
    }
}
