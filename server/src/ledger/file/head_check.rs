//! Whether a server can go on from what `db.txt` says beside its ledger.

use crate::ledger::file::{error::TurnError, format::head::Head, layout::Layout};

/// Refuses a head with which no server starts beside a ledger that ends at the revision `ledger`, 0 where there is none.
///
/// # Errors
/// [`TurnError::HeadAhead`] and [`TurnError::HeadFull`].
pub fn check_head(layout: &Layout, head: &Head, ledger: u64) -> Result<(), TurnError> {
    refuse_a_head_ahead(layout, head, ledger)?;
    match head.has_room() {
        true => Ok(()),
        false => Err(TurnError::HeadFull { path: layout.head.clone() }),
    }
}

/// Refuses a head that knows of records behind the revision `ledger`.
///
/// # Errors
/// [`TurnError::HeadAhead`].
pub fn refuse_a_head_ahead(layout: &Layout, head: &Head, ledger: u64) -> Result<(), TurnError> {
    match head.revision {
        Some(revision) if revision > ledger => {
            let (path, folder) = (layout.head.clone(), layout.folder.clone());
            Err(TurnError::HeadAhead { path, folder, head: revision, ledger })
        }
        _ => Ok(()),
    }
}
