//! A place in the ledger: a segment, a position in it, and the inventory there.

use crate::{
    domain::Inventory,
    ledger::{
        LedgerError,
        file::{
            disk::DiskFile,
            format::segment_header::Header,
            log::segment::{Ending, Position, Segment},
        },
    },
};

/// How far a segment was read.
pub(in crate::ledger::file) struct Place<F> {
    pub(in crate::ledger::file) segment: Segment<F>,
    pub(in crate::ledger::file) position: Position,
    pub(in crate::ledger::file) inventory: Inventory,
}

impl<F: DiskFile> Place<F> {
    pub(in crate::ledger::file) fn at_the_start_of(segment: Segment<F>) -> Self {
        let (position, inventory) = (segment.records_start(), segment.header().inventory());
        Self { segment, position, inventory }
    }

    pub(in crate::ledger::file) fn read_to_the_end(
        mut self,
    ) -> Result<(Self, Ending), LedgerError> {
        let ending = self.segment.read_on(&mut self.position, &mut self.inventory, u64::MAX)?;
        Ok((self, ending))
    }

    /// The fault of a line that is not sound.
    pub(in crate::ledger::file) fn broken(&self) -> LedgerError {
        let (path, line) = (self.segment.path().to_owned(), self.position.line);
        LedgerError::Damaged { path, line, reason: "no sound record".to_owned() }
    }

    /// The fault of a segment that does not go on from the one before.
    pub(in crate::ledger::file) fn unconnected(segment: &Segment<F>) -> LedgerError {
        let reason = "does not go on from the segment before".to_owned();
        LedgerError::Damaged { path: segment.path().to_owned(), line: 1, reason }
    }

    /// Where the records of `segment` begin, if it goes on from here.
    ///
    /// # Errors
    /// As [`goes_on_from`].
    pub(in crate::ledger::file) fn next(
        &self,
        segment: &Segment<F>,
    ) -> Result<Option<Position>, LedgerError> {
        let goes_on = goes_on_from(&self.segment, &self.inventory, self.position, segment)?;
        Ok(goes_on.then(|| segment.records_start()))
    }
}

/// Whether `next` goes on from `inventory`, whose last line ends at `position` in `before`.
///
/// # Errors
/// [`LedgerError::Damaged`] where it is of another counter: that is nobody's remains.
pub(in crate::ledger::file) fn goes_on_from<F: DiskFile>(
    before: &Segment<F>,
    inventory: &Inventory,
    position: Position,
    next: &Segment<F>,
) -> Result<bool, LedgerError> {
    let key = before.header().key;
    if next.header().key != key {
        let reason = "of another counter: its key is not that of the segment before".to_owned();
        return Err(LedgerError::Damaged { path: next.path().to_owned(), line: 1, reason });
    }
    Ok(*next.header() == Header::of(key, position.chain, inventory))
}
