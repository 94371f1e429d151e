//! A file of records: a header line, record lines, and zeros up to its end.
//!
//! The zeros are written and synced ahead of need, so that a commit overwrites
//! bytes that the disk has already: its sync then writes data and no metadata.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{Inventory, Record, Stock},
    ledger::{
        LedgerError,
        file::{
            disk::{Disk, DiskFile},
            layout::Layout,
            record_codec::{LINE_BYTES_MAX, LineFault, RecordLine, decode, encode},
            tail,
        },
    },
};

/// The version of the format that this program writes and reads.
const FORMAT_VERSION: u32 = 1;

/// By how much a segment grows, in bytes.
const GROWTH_BYTES: u64 = 4 << 20;

/// How much is read at once, in bytes.
const CHUNK_BYTES: usize = 256 << 10;

/// The first line of a segment: which counter it is of, and from where it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The version of the format.
    pub ledger: u32,
    /// The counter's secret key, drawn at random when the ledger was made.
    #[serde(with = "hex_key")]
    pub key: [u8; 32],
    /// The revision ahead of the first record.
    pub revision: u64,
    /// What was left at that revision.
    pub count: u64,
    /// The ticket numbers given out by then.
    pub sold: u64,
    /// When that was, in milliseconds since 1970 UTC.
    pub at_ms: u64,
}

impl Header {
    /// The header of a segment that goes on from `inventory`.
    pub fn of(key: [u8; 32], inventory: &Inventory) -> Self {
        let Stock { remaining: count, sold, revision } = inventory.stock();
        Self { ledger: FORMAT_VERSION, key, revision, count, sold, at_ms: inventory.at_ms() }
    }

    /// The inventory ahead of the first record.
    pub fn inventory(&self) -> Inventory {
        let &Self { key, revision, count: remaining, sold, at_ms, .. } = self;
        let mut secret = [0; 16];
        secret.copy_from_slice(&key[..16]);
        Inventory::new(Stock { remaining, sold, revision }, at_ms).with_secret(secret)
    }
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
    /// Makes the segment that goes on from `inventory`; it is durable, name and all, on return.
    ///
    /// # Errors
    /// [`LedgerError::Io`]; a segment without its name may be left behind then,
    /// and the next try replaces it.
    pub fn create<D: Disk<File = F>>(
        disk: &D,
        layout: &Layout,
        key: [u8; 32],
        inventory: &Inventory,
    ) -> Result<Self, LedgerError> {
        let (draft, path) =
            (layout.segment_draft(), layout.segment(inventory.stock().revision + 1));
        let io = |action| {
            let path = draft.clone();
            move |source| LedgerError::Io { action, path, source }
        };
        disk.remove(&draft).map_err(io("remove"))?;
        let file = disk.create_new(&draft).map_err(io("create"))?;
        let header = Header::of(key, inventory);
        let mut bytes = Vec::new();
        encode(&header, 0, &mut bytes).map_err(|fault| damaged(&draft, 1, &fault))?;
        bytes.resize(usize::try_from(GROWTH_BYTES).unwrap_or(bytes.len()), 0);
        file.write_at(&bytes, 0).map_err(io("write"))?;
        file.sync().map_err(io("sync"))?;
        disk.rename(&draft, &path).map_err(io("rename"))?;
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
        let mut chunk = vec![0; CHUNK_BYTES];
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
                    return Ok(Ending::Broken);
                };
                self.fold(line, position.line, inventory)?;
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

    /// Clears what a crash left behind `position`, where the next revision is `next`.
    ///
    /// Gives how many bytes were dropped.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] where a record of a later turn stands there:
    /// that was acknowledged, so what is broken is no torn tail.
    pub fn drop_torn_tail(&self, position: Position, next: u64) -> Result<u64, LedgerError> {
        let size = self.file.size().map_err(self.io("read"))?;
        let length = usize::try_from(size.saturating_sub(position.offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        let length = self.file.read_at(&mut bytes, position.offset).map_err(self.io("read"))?;
        let used = bytes[..length].iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let bytes = &bytes[..used];
        if let Some(later) = tail::first_record_of_a_later_turn(bytes, position.chain, next) {
            let reason = format!("broken, but revision `{later}` behind it is sound");
            let path = self.path.clone();
            return Err(LedgerError::Damaged { path, line: position.line, reason });
        }
        if used > 0 {
            let zeros = vec![0; used];
            self.file.write_at(&zeros, position.offset).map_err(self.io("clear"))?;
            self.file.sync().map_err(self.io("sync"))?;
        }
        Ok(used as u64)
    }

    /// Makes sure that `bytes` more can be appended at `position` without growing.
    ///
    /// # Errors
    /// [`LedgerError::Io`], for example without room on the disk; no record was touched.
    pub fn reserve(&mut self, position: Position, bytes: u64) -> Result<(), LedgerError> {
        // Another server may have let it grow.
        if position.offset + bytes > self.size {
            self.size = self.file.size().map_err(self.io("read"))?;
        }
        while position.offset + bytes > self.size {
            let zeros = vec![0; usize::try_from(GROWTH_BYTES).unwrap_or(CHUNK_BYTES)];
            self.file.write_at(&zeros, self.size).map_err(self.io("lengthen"))?;
            self.file.sync().map_err(self.io("sync"))?;
            self.size += zeros.len() as u64;
        }
        Ok(())
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

    /// Makes all that any process has written to this segment survive a power cut.
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

/// A key as 64 hexadecimal digits.
mod hex_key {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(
        key: &[u8; 32],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&digits)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<[u8; 32], D::Error> {
        let digits = String::deserialize(deserializer)?;
        let mut key = [0; 32];
        if digits.len() != 64 || !digits.is_ascii() {
            return Err(D::Error::custom("the key is not 64 hexadecimal digits"));
        }
        for (byte, pair) in key.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(D::Error::custom)?;
            *byte = u8::from_str_radix(pair, 16).map_err(D::Error::custom)?;
        }
        Ok(key)
    }
}
