//! Writing `db.txt` anew from the ledger, where it was lost or spoilt.

use std::io;

use crate::{
    domain::Stock,
    ledger::file::{
        disk::{Disk, DiskFile},
        error::{CommitError, TurnError},
        format::head::Head,
        layout::Layout,
        reader::HeadError,
    },
};

/// The head that says what the ledger says.
///
/// Where the head that is there can be read and is ahead, records are missing:
/// then what it sold stays sold. The next turn makes the difference a record.
pub fn head_for(ledger: Stock, found: Option<&Head>) -> Head {
    let foreign = found.map_or_else(Vec::new, |head| head.foreign.clone());
    let ahead = found.filter(|head| head.revision > Some(ledger.revision));
    let remaining = ahead.map_or(ledger.remaining, |head| head.count.min(ledger.remaining));
    let sold =
        ahead.and_then(|head| head.sold).map_or(ledger.issued, |sold| sold.max(ledger.issued));
    Head::of(Stock { remaining, issued: sold, ..ledger }, foreign)
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
    fn a_lost_head_says_what_the_ledger_says() {
        assert_eq!(head_for(LEDGER, None), Head::of(LEDGER, Vec::new()));
    }

    #[test]
    fn what_a_head_ahead_has_sold_stays_sold() {
        let ahead = Stock::new(5, 5, 5);
        let repaired = head_for(LEDGER, Some(&Head::of(ahead, Vec::new())));
        let careful = Stock::new(5, 5, 3);
        assert_eq!(repaired, Head::of(careful, Vec::new()));
    }
}
