//! Writing `db.txt` anew from the ledger, where it was lost or spoilt.

use std::io;

use crate::{
    domain::{Inventory, Trial},
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

/// The head that `repair` writes where `found` is there, if it can be read, and the ledger has come to `inventory`.
///
/// Where the head is ahead of the ledger, records are missing: then what it sold stays sold.
pub fn head_for(inventory: &Inventory, found: Option<&Head>) -> Head {
    let foreign = found.map_or_else(Vec::new, |head| head.foreign.clone());
    let mut stock = inventory.stock();
    if let Some(head) = found.filter(|head| head.is_ahead_of(stock.revision)) {
        let trial = Trial::of(inventory, inventory.at_ms());
        for record in trial.restoration(inventory, 1, lost_by(head, 0)) {
            stock = stock.after(&record).expect("what was decided on it goes on from it");
        }
    }
    Head::of(stock, foreign)
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
    use crate::domain::Stock;

    const LEDGER: Stock = Stock::new(7, 3, 3);

    #[test]
    fn a_lost_head_says_what_the_ledger_says() {
        let ledger = Inventory::new(LEDGER, 0);
        assert_eq!(head_for(&ledger, None), Head::of(LEDGER, Vec::new()));
    }

    #[test]
    fn what_a_head_ahead_has_sold_stays_sold() {
        let ahead = Stock::new(5, 5, 5);
        let repaired = head_for(&Inventory::new(LEDGER, 0), Some(&Head::of(ahead, Vec::new())));
        // With a record more: another life has begun.
        let careful = Stock::new(5, 5, 4);
        assert_eq!(repaired, Head::of(careful, Vec::new()));
    }
}
