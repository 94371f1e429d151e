//! A position in the ledger, and reading on from it, segment after segment.

use std::path::PathBuf;

use crate::{
    domain::{Record, Stock},
    ledger::{
        file::{
            disk::{Disk, DiskFile},
            error::LogError,
            layout::Layout,
            log::segment::{Ending, Position, Reading, Segment},
        },
        format::base::Base,
    },
};

/// A position between two records.
pub struct Cursor<F> {
    segment: Segment<F>,
    position: Position,
    stock: Stock,
    at_ms: u64,
}

/// What stood at one moment behind the last record of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// The revision ahead of the segment.
    revision: u64,
    /// The offset from which on it was all zeros, in bytes.
    end: u64,
}

/// What is met on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The segment whose first record is this one.
    Segment(u64),
    /// A record, and the stock after it.
    Record(Record, Stock),
}

impl<F: DiskFile> Cursor<F> {
    /// The position ahead of the first record of `segment`.
    pub fn at_start_of(segment: Segment<F>) -> Self {
        let (position, header) = (segment.records_start(), segment.header());
        let (stock, at_ms) = (header.stock(), header.at_ms);
        Self { segment, position, stock, at_ms }
    }

    /// The segment that it is in.
    pub fn segment(&self) -> &Segment<F> {
        &self.segment
    }

    /// Where in the segment.
    pub fn position(&self) -> Position {
        self.position
    }

    /// What stands on the counter there.
    pub fn stock(&self) -> Stock {
        self.stock
    }

    /// When it last changed, in milliseconds since 1970 UTC.
    pub fn at_ms(&self) -> u64 {
        self.at_ms
    }

    /// The first line of a segment that goes on from here.
    pub fn header_of_next(&self) -> Base {
        Base::of(self.segment.header().key, self.position.chain, self.stock, self.at_ms)
    }

    /// Moves on behind what was appended here.
    pub fn pass(&mut self, end: Position, stock: Stock, at_ms: u64) {
        (self.position, self.stock, self.at_ms) = (end, stock, at_ms);
    }

    /// Looks at all that stands behind here in the segment, for [`Cursor::torn_tail`]; it needs no lock, and takes a
    /// while.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn look_behind(&self) -> Result<Behind, LogError> {
        let end = self.segment.end_of_bytes(self.position.offset, false)?;
        Ok(Behind { revision: self.segment.header().revision, end })
    }

    /// How many bytes a crash left behind here.
    ///
    /// Whoever calls keeps everybody out. Of what `seen` knows only what has grown since is looked at: a process that
    /// was killed leaves the beginning of its write, and that goes on from where the ledger ended, without a gap. Of another
    /// segment it tells nothing: a power cut may have torn that one too, and taken the seal that led to it.
    ///
    /// # Errors
    /// [`LogError::Damaged`] where a record of a later turn stands there, which was acknowledged; [`LogError::Io`].
    pub fn torn_tail(&self, seen: Option<Behind>) -> Result<usize, LogError> {
        let Self { segment, position, stock, .. } = self;
        let end = match seen {
            Some(Behind { revision, end }) if revision == segment.header().revision => {
                segment.end_of_bytes(end.max(position.offset), true)?
            }
            _ => segment.end_of_bytes(position.offset, false)?,
        };
        segment.torn_tail(*position, stock.revision + 1, end)
    }

    /// Reads on, through sealed segments, up to revision `last`.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn read_on<D: Disk<File = F>>(
        &mut self,
        disk: &D,
        layout: &Layout,
        last: u64,
        each: &mut dyn FnMut(Step),
    ) -> Result<Ending, LogError> {
        loop {
            let ending = self.read_segment(last, each)?;
            if ending != Ending::Sealed || self.stock.revision >= last {
                return Ok(ending);
            }
            self.enter_next(disk, layout, each)?;
        }
    }

    /// As [`Cursor::read_on`], also where a segment goes on in one that nothing speaks of: a power cut took the seal, or
    /// whoever made the next one was killed ahead of it.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn read_on_unsealed<D: Disk<File = F>>(
        &mut self,
        disk: &D,
        layout: &Layout,
        last: u64,
        each: &mut dyn FnMut(Step),
    ) -> Result<Ending, LogError> {
        loop {
            let ending = self.read_on(disk, layout, last, each)?;
            if self.stock.revision >= last || self.enter_unannounced(disk, layout, each)?.is_none()
            {
                return Ok(ending);
            }
        }
    }

    /// Reads on in this segment, up to revision `last`.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn read_segment(
        &mut self,
        last: u64,
        each: &mut dyn FnMut(Step),
    ) -> Result<Ending, LogError> {
        if self.stock.revision >= last {
            return Ok(Ending::Stopped);
        }
        let Self { segment, position, stock, at_ms } = self;
        segment.read_on(position, &mut |record| {
            *stock = stock.after(&record)?;
            *at_ms = (*at_ms).max(record.at_ms);
            each(Step::Record(record, *stock));
            Ok(if stock.revision >= last { Reading::Stops } else { Reading::GoesOn })
        })
    }

    /// Goes on in the segment behind this one.
    ///
    /// # Errors
    /// [`LogError`] where there is none that goes on from here.
    pub fn enter_next<D: Disk<File = F>>(
        &mut self,
        disk: &D,
        layout: &Layout,
        each: &mut dyn FnMut(Step),
    ) -> Result<(), LogError> {
        let next = self.segment.open_another(disk, &self.path_of_next(layout))?;
        self.enter(next, each)
    }

    /// Goes on in the segment behind this one where there is one that nothing here speaks of: whoever
    /// made it was killed before the seal. Gives the segment and the position where the seal is due.
    ///
    /// # Errors
    /// [`LogError`] where what stands there does not go on from here.
    pub fn enter_unannounced<D: Disk<File = F>>(
        &mut self,
        disk: &D,
        layout: &Layout,
        each: &mut dyn FnMut(Step),
    ) -> Result<Option<(Segment<F>, Position)>, LogError> {
        let path = self.path_of_next(layout);
        if path == self.segment.path() || disk.stat(&path).is_err() {
            return Ok(None);
        }
        let position = self.position;
        let next = self.segment.open_another(disk, &path)?;
        self.check(&next)?;
        let ended = std::mem::replace(self, Self::at_start_of(next));
        each(Step::Segment(self.stock.revision + 1));
        Ok(Some((ended.segment, position)))
    }

    fn enter(&mut self, next: Segment<F>, each: &mut dyn FnMut(Step)) -> Result<(), LogError> {
        self.check(&next)?;
        *self = Self::at_start_of(next);
        each(Step::Segment(self.stock.revision + 1));
        Ok(())
    }

    fn path_of_next(&self, layout: &Layout) -> PathBuf {
        layout.segment(self.stock.revision + 1)
    }

    /// Refuses a segment that does not go on from here.
    fn check(&self, next: &Segment<F>) -> Result<(), LogError> {
        if next.header().key != self.segment.header().key {
            let reason = "of another counter: its key is not that of the segment before";
            return Err(unconnected(next, reason));
        }
        if !next.header().is_as(&self.header_of_next()) {
            return Err(unconnected(next, "does not go on from the segment before"));
        }
        Ok(())
    }
}

/// The segments in `starts` that were passed by: servers that were killed made them, and nobody
/// went on in them.
///
/// # Errors
/// [`LogError::Damaged`] where one has records, or is ahead of `end`, where the ledger ends.
pub fn left_behind<D: Disk>(
    disk: &D,
    layout: &Layout,
    starts: impl IntoIterator<Item = u64>,
    end: &Cursor<D::File>,
) -> Result<Vec<PathBuf>, LogError> {
    let mut paths = Vec::new();
    for start in starts {
        let path = layout.segment(start);
        let segment = Segment::open_to_read(disk, &path)?;
        let key = end.segment.header().key;
        if segment.header().key != key {
            let reason = "of another counter: its key is not that of the segment before";
            return Err(unconnected(&segment, reason));
        }
        let is_behind = segment.header().revision < end.stock.revision;
        if !is_behind || segment.has_more(segment.records_start())? {
            return Err(unconnected(&segment, "does not go on from the segment before"));
        }
        paths.push(path);
    }
    Ok(paths)
}

fn unconnected<F: DiskFile>(segment: &Segment<F>, reason: &str) -> LogError {
    let path = segment.path().to_owned();
    LogError::Damaged { path, line: 1, reason: reason.to_owned() }
}
