//! A place in the ledger: a segment, a position in it, and the inventory there.

use crate::{
    domain::Inventory,
    ledger::{
        LedgerError,
        file::{
            disk::DiskFile,
            header::Header,
            segment::{Ending, Position, Segment},
        },
    },
};

/// How far a segment was read.
pub(super) struct Place<F> {
    pub(super) segment: Segment<F>,
    pub(super) position: Position,
    pub(super) inventory: Inventory,
}

impl<F: DiskFile> Place<F> {
    pub(super) fn at_the_start_of(segment: Segment<F>) -> Self {
        let (position, inventory) = (segment.records_start(), segment.header().inventory());
        Self { segment, position, inventory }
    }

    pub(super) fn read_to_the_end(mut self) -> Result<(Self, Ending), LedgerError> {
        let ending = self.segment.read_on(&mut self.position, &mut self.inventory, u64::MAX)?;
        Ok((self, ending))
    }

    /// The fault of a line that is not sound.
    pub(super) fn broken(&self) -> LedgerError {
        let (path, line) = (self.segment.path().to_owned(), self.position.line);
        LedgerError::Damaged { path, line, reason: "no sound record".to_owned() }
    }

    /// The fault of a segment that does not go on from the one before.
    pub(super) fn unconnected(segment: &Segment<F>) -> LedgerError {
        let reason = "does not go on from the segment before".to_owned();
        LedgerError::Damaged { path: segment.path().to_owned(), line: 1, reason }
    }

    /// Where the records of `segment` begin, if it goes on from here.
    pub(super) fn next(&self, segment: &Segment<F>) -> Option<Position> {
        goes_on_from(segment.header(), &self.inventory, self.position)
            .then(|| segment.records_start())
    }
}

/// Whether a segment with `header` goes on from `inventory`, whose last line ends at `position`.
pub(super) fn goes_on_from(header: &Header, inventory: &Inventory, position: Position) -> bool {
    *header == Header::of(header.key, position.chain, inventory)
}
