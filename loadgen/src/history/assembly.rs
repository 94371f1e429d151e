//! Histories that are put together from the lines of files, in their order. Pure.
//!
//! Parts name the same `run` in their headers, wherever they stand. Histories without a `run`: the
//! first of each file are parts of one, so are the second of each, and so on. Operations before any
//! header are of the first.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{
    History, Operation,
    lines::{Fault, LINE_LENGTH_MAX, Mark, Parsed, What},
    read_error::ReadError,
    read_limits::{ReadLimits, bytes_of, bytes_of_history},
};

/// What joins the parts of one history.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Run(String),
    /// Without a run: its number among those of its file, from 1.
    Unnamed(usize),
}

/// Histories that are being put together.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    histories: Vec<History>,
    /// Their places in `histories`.
    known: HashMap<Key, usize>,
    /// How many more operations there is room for, and in how many bytes.
    room: usize,
    bytes: u64,
    /// Which of the two was used up.
    full: Option<&'static str>,
    file: String,
    /// Lines of the file before the current block.
    lines: u64,
    /// Where operations of the file go; `None` before anything was read.
    current: Option<usize>,
    /// Histories without a run so far in the file.
    unnamed: usize,
}

impl Assembly {
    /// Nothing yet, and room for what `limits` say.
    pub(super) fn new(limits: ReadLimits) -> Self {
        Self { room: limits.operations, bytes: limits.bytes, ..Self::default() }
    }

    /// Whether there was no room for an operation.
    pub(super) fn is_full(&self) -> bool {
        self.full.is_some()
    }

    /// What comes next stands in the file at `path`.
    pub(super) fn begin_file(&mut self, path: &Path) {
        self.file = path.display().to_string();
        (self.lines, self.current, self.unnamed) = (0, None, 0);
    }

    /// No more stands in the file.
    pub(super) fn end_file(&mut self) {
        if self.current.is_none() {
            let text = format!("{}: nothing in it", self.file);
            self.current().lack(text);
        }
    }

    /// Takes in what stands in the next blocks; false where the file is not to be read any further.
    pub(super) fn take_in(&mut self, blocks: Vec<Parsed>) -> Result<bool, ReadError> {
        for Parsed { operations, marks, lines } in blocks {
            let mut operations = operations.into_iter();
            let mut marks = marks.into_iter().peekable();
            let mut taken = 0;
            while let Some(Mark { at, line, what }) = marks.next() {
                let next = marks.peek().map_or(taken + operations.len(), |mark| mark.at);
                let line = self.lines + line + 1;
                if !self.note(what, line)? {
                    return Ok(false);
                }
                let wanted = next - at;
                let some = operations.as_slice().iter().take(wanted);
                let some = some.take_while(|operation| self.has_room_for(operation)).count();
                taken += some;
                if some > 0 {
                    let file = self.file.clone();
                    let history = self.current();
                    history.places.begin(history.operations.len(), &file, line);
                    history.operations.extend(operations.by_ref().take(some));
                }
                if some < wanted {
                    self.fill_up(line + some as u64);
                    return Ok(false);
                }
            }
            self.lines += lines;
        }
        Ok(true)
    }

    /// Takes in what is no operation; false where the file is not to be read any further.
    fn note(&mut self, what: What, line: u64) -> Result<bool, ReadError> {
        let place = format!("{}:{line}", self.file);
        let named = |fault: Fault| match fault.column {
            Some(column) => (format!("{place}:{column}"), fault.reason),
            None => (place.clone(), fault.reason),
        };
        let history_bytes = match &what {
            What::Header(header) => bytes_of_history(Some(&**header)),
            What::BrokenHeader(_) => bytes_of_history(None),
            _ => 0,
        };
        if !self.has_bytes(history_bytes) {
            self.fill_up(line);
            return Ok(false);
        }
        match what {
            What::Resumed => drop(self.current()),
            What::Header(header) => {
                self.begin_history(header.run.clone());
                self.current().join(*header, &place);
            }
            What::BrokenHeader(fault) => {
                let (place, reason) = named(fault);
                let text = format!("{place}: a header that cannot be read: {reason}");
                // The line may have been one of the history before it.
                if self.current.is_some() {
                    self.current().lack(text.clone());
                }
                self.begin_history(None);
                self.current().join_unread(text);
            }
            What::Version(version) => return Err(ReadError::Version { place, version }),
            What::Broken { fault, looks_like_an_operation } => {
                let (place, reason) = named(fault);
                if self.current.is_none() && !looks_like_an_operation {
                    return Err(ReadError::NoHistory { place, reason });
                }
                self.current().lack(format!("{place}: {reason}"));
            }
            What::TooLong => {
                let reason = format!("longer than {LINE_LENGTH_MAX} bytes");
                if self.current.is_none() {
                    return Err(ReadError::NoHistory { place, reason });
                }
                self.current()
                    .lack(format!("{place}: {reason}, and nothing was read from there on"));
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes the room for `operation`, where there is any.
    fn has_room_for(&mut self, operation: &Operation) -> bool {
        if self.room == 0 {
            self.full = Some("the limit of operations is reached");
            return false;
        }
        self.room -= 1;
        self.has_bytes(bytes_of(operation))
    }

    fn has_bytes(&mut self, wanted: u64) -> bool {
        let rest = self.bytes.checked_sub(wanted);
        if rest.is_none() {
            self.full = Some("half of the free memory is used");
        }
        self.bytes = rest.unwrap_or(0);
        rest.is_some()
    }

    fn fill_up(&mut self, line: u64) {
        let why = self.full.unwrap_or_default();
        let text = format!("{}:{line}: not judged from there on: {why}", self.file);
        self.current().lack(text);
    }

    /// Names files that are not read at all.
    pub(super) fn leave_out(&mut self, files: &[PathBuf]) {
        let why = self.full.unwrap_or_default();
        for file in files {
            let text = format!("{}: not judged: {why}", file.display());
            self.current().lack(text);
        }
    }

    /// The history that operations of the file go to.
    fn current(&mut self) -> &mut History {
        if self.current.is_none() {
            self.begin_history(None);
        }
        &mut self.histories[self.current.unwrap_or(0)]
    }

    fn begin_history(&mut self, run: Option<String>) {
        let key = run.map_or_else(
            || {
                self.unnamed += 1;
                Key::Unnamed(self.unnamed)
            },
            Key::Run,
        );
        let place = *self.known.entry(key).or_insert(self.histories.len());
        if place == self.histories.len() {
            self.histories.push(History::default());
        }
        self.current = Some(place);
    }

    /// The histories, in the order of their first parts.
    pub(super) fn finish(mut self) -> Vec<History> {
        self.histories.iter_mut().for_each(History::finish);
        self.histories
    }
}
