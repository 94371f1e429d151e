//! Memory that a worker process shares with whoever leads the run: what it has written there
//! outlives it, and costs no system call.
//!
//! One side writes entries, one behind the other; the other side reads them, from time to time.
//! Once everything was read the journal is emptied and begun anew, so that a hundred of them need no
//! more memory than what comes between two readings.
//!
//! Two marks say how far each side is. A mark is a lap, which is counted from one emptying to the next, and a
//! place in it.
//!
//! Before the entries each client has a row for the operation that it has open, if any: it is begun
//! there, and written over by the next one.
//!
//! # Invariants
//! - An entry is behind the writer's mark only once it is whole: a writer that is killed leaves no
//!   half of one.
//! - The journal is emptied only where the reader's mark has reached the writer's.
//! - What stands in a row, where that is read before the entries, and is ended by none of these, is
//!   open: an entry is written before the next operation is begun.
//! - The number of an operation is the last thing that is written in its row: a writer that is killed
//!   leaves the row of the one before, which has ended.

use std::{fs::File, mem, thread::sleep, time::Duration};

use vm_memory::ByteValued;

use super::{
    entry::{Begun, Encoded, Entry, NoEntry, OPEN_WORDS, halves},
    memory::{Memory, MemoryError, WORD},
};

/// Where the reader's mark is, and the writer's: no cache line has both.
const READ: usize = 0;
const WRITTEN: usize = CACHE_LINE;

/// Where the clients' rows begin: a client that is alone has its own beside the writer's mark.
const ROWS: usize = WRITTEN + WORD;

/// How many bytes a cache line has.
const CACHE_LINE: usize = 64;

/// So many bytes of entries have room, the longest answer that is read among them. Only what
/// was written once takes memory.
const ROOM: usize = 4 << 20;

/// How long a writer waits at a time for the journal to be read.
const PAUSE: Duration = Duration::from_millis(1);

/// How often a reader looks again whether more was written while it read.
const LOOKS_MAX: usize = 8;

/// What is wrong with a journal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// There is none.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The writer's mark points outside.
    #[error("the journal is garbled: {0} bytes are said to stand in {ROOM}")]
    Outside(usize),
    /// What stands there is no entry.
    #[error("the journal is garbled: {0}")]
    NoEntry(#[from] NoEntry),
}

/// How far one side is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark {
    lap: u32,
    place: u32,
}

impl Mark {
    fn pack(self) -> u64 {
        u64::from(self.lap) << 32 | u64::from(self.place)
    }

    fn unpack(packed: u64) -> Self {
        let [lap, place] = halves(packed);
        Self { lap, place }
    }
}

/// Where entries begin behind the rows of so many clients.
fn entries(clients: usize) -> usize {
    (ROWS + clients * OPEN_WORDS * WORD).next_multiple_of(CACHE_LINE)
}

/// Where the words are that say what a client has open.
fn row(slot: usize) -> [usize; OPEN_WORDS] {
    let start = ROWS + slot * OPEN_WORDS * WORD;
    std::array::from_fn(|word| start + word * WORD)
}

/// The side that writes.
#[derive(Debug)]
pub(super) struct JournalWriter {
    memory: Memory,
    clients: usize,
    written: Mark,
    has_waited: bool,
}

impl JournalWriter {
    /// Writes on the journal that `file` is the memory of, for so many clients.
    ///
    /// # Errors
    /// It is the memory of none.
    pub(super) fn open(file: File, clients: usize) -> Result<Self, JournalError> {
        let memory = Memory::map(file, entries(clients) + ROOM)?;
        Ok(Self { memory, clients, written: Mark::default(), has_waited: false })
    }

    /// Writes in the row of the client on `slot` that it has `begun` an operation.
    pub(super) fn begin(&mut self, slot: usize, begun: &Begun) {
        assert!(slot < self.clients, "no client has that row");
        // IMPORTANT: in this order, the number last.
        for (at, word) in row(slot).into_iter().zip(begun.encode()) {
            self.memory.store(at, word);
        }
    }

    /// Writes `entry`; waits for the journal to be read where there is no room left. Returns whether
    /// that was so for the first time.
    pub(super) fn write(&mut self, entry: &Entry<'_>) -> bool {
        let had_waited = self.has_waited;
        let entry = entry.encode();
        let Encoded { words, parts } = &entry;
        let place = self.make_room(entry.length());
        let first = entries(self.clients);
        let mut at = first + place as usize;
        for bytes in [ByteValued::as_slice(words), &parts[0], &parts[1]] {
            self.memory.write(bytes, at);
            at += bytes.len();
        }
        self.written.place = u32::try_from(at - first).expect("room has 32 bits");
        self.memory.store(WRITTEN, self.written.pack());
        self.has_waited && !had_waited
    }

    /// Where the next `length` bytes go.
    fn make_room(&mut self, length: usize) -> u32 {
        assert!(length <= ROOM, "no answer is that long");
        loop {
            if Mark::unpack(self.memory.load(READ)) == self.written {
                self.written = Mark { lap: self.written.lap.wrapping_add(1), place: 0 };
                return 0;
            }
            if self.written.place as usize + length <= ROOM {
                return self.written.place;
            }
            self.has_waited = true;
            sleep(PAUSE);
        }
    }
}

/// The side that reads.
#[derive(Debug)]
pub(super) struct JournalReader {
    memory: Memory,
    clients: usize,
    read: Mark,
    /// What was read and not made sense of.
    bytes: Vec<u8>,
}

impl JournalReader {
    /// Makes a journal for so many clients; the file is its memory, for whoever is to write on it.
    ///
    /// # Errors
    /// The system gives no memory.
    pub(super) fn make(clients: usize) -> Result<(Self, File), JournalError> {
        let (memory, file) = Memory::make(entries(clients) + ROOM)?;
        Ok((Self { memory, clients, read: Mark::default(), bytes: Vec::new() }, file))
    }

    /// What stands in the clients' rows, one after the other. It is open if it is not ended by what is
    /// read after this.
    pub(super) fn rows(&self) -> impl Iterator<Item = Option<Begun>> {
        (0..self.clients).map(|slot| {
            let [due, sent, of, last] = row(slot);
            // IMPORTANT: the number first: whoever sees it sees what was written before.
            let last = self.memory.load(last);
            let [due, sent, of] = [due, sent, of].map(|at| self.memory.load(at));
            Begun::decode([due, sent, of, last])
        })
    }

    /// Takes in what was written since the last time, in its order; returns how full the journal was,
    /// from 0 to 1.
    ///
    /// # Errors
    /// Somebody has written something else there: nothing more can be read.
    pub(super) fn read(&mut self, mut take_in: impl FnMut(Entry<'_>)) -> Result<f64, JournalError> {
        for _ in 0..LOOKS_MAX {
            let written = Mark::unpack(self.memory.load(WRITTEN));
            if written == self.read {
                break;
            }
            self.copy(written)?;
        }
        // Whatever comes of it, nothing is taken in twice.
        let mut bytes = mem::take(&mut self.bytes);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (entry, behind) = Entry::decode(rest)?;
            take_in(entry);
            rest = behind;
        }
        bytes.clear();
        self.bytes = bytes;
        Ok(f64::from(self.read.place) / ROOM as f64)
    }

    /// Copies everything before `written`, and says so at once: a writer that finds all of it read
    /// can begin anew.
    fn copy(&mut self, written: Mark) -> Result<(), JournalError> {
        let from = if written.lap == self.read.lap { self.read.place as usize } else { 0 };
        let to = written.place as usize;
        if to < from || to > ROOM {
            return Err(JournalError::Outside(to));
        }
        let known = self.bytes.len();
        self.bytes.resize(known + (to - from), 0);
        self.memory.read(&mut self.bytes[known..], entries(self.clients) + from);
        self.read = written;
        self.memory.store(READ, written.pack());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use proptest::prelude::*;

    use super::*;
    use crate::{
        plan::Action,
        shop::Reply,
        worker::entry::{End, tests::some_entry},
    };

    const CLIENTS: usize = 3;

    fn both_sides() -> (JournalWriter, JournalReader) {
        let (reader, file) = JournalReader::make(CLIENTS).unwrap();
        (JournalWriter::open(file, CLIENTS).unwrap(), reader)
    }

    /// What was written since the last time, as text: entries borrow from the journal.
    fn read(reader: &mut JournalReader) -> Vec<String> {
        let mut entries = Vec::new();
        reader.read(|entry| entries.push(format!("{entry:?}"))).unwrap();
        entries
    }

    fn texts<'a>(entries: impl IntoIterator<Item = Entry<'a>>) -> Vec<String> {
        entries.into_iter().map(|entry| format!("{entry:?}")).collect()
    }

    fn unsent(due_ns: u64) -> Entry<'static> {
        Entry::Unsent { due_ns, now_ns: u64::MAX }
    }

    /// An entry of more than 100,000 bytes.
    fn long(client: u32) -> Entry<'static> {
        let reply =
            Reply { status: 201, received_ns: u64::MAX, head: &[7; 100], body: &[8; 100_000] };
        Entry::Ended { client, begun: begun(u64::from(client)), end: End::Reply(reply) }
    }

    fn begun(number: u64) -> Begun {
        Begun {
            number,
            action: Action::Buy,
            of: None,
            is_counted: true,
            due_ns: number,
            sent_ns: number,
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_once_and_in_order(
            parts in prop::collection::vec(prop::collection::vec(some_entry(), 0..8), 1..6),
        ) {
            let (mut writer, mut reader) = both_sides();
            for part in parts {
                prop_assert!(part.iter().all(|entry| !writer.write(entry)));
                prop_assert_eq!(read(&mut reader), texts(part));
            }
        }
    }

    #[test]
    fn what_was_written_outlives_its_writer_and_half_an_entry_is_none() {
        let (mut writer, mut reader) = both_sides();
        writer.write(&unsent(1));
        // Killed before it has moved its mark.
        writer.memory.write(&[2, 7], entries(CLIENTS) + writer.written.place as usize);
        drop(writer);
        assert_eq!(read(&mut reader), texts([unsent(1)]));
        assert!(read(&mut reader).is_empty());
    }

    #[test]
    fn a_journal_that_was_read_is_begun_anew() {
        let (mut writer, mut reader) = both_sides();
        for number in 0..1000 {
            writer.write(&long(number));
            assert_eq!(read(&mut reader), texts([long(number)]));
        }
        assert!((writer.written.place as usize) < ROOM / 8, "{writer:?}");
    }

    #[test]
    fn a_full_journal_waits_for_its_reader_and_loses_nothing() {
        let (mut writer, mut reader) = both_sides();
        let (done, is_done) = mpsc::channel();
        let writing = thread::spawn(move || {
            let waits = (0..200).filter(|number| writer.write(&long(*number))).count();
            done.send(()).unwrap();
            waits
        });
        // More than there is room for: without a reader it does not end.
        assert!(is_done.recv_timeout(Duration::from_millis(200)).is_err());
        let mut entries = Vec::new();
        while !writing.is_finished() {
            entries.extend(read(&mut reader));
        }
        entries.extend(read(&mut reader));
        // It says so once.
        assert_eq!(writing.join().unwrap(), 1);
        assert!(entries == texts((0..200).map(long)));
    }

    #[test]
    fn every_client_has_a_row_of_its_own() {
        let (mut writer, mut reader) = both_sides();
        assert_eq!(reader.rows().flatten().count(), 0);
        for (slot, number) in [(2, 0), (0, 7), (2, 1)] {
            writer.begin(slot, &begun(number));
        }
        writer.write(&long(1));
        assert_eq!(reader.rows().collect::<Vec<_>>(), [Some(begun(7)), None, Some(begun(1))]);
        // Neither is in the way of the other.
        assert_eq!(read(&mut reader), texts([long(1)]));
    }

    /// One side goes from one operation to the next while the other looks.
    #[test]
    fn what_is_open_is_whole_whenever_it_is_looked_at() {
        const OPERATIONS: u64 = 1_000_000;
        let (mut writer, mut reader) = both_sides();
        let writing = thread::spawn(move || {
            for number in 1..=OPERATIONS {
                writer.begin(1, &begun(number));
                writer.write(&unsent(number));
            }
        });
        let (mut ended, mut open) = (0, 0);
        while ended < OPERATIONS {
            let rows: Vec<_> = reader.rows().flatten().collect();
            reader
                .read(|entry| {
                    ended += 1;
                    assert_eq!(entry, unsent(ended));
                })
                .unwrap();
            for row in rows.into_iter().filter(|row| row.number > ended) {
                open += 1;
                assert_eq!(row, begun(ended + 1));
            }
        }
        writing.join().unwrap();
        assert!(open > 0, "nothing was seen open");
    }

    #[test]
    fn garbage_is_told_and_not_believed() {
        // Too long, of no kind, cut by the mark, and too long again.
        for (mark, bytes, is_outside) in [
            (Mark { lap: 1, place: 64 }, [9; 64], false),
            (Mark { lap: 1, place: 48 }, [0; 64], false),
            (Mark { lap: 1, place: 8 }, [1; 64], false),
            (Mark { lap: 0, place: 64 }, [0xff; 64], false),
            (Mark { lap: 1, place: u32::MAX }, [2; 64], true),
        ] {
            let (writer, mut reader) = both_sides();
            writer.memory.write(&bytes, entries(CLIENTS));
            writer.memory.store(WRITTEN, mark.pack());
            let error = reader.read(|entry| panic!("{entry:?}")).unwrap_err();
            assert_eq!(matches!(error, JournalError::Outside(_)), is_outside, "{mark:?}: {error}");
        }
    }

    #[test]
    fn a_mark_that_goes_back_is_garbage() {
        let (mut writer, mut reader) = both_sides();
        writer.write(&unsent(1));
        assert_eq!(read(&mut reader).len(), 1);
        writer.memory.store(WRITTEN, Mark { lap: 1, place: 1 }.pack());
        assert!(matches!(reader.read(|_| {}), Err(JournalError::Outside(1))));
    }
}
