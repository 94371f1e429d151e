//! A file of records: a header line, record lines, and zeros up to its end.
//!
//! The zeros are written and synced ahead of need, so that a commit overwrites
//! bytes that the disk has already: its sync then writes data and no metadata.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{Inconsistent, Record},
    ledger::{
        file::{
            disk::{Disk, DiskFile},
            error::{CommitError, LogError},
            format::tail,
            layout::Layout,
            log::preallocation::Zeros,
        },
        format::{
            base::{Base, FORMAT_VERSION},
            record_line::{
                LINE_BYTES_MAX, LineFault, RecordLine, claimed_checksum, decode, encode,
            },
        },
    },
};

/// How much is read at once, in bytes.
const CHUNK_BYTES: usize = 256 << 10;

/// How much is read at once where little is expected, in bytes.
const BLOCK_BYTES: usize = 4 << 10;

/// The longest line that ends a segment, in bytes.
const SEAL_BYTES_MAX: u64 = 64;

/// The line that ends a segment.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealLine {
    /// The first revision of the segment that goes on.
    continued_at: u64,
}

/// A position between two lines.
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

/// What a line is, with the checksum of a record's.
enum Line {
    Record(Record, u32),
    Ending(Ending),
}

/// Whether a reader wants more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The next record, too.
    GoesOn,
    /// This was the last one.
    Stops,
}

/// An open segment.
#[derive(Debug)]
pub struct Segment<F> {
    path: PathBuf,
    file: F,
    is_read_only: bool,
    header: Base,
    records_start: Position,
    size: u64,
}

impl<F: DiskFile> Segment<F> {
    /// Makes `zeros` the segment that begins with `header`; durable, name and all, on return where the folder of the
    /// ledger is.
    ///
    /// # Errors
    /// [`LogError::Io`]; nothing reads what may be left behind then.
    pub fn create<D: Disk<File = F>>(
        disk: &D,
        layout: &Layout,
        zeros: &Zeros<D>,
        header: &Base,
    ) -> Result<Self, LogError> {
        let path = layout.segment(header.revision + 1);
        let io = |action| {
            let path = path.clone();
            move |source| LogError::Io { action, path, source }
        };
        let mut line = Vec::new();
        encode(header, 0, &mut line).map_err(|fault| damaged(&path, 1, &fault))?;
        zeros.file.write_at(&line, 0).map_err(io("write"))?;
        zeros.file.sync().map_err(io("sync"))?;
        disk.rename(&zeros.path, &path).map_err(io("name"))?;
        disk.sync_dir(&layout.folder).map_err(io("sync the folder of"))?;
        Self::open(disk, &path)
    }

    /// Opens the segment at `path` and reads its header.
    ///
    /// # Errors
    /// [`LogError::Io`]; [`LogError::Damaged`] where the header is not
    /// sound or is of another version.
    pub fn open<D: Disk<File = F>>(disk: &D, path: &Path) -> Result<Self, LogError> {
        Self::of(path, disk.open(path), false)
    }

    /// As [`Segment::open`], to read only.
    ///
    /// # Errors
    /// As [`Segment::open`].
    pub fn open_to_read<D: Disk<File = F>>(disk: &D, path: &Path) -> Result<Self, LogError> {
        Self::of(path, disk.open_to_read(path), true)
    }

    /// Opens the segment at `path` as this one was opened.
    ///
    /// # Errors
    /// As [`Segment::open`].
    pub fn open_another<D: Disk<File = F>>(&self, disk: &D, path: &Path) -> Result<Self, LogError> {
        if self.is_read_only { Self::open_to_read(disk, path) } else { Self::open(disk, path) }
    }

    fn of(path: &Path, opened: io::Result<F>, is_read_only: bool) -> Result<Self, LogError> {
        let io = |action| move |source| LogError::Io { action, path: path.to_owned(), source };
        let file = opened.map_err(io("open"))?;
        let size = file.size().map_err(io("read"))?;
        let mut bytes = vec![0; LINE_BYTES_MAX];
        let length = file.read_at(&mut bytes, 0).map_err(io("read"))?;
        let end = bytes[..length].iter().position(|byte| *byte == b'\n');
        let line = end.map_or(&bytes[..0], |end| &bytes[..end]);
        let (header, chain) = decode::<Base>(line, 0).map_err(|fault| damaged(path, 1, &fault))?;
        if !(1..=FORMAT_VERSION).contains(&header.ledger) {
            let reason = format!(
                "version `{}` of the ledger; this program reads up to `{FORMAT_VERSION}`",
                header.ledger
            );
            return Err(LogError::Damaged { path: path.to_owned(), line: 1, reason });
        }
        if !header.is_possible() {
            let reason = "a number in the header is past its limit".to_owned();
            return Err(LogError::Damaged { path: path.to_owned(), line: 1, reason });
        }
        let records_start = Position { offset: line.len() as u64 + 1, line: 2, chain };
        Ok(Self { path: path.to_owned(), file, is_read_only, header, records_start, size })
    }

    /// The segment's first line.
    pub fn header(&self) -> &Base {
        &self.header
    }

    /// The position of the first record.
    pub fn records_start(&self) -> Position {
        self.records_start
    }

    /// Whether this is still the file under its name.
    pub fn is_in_place<D: Disk<File = F>>(&self, disk: &D) -> bool {
        let id = self.file.id().ok();
        id.is_some() && disk.stat(&self.path).ok().map(|stat| stat.id) == id
    }

    /// The segment's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether anything stands at `position`.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn has_more(&self, position: Position) -> Result<bool, LogError> {
        let mut byte = [0];
        let length = self.file.read_at(&mut byte, position.offset);
        length.map_err(self.io("read")).map(|length| length > 0 && byte != [0])
    }

    /// Whether all is there that this process knows, up to the line ahead of `position`: not where another file was
    /// copied over this one.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn is_known_up_to(&self, position: Position) -> Result<bool, LogError> {
        let begin = position.offset.saturating_sub(LINE_BYTES_MAX as u64);
        let length = usize::try_from(position.offset - begin).unwrap_or(usize::MAX);
        let bytes = self.read(begin, length)?;
        let Some(lines) = bytes.strip_suffix(b"\n") else { return Ok(false) };
        let last = lines.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        // IMPORTANT: the size, too: in a file that is being copied a turn may write behind what is there.
        let size = self.file.size().map_err(self.io("read"))?;
        Ok(size >= self.size && claimed_checksum(last) == Some(position.chain))
    }

    /// Whether the line at `position` is the one that says that another segment goes on.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn is_sealed_at(&self, position: Position) -> Result<bool, LogError> {
        let bytes = self.read(position.offset, LINE_BYTES_MAX)?;
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        Ok(decode::<SealLine>(line, position.chain).is_ok())
    }

    /// Reads the records from `position` on, which they move on, until `each` wants no more.
    ///
    /// # Errors
    /// [`LogError::Io`]; [`LogError::Damaged`] where a line with a sound checksum is no record that
    /// this program knows, or where `each` finds that it does not follow.
    pub fn read_on(
        &self,
        position: &mut Position,
        each: &mut dyn FnMut(Record) -> Result<Reading, Inconsistent>,
    ) -> Result<Ending, LogError> {
        self.read_a_few(position, u64::MAX, each)
    }

    /// As [`Segment::read_on`], reading no more at once than `records` take at most.
    ///
    /// # Errors
    /// As [`Segment::read_on`].
    pub(super) fn read_a_few(
        &self,
        position: &mut Position,
        records: u64,
        each: &mut dyn FnMut(Record) -> Result<Reading, Inconsistent>,
    ) -> Result<Ending, LogError> {
        let rest = usize::try_from(self.size.saturating_sub(position.offset)).unwrap_or(usize::MAX);
        let asked = usize::try_from(records).unwrap_or(usize::MAX).saturating_mul(LINE_BYTES_MAX);
        // IMPORTANT: a line has room, for a file may have grown: one without zeros, of a backup, that was sealed since.
        let mut chunk = vec![0; CHUNK_BYTES.min(asked).min(rest.saturating_add(LINE_BYTES_MAX))];
        loop {
            let length = self.file.read_at(&mut chunk, position.offset).map_err(self.io("read"))?;
            let mut rest = &chunk[..length];
            while rest.first().is_some_and(|byte| *byte != 0) {
                let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { break };
                let (record, chain) = match self.line(&rest[..end], *position)? {
                    Line::Record(record, chain) => (record, chain),
                    Line::Ending(ending) => return Ok(ending),
                };
                let reading = each(record);
                let reading = reading.map_err(|fault| self.damaged(*position, &fault))?;
                position.offset += end as u64 + 1;
                position.line += 1;
                position.chain = chain;
                if reading == Reading::Stops {
                    return Ok(Ending::Stopped);
                }
                rest = &rest[end + 1..];
            }
            match rest.first() {
                None if length < chunk.len() => return Ok(Ending::Clean),
                Some(0) => return Ok(Ending::Clean),
                Some(_) if rest.len() >= LINE_BYTES_MAX || length < chunk.len() => {
                    return Ok(Ending::Broken);
                }
                _ => assert!(rest.len() < length, "a line has room in what is read at once"),
            }
        }
    }

    /// What the line at `position` is; `line` is without its newline.
    fn line(&self, line: &[u8], position: Position) -> Result<Line, LogError> {
        match decode::<RecordLine>(line, position.chain) {
            Ok((line, _)) if line.version() > self.header.ledger => {
                let (line, file) = (line.version(), self.header.ledger);
                let reason = format!("a line of version `{line}` in a file of version `{file}`");
                Err(self.damaged(position, &reason))
            }
            Ok((line, chain)) => Ok(Line::Record(line.record, chain)),
            // Its checksum fits, so it is what somebody wrote: a newer program, perhaps.
            Err(LineFault::Text(fault)) => {
                match decode::<SealLine>(line, position.chain) {
                    Ok(_) => Ok(Line::Ending(Ending::Sealed)),
                    Err(_) => Err(self
                        .damaged(position, &format!("no line that this program knows: {fault}"))),
                }
            }
            Err(LineFault::Shape | LineFault::Checksum) => Ok(Line::Ending(Ending::Broken)),
        }
    }

    fn damaged(&self, position: Position, reason: &(impl ToString + ?Sized)) -> LogError {
        LogError::Damaged {
            path: self.path.clone(),
            line: position.line,
            reason: reason.to_string(),
        }
    }

    /// Where zeros begin that go on to the end of the segment, from `offset` on; `without_gap`: to the end of a block.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub(super) fn end_of_bytes(&self, offset: u64, without_gap: bool) -> Result<u64, LogError> {
        let mut block = vec![0; if without_gap { BLOCK_BYTES } else { CHUNK_BYTES }];
        let (mut end, mut next) = (offset, offset);
        loop {
            let length = self.file.read_at(&mut block, next).map_err(self.io("read"))?;
            match block[..length].iter().rposition(|byte| *byte != 0) {
                Some(last) => end = next + last as u64 + 1,
                None if without_gap => return Ok(end),
                None => {}
            }
            if length < block.len() {
                return Ok(end);
            }
            next += length as u64;
        }
    }

    /// How many bytes a crash left behind `position`, where the next revision is `next`, and zeros go on from `end`.
    ///
    /// # Errors
    /// [`LogError::Damaged`] where a record of a later turn stands there:
    /// that was acknowledged, so what is broken is no torn tail.
    pub(super) fn torn_tail(
        &self,
        position: Position,
        next: u64,
        end: u64,
    ) -> Result<usize, LogError> {
        let length = usize::try_from(end.saturating_sub(position.offset)).unwrap_or(usize::MAX);
        let bytes = self.read(position.offset, length)?;
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        match tail::first_record_of_a_later_turn(&bytes[..used], next) {
            None => Ok(used),
            Some(later) => {
                let reason = format!("broken, but revision `{later}` stands behind it");
                let path = self.path.clone();
                Err(LogError::Damaged { path, line: position.line, reason })
            }
        }
    }

    /// Overwrites `length` bytes behind `position` with zeros, and syncs that.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn clear(&self, position: Position, length: usize) -> Result<(), LogError> {
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
    /// [`CommitError`]: this process must not rely on what it read.
    pub fn write_again(&self, from: Position, to: Position) -> Result<(), CommitError> {
        let length = usize::try_from(to.offset - from.offset).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        self.file.read_at(&mut bytes, from.offset).map_err(self.commit("read"))?;
        self.file.write_at(&bytes, from.offset).map_err(self.commit("write"))?;
        self.sync()
    }

    /// Makes all of a segment survive a power cut that is full, and written by nobody any more; see
    /// [`Segment::write_again`].
    ///
    /// # Errors
    /// [`LogError`].
    pub fn settle_end(&self) -> Result<(), LogError> {
        // All but the seal was synced before, and no block ahead of the last is all zeros. The seal alone may stand behind
        // the file's size as it was opened.
        let (mut used, mut zeros) = (0, self.size / BLOCK_BYTES as u64 + 1);
        while zeros - used > 1 {
            let middle = used + (zeros - used) / 2;
            let block = self.read(middle * BLOCK_BYTES as u64, BLOCK_BYTES)?;
            let is_zeros = block.iter().all(|byte| *byte == 0);
            *if is_zeros { &mut zeros } else { &mut used } = middle;
        }
        // The seal may begin in the block before.
        let begin = used.saturating_sub(1) * BLOCK_BYTES as u64;
        let bytes = self.read(begin, 2 * BLOCK_BYTES)?;
        self.file.write_at(&bytes, begin).map_err(self.io("write"))?;
        self.file.sync().map_err(self.io("sync"))
    }

    /// Reads `length` bytes at `offset`, fewer where the segment ends.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub(super) fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, LogError> {
        let mut bytes = vec![0; length];
        let length = self.file.read_at(&mut bytes, offset).map_err(self.io("read"))?;
        bytes.truncate(length);
        Ok(bytes)
    }

    /// The offset that records must not pass: behind it is room for the seal.
    pub fn records_end(&self) -> u64 {
        self.size.saturating_sub(SEAL_BYTES_MAX)
    }

    /// How long the segment is, zeros and all, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Ends the segment at `position`: it goes on in the one whose first record is `next`.
    ///
    /// Whoever reads on from this segment needs no sync of it, for the next one tells as well that it is there
    /// ([`Cursor::enter_unannounced`](super::cursor::Cursor::enter_unannounced)); who makes a snapshot of what is behind it
    /// syncs it ([`Segment::settle_end`]).
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn seal(&self, position: Position, next: u64) -> Result<(), LogError> {
        let mut line = Vec::new();
        let seal = SealLine { continued_at: next };
        encode(&seal, position.chain, &mut line)
            .map_err(|fault| damaged(&self.path, position.line, &fault))?;
        self.file.write_at(&line, position.offset).map_err(self.io("write"))
    }

    /// Writes the lines of a batch at `offset`; `synced`: they survive a power cut.
    ///
    /// # Errors
    /// [`CommitError`]: they may be in the ledger or not.
    pub fn write(&self, lines: &[u8], offset: u64, synced: bool) -> Result<(), CommitError> {
        assert!(offset + lines.len() as u64 <= self.size, "a batch is larger than its room");
        self.file.write_at(lines, offset).map_err(self.commit("write"))?;
        if synced { self.sync() } else { Ok(()) }
    }

    /// Makes all that was written to this segment survive a power cut.
    ///
    /// # Errors
    /// [`CommitError`]: this process must not rely on what it read.
    pub fn sync(&self) -> Result<(), CommitError> {
        self.file.sync().map_err(self.commit("sync"))
    }

    fn commit(&self, action: &'static str) -> impl Fn(io::Error) -> CommitError + use<'_, F> {
        move |source| CommitError { action, path: self.path.clone(), source }
    }

    fn io(&self, action: &'static str) -> impl Fn(io::Error) -> LogError + use<'_, F> {
        move |source| LogError::Io { action, path: self.path.clone(), source }
    }
}

fn damaged(path: &Path, line: u64, fault: &LineFault) -> LogError {
    LogError::Damaged { path: path.to_owned(), line, reason: fault.to_string() }
}
