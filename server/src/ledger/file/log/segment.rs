//! A file of records: a header line, record lines, and zeros up to its end.
//!
//! The zeros are written and synced ahead of need, so that a commit overwrites
//! bytes that the disk has already: its sync then writes data and no metadata.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{Inventory, Record},
    ledger::{
        LedgerError,
        file::{
            disk::{Disk, DiskFile},
            format::{
                record_line::{LINE_BYTES_MAX, LineFault, RecordLine, decode, encode},
                segment_header::{FORMAT_VERSION, Header},
                tail,
            },
            layout::Layout,
            log::preallocation::Spare,
        },
    },
};

/// How much is read at once, in bytes.
const CHUNK_BYTES: usize = 256 << 10;

/// The longest line that ends a segment, in bytes.
const SEAL_BYTES_MAX: u64 = 64;

/// The line that ends a segment.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealLine {
    /// The first revision of the segment that goes on.
    continued_at: u64,
}

/// A place between two lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The offset of the next line, in bytes.
    pub offset: u64,
    /// The number of the next line, from 1.
    pub line: u64,
    /// The checksum of the line before.
    pub chain: u32,
}

/// What follows the last sound line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Zeros, or the end of the file.
    Clean,
    /// Something that is no sound line.
    Broken,
    /// The line that says that another segment goes on.
    Sealed,
    /// More lines: the reader was told to stop here.
    Stopped,
}

/// An open segment.
#[derive(Debug)]
pub struct Segment<F> {
    path: PathBuf,
    file: F,
    header: Header,
    records_start: Position,
    size: u64,
}

impl<F: DiskFile> Segment<F> {
    /// Makes `spare` the segment that begins with `header`; durable, name and all, on return.
    ///
    /// # Errors
    /// [`LedgerError::Io`]; nothing reads what may be left behind then.
    pub fn create<D: Disk<File = F>>(
        disk: &D,
        layout: &Layout,
        spare: &Spare<D>,
        header: &Header,
    ) -> Result<Self, LedgerError> {
        let path = layout.segment(header.revision + 1);
        let io = |action| {
            let path = path.clone();
            move |source| LedgerError::Io { action, path, source }
        };
        let mut line = Vec::new();
        encode(header, 0, &mut line).map_err(|fault| damaged(&path, 1, &fault))?;
        spare.file.write_at(&line, 0).map_err(io("write"))?;
        spare.file.sync().map_err(io("sync"))?;
        disk.rename(&spare.path, &path).map_err(io("name"))?;
        disk.sync_dir(&layout.folder).map_err(io("sync the folder of"))?;
        disk.sync_dir(&layout.parent).map_err(io("sync the folder of"))?;
        Self::open(disk, &path)
    }

    /// Opens the segment at `path` and reads its header.
    ///
    /// # Errors
    /// [`LedgerError::Io`]; [`LedgerError::Damaged`] where the header is not
    /// sound or is of another version.
    pub fn open<D: Disk<File = F>>(disk: &D, path: &Path) -> Result<Self, LedgerError> {
        let io = |action| move |source| LedgerError::Io { action, path: path.to_owned(), source };
        let file = disk.open(path).map_err(io("open"))?;
        let size = file.size().map_err(io("read"))?;
        let mut bytes = vec![0; LINE_BYTES_MAX];
        let length = file.read_at(&mut bytes, 0).map_err(io("read"))?;
        let end = bytes[..length].iter().position(|byte| *byte == b'\n');
        let line = end.map_or(&bytes[..0], |end| &bytes[..end]);
        let (header, chain) =
            decode::<Header>(line, 0).map_err(|fault| damaged(path, 1, &fault))?;
        if header.ledger != FORMAT_VERSION {
            let reason = format!(
                "version `{}` of the ledger; this program reads `{FORMAT_VERSION}`",
                header.ledger
            );
            return Err(LedgerError::Damaged { path: path.to_owned(), line: 1, reason });
        }
        if !header.is_possible() {
            let reason = "a number in the header is past its limit".to_owned();
            return Err(LedgerError::Damaged { path: path.to_owned(), line: 1, reason });
        }
        let records_start = Position { offset: line.len() as u64 + 1, line: 2, chain };
        Ok(Self { path: path.to_owned(), file, header, records_start, size })
    }

    /// The segment's first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The place of the first record.
    pub fn records_start(&self) -> Position {
        self.records_start
    }

    /// The segment's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether anything stands at `position`.
    ///
    /// # Errors
    /// [`LedgerError::Io`].
    pub fn has_more(&self, position: Position) -> Result<bool, LedgerError> {
        let mut byte = [0];
        let length = self.file.read_at(&mut byte, position.offset);
        length.map_err(self.io("read")).map(|length| length > 0 && byte != [0])
    }

    /// What stands at `position`.
    ///
    /// # Errors
    /// [`LedgerError::Io`].
    pub fn ending_at(&self, position: Position) -> Result<Ending, LedgerError> {
        let bytes = self.read(position.offset, LINE_BYTES_MAX)?;
        if bytes.first().is_none_or(|byte| *byte == 0) {
            return Ok(Ending::Clean);
        }
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
            return Ok(Ending::Broken);
        };
        let line = &bytes[..end];
        if decode::<SealLine>(line, position.chain).is_ok() {
            return Ok(Ending::Sealed);
        }
        let record = decode::<RecordLine>(line, position.chain);
        Ok(record.map_or(Ending::Broken, |_| Ending::Stopped))
    }

    /// Folds the records from `position` on into `inventory`, up to revision `last`.
    ///
    /// # Errors
    /// [`LedgerError::Io`]; [`LedgerError::Damaged`] where a record with a
    /// sound checksum does not follow from the ones before it.
    pub fn read_on(
        &self,
        position: &mut Position,
        inventory: &mut Inventory,
        last: u64,
    ) -> Result<Ending, LedgerError> {
        self.read_each(position, inventory, last, &mut |_| {})
    }

    /// As [`Segment::read_on`]; `each` sees the inventory after every record.
    ///
    /// # Errors
    /// As [`Segment::read_on`].
    pub fn read_each(
        &self,
        position: &mut Position,
        inventory: &mut Inventory,
        last: u64,
        each: &mut dyn FnMut(&Inventory),
    ) -> Result<Ending, LedgerError> {
        let rest = usize::try_from(self.size.saturating_sub(position.offset)).unwrap_or(usize::MAX);
        let mut chunk = vec![0; CHUNK_BYTES.min(rest.saturating_add(1))];
        loop {
            let length = self.file.read_at(&mut chunk, position.offset).map_err(self.io("read"))?;
            let mut rest = &chunk[..length];
            loop {
                if inventory.stock().revision >= last {
                    return Ok(Ending::Stopped);
                }
                if rest.first().is_none_or(|byte| *byte == 0) {
                    break;
                }
                let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { break };
                let Ok((line, chain)) = decode::<RecordLine>(&rest[..end], position.chain) else {
                    let seal = decode::<SealLine>(&rest[..end], position.chain);
                    return Ok(seal.map_or(Ending::Broken, |_| Ending::Sealed));
                };
                self.fold(line, position.line, inventory)?;
                each(inventory);
                position.offset += end as u64 + 1;
                position.line += 1;
                position.chain = chain;
                rest = &rest[end + 1..];
            }
            match rest.first() {
                None if length < chunk.len() => return Ok(Ending::Clean),
                Some(0) => return Ok(Ending::Clean),
                Some(_) if rest.len() >= LINE_BYTES_MAX || length < chunk.len() => {
                    return Ok(Ending::Broken);
                }
                _ => {}
            }
        }
    }

    fn fold(
        &self,
        line: RecordLine,
        number: u64,
        inventory: &mut Inventory,
    ) -> Result<(), LedgerError> {
        let damaged =
            |reason: String| LedgerError::Damaged { path: self.path.clone(), line: number, reason };
        let record = line.into_record();
        let record = record.ok_or_else(|| damaged("not exactly one change".to_owned()))?;
        inventory.fold(&record).map_err(|fault| damaged(fault.to_string()))
    }

    /// How many bytes a crash left behind `position`, where the next revision is `next`.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] where a record of a later turn stands there:
    /// that was acknowledged, so what is broken is no torn tail.
    pub fn torn_tail(&self, position: Position, next: u64) -> Result<usize, LedgerError> {
        let size = self.file.size().map_err(self.io("read"))?;
        let length = usize::try_from(size.saturating_sub(position.offset)).unwrap_or(usize::MAX);
        let bytes = self.read(position.offset, length)?;
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        match tail::first_record_of_a_later_turn(&bytes[..used], next) {
            None => Ok(used),
            Some(later) => {
                let reason = format!("broken, but revision `{later}` stands behind it");
                let path = self.path.clone();
                Err(LedgerError::Damaged { path, line: position.line, reason })
            }
        }
    }

    /// Overwrites `length` bytes behind `position` with zeros, and syncs that.
    ///
    /// # Errors
    /// [`LedgerError::Io`].
    pub fn clear(&self, position: Position, length: usize) -> Result<(), LedgerError> {
        self.file.write_at(&vec![0; length], position.offset).map_err(self.io("clear"))?;
        self.file.sync().map_err(self.io("sync"))
    }

    /// Writes the lines from `from` to `to` once more, and syncs them.
    ///
    /// A sync that failed leaves the lines in the page cache, for everybody to
    /// read, and counts them as written. Only another write and another sync
    /// make what was read here durable.
    ///
    /// # Errors
    /// [`LedgerError::Commit`]: this process must not rely on what it read.
    pub fn write_again(&self, from: Position, to: Position) -> Result<(), LedgerError> {
        let commit = |action| {
            let path = self.path.clone();
            move |source| LedgerError::Commit { action, path, source }
        };
        let length = usize::try_from(to.offset - from.offset).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        self.file.read_at(&mut bytes, from.offset).map_err(commit("read"))?;
        self.file.write_at(&bytes, from.offset).map_err(commit("write"))?;
        self.file.sync().map_err(commit("sync"))
    }

    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, LedgerError> {
        let mut bytes = vec![0; length];
        let length = self.file.read_at(&mut bytes, offset).map_err(self.io("read"))?;
        bytes.truncate(length);
        Ok(bytes)
    }

    /// How many bytes of records can be appended at `position`.
    pub fn room_bytes(&self, position: Position) -> usize {
        let room = self.size.saturating_sub(position.offset + SEAL_BYTES_MAX);
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    /// How long the segment is, zeros and all, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Ends the segment at `position`: it goes on in the one whose first record is `next`.
    ///
    /// Needs no sync: the next segment tells as well that it is there.
    ///
    /// # Errors
    /// [`LedgerError::Io`].
    pub fn seal(&self, position: Position, next: u64) -> Result<(), LedgerError> {
        let mut line = Vec::new();
        let seal = SealLine { continued_at: next };
        encode(&seal, position.chain, &mut line)
            .map_err(|fault| damaged(&self.path, position.line, &fault))?;
        self.file.write_at(&line, position.offset).map_err(self.io("write"))
    }

    /// Appends `records` at `position`, which they move on; `synced`: they survive a power cut.
    ///
    /// # Errors
    /// [`LedgerError::Commit`]: they may be in the ledger or not.
    pub fn append(
        &self,
        position: &mut Position,
        records: &mut Vec<Record>,
        synced: bool,
    ) -> Result<(), LedgerError> {
        let commit = |action| {
            let path = self.path.clone();
            move |source| LedgerError::Commit { action, path, source }
        };
        let Some(turn) = records.first().map(|record| record.revision) else { return Ok(()) };
        let mut lines = Vec::with_capacity(records.len() * 128);
        let mut end = *position;
        for record in records.drain(..) {
            let line = RecordLine::of(record, turn);
            end.chain = encode(&line, end.chain, &mut lines)
                .map_err(|fault| damaged(&self.path, end.line, &fault))?;
            end.line += 1;
        }
        end.offset += lines.len() as u64;
        assert!(end.offset <= self.size, "a turn is larger than what was reserved for it");
        self.file.write_at(&lines, position.offset).map_err(commit("write"))?;
        if synced {
            self.file.sync().map_err(commit("sync"))?;
        }
        *position = end;
        Ok(())
    }

    /// Makes all that was written to this segment survive a power cut.
    ///
    /// # Errors
    /// [`LedgerError::Commit`]: this process must not rely on what it read.
    pub fn sync(&self) -> Result<(), LedgerError> {
        let path = self.path.clone();
        self.file.sync().map_err(|source| LedgerError::Commit { action: "sync", path, source })
    }

    fn io(&self, action: &'static str) -> impl Fn(std::io::Error) -> LedgerError + use<'_, F> {
        move |source| LedgerError::Io { action, path: self.path.clone(), source }
    }
}

fn damaged(path: &Path, line: u64, fault: &LineFault) -> LedgerError {
    LedgerError::Damaged { path: path.to_owned(), line, reason: fault.to_string() }
}
