//! Writing `db.txt` anew from the ledger, where it was lost or spoilt.

use std::io;

use crate::{
    domain::{Inventory, Stock, Trial},
    ledger::file::{
        disk::{Disk, DiskFile},
        error::{CommitError, TurnError},
        format::head::Head,
        layout::Layout,
        reader::HeadError,
    },
};

/// How many numbers at least were given out in the end, and how many tickets at most were left, where records are
/// lost that `head` speaks of, and `sold` is known from elsewhere.
pub fn lost_by(head: &Head, sold: u64) -> (u64, u64) {
    (head.sold.unwrap_or(0).max(sold), head.count)
}

/// What stands on the counter behind a repair, where `found` is there, if it can be read, and the ledger has come to
/// `inventory`.
///
/// Where the head is ahead of the ledger, records are missing: then what it sold stays sold.
pub fn stock_behind(inventory: &Inventory, found: Option<&Head>) -> Stock {
    let stock = inventory.stock();
    let Some(head) = found.filter(|head| head.is_ahead_of(stock.revision)) else { return stock };
    let trial = Trial::of(inventory, inventory.at_ms());
    let records = trial.restoration(inventory, 1, lost_by(head, 0));
    records.iter().fold(stock, |stock, record| {
        stock.after(record).expect("what was decided on it goes on from it")
    })
}

/// Writes `head` into `db.txt`, which is made where it is missing; durable on return.
///
/// The caller keeps everybody else out.
///
/// # Errors
/// [`TurnError`].
pub fn write_head<D: Disk>(disk: &D, layout: &Layout, head: &Head) -> Result<(), TurnError> {
    let path = &layout.head;
    let image = head.image(0).ok_or_else(|| TurnError::HeadFull { path: path.clone() })?;
    let file = match disk.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => disk.create_new_for_all(path),
        opened => opened,
    };
    let file = file.map_err(|source| HeadError::io(path, source))?;
    let commit = |action| {
        let path = path.clone();
        move |source| CommitError { action, path, source }
    };
    file.write_at(&image, 0).map_err(commit("write"))?;
    file.truncate(image.len() as u64).map_err(commit("shorten"))?;
    file.sync().map_err(commit("sync"))?;
    disk.sync_dir(&layout.parent).map_err(commit("sync the folder of"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEDGER: Stock = Stock::new(7, 3, 3);

    #[test]
    fn behind_a_lost_head_is_what_the_ledger_says() {
        assert_eq!(stock_behind(&Inventory::new(LEDGER, 0), None), LEDGER);
    }

    #[test]
    fn what_a_head_ahead_has_sold_stays_sold() {
        let ahead = Head::of(Stock::new(5, 5, 5), Vec::new());
        let behind = stock_behind(&Inventory::new(LEDGER, 0), Some(&ahead));
        // With a record more: another life has begun.
        assert_eq!((behind.remaining, behind.sold(), behind.revision), (5, 5, 4));
        assert_eq!(behind.capacity, LEDGER.capacity);
    }

    #[test]
    fn what_was_held_in_lost_records_is_gone() {
        let ahead = Head::of(Stock::new(3, 3, 5), Vec::new());
        let behind = stock_behind(&Inventory::new(LEDGER, 0), Some(&ahead));
        assert_eq!((behind.remaining, behind.capacity), (3, LEDGER.capacity - 4));
    }
}
