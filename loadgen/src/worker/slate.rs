//! Memory that a worker process shares with whoever leads the run: what it has written there
//! outlives it, and costs no system call.
//!
//! One side writes entries, one behind the other; the other side reads them, from time to time.
//! Once everything was read the slate is wiped and begun anew, so that a hundred of them need no
//! more memory than what comes between two readings.
//!
//! Two marks say how far each side is. A mark is a lap, which is counted from wipe to wipe, and a
//! place in it.
//!
//! # Invariants
//! - An entry is behind the writer's mark only once it is whole: a writer that is killed leaves no
//!   half of one.
//! - The slate is wiped only where the reader's mark has reached the writer's.

use std::{fs::File, io, mem, sync::atomic::Ordering, thread::sleep, time::Duration};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use vm_memory::{Bytes, FileOffset, MmapRegion, VolatileMemory};

use super::entry::Entry;

/// Where the writer's mark is, and the reader's: no cache line has both.
const WRITTEN: usize = 0;
const READ: usize = 64;

/// Where entries begin. They share their first page with the marks.
const ENTRIES: usize = 128;

/// So many bytes of entries have room, the longest answer that a target takes among them. Only what
/// was written once takes memory.
const ROOM: usize = 4 << 20;

/// How long a writer waits at a time for the slate to be read.
const PAUSE: Duration = Duration::from_millis(1);

/// How often a reader looks again whether more was written while it read.
const LOOKS_MAX: usize = 8;

/// What is wrong with a slate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SlateError {
    /// The system gives no such memory.
    #[error("no memory to share: {0}")]
    NoMemory(#[from] io::Error),
    /// What there is cannot be mapped.
    #[error("no slate: {0}")]
    NotMapped(#[from] vm_memory::mmap::MmapRegionError),
    /// It is too short for one.
    #[error("no slate: {0} bytes")]
    Short(u64),
    /// The writer's mark points outside.
    #[error("the slate is garbled: {0} bytes are said to stand in {ROOM}")]
    Outside(usize),
    /// What stands there is no entry.
    #[error("the slate is garbled: {0}")]
    NoEntry(#[from] postcard::Error),
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
        let [lap, place] = [packed >> 32, packed & u64::from(u32::MAX)];
        let half = |bits| u32::try_from(bits).expect("32 bits are 32 bits");
        Self { lap: half(lap), place: half(place) }
    }
}

fn map(file: File) -> Result<MmapRegion, SlateError> {
    let length = file.metadata()?.len();
    if length < (ENTRIES + ROOM) as u64 {
        return Err(SlateError::Short(length));
    }
    Ok(MmapRegion::from_file(FileOffset::new(file, 0), ENTRIES + ROOM)?)
}

fn load(memory: &MmapRegion, at: usize) -> Mark {
    let mark = memory.as_volatile_slice().load(at, Ordering::Acquire);
    Mark::unpack(mark.expect("marks are inside, and aligned"))
}

fn store(memory: &MmapRegion, at: usize, mark: Mark) {
    let stored = memory.as_volatile_slice().store(mark.pack(), at, Ordering::Release);
    stored.expect("marks are inside, and aligned");
}

/// The side that writes.
#[derive(Debug)]
pub(super) struct SlateWriter {
    memory: MmapRegion,
    written: Mark,
    /// One entry, before it is written.
    bytes: Vec<u8>,
    has_waited: bool,
}

impl SlateWriter {
    /// Writes on the slate that `file` is the memory of.
    ///
    /// # Errors
    /// It is the memory of none.
    pub(super) fn open(file: File) -> Result<Self, SlateError> {
        Ok(Self {
            memory: map(file)?,
            written: Mark::default(),
            bytes: vec![0; 1024],
            has_waited: false,
        })
    }

    /// Writes `entry`; waits for the slate to be read where there is no room left. Returns whether
    /// that was so for the first time.
    pub(super) fn write(&mut self, entry: &Entry<'_>) -> bool {
        let had_waited = self.has_waited;
        let length = loop {
            match postcard::to_slice(entry, &mut self.bytes) {
                Ok(bytes) => break bytes.len(),
                Err(postcard::Error::SerializeBufferFull) => {
                    self.bytes.resize(2 * self.bytes.len(), 0);
                }
                Err(error) => unreachable!("an entry has plain values only: {error}"),
            }
        };
        let place = self.make_room(length);
        let slice = self.memory.as_volatile_slice();
        let written = slice.write_slice(&self.bytes[..length], ENTRIES + place as usize);
        written.expect("there is room");
        self.written.place = place + u32::try_from(length).expect("room has 32 bits");
        store(&self.memory, WRITTEN, self.written);
        self.has_waited && !had_waited
    }

    /// Where the next `length` bytes go.
    fn make_room(&mut self, length: usize) -> u32 {
        assert!(length <= ROOM, "no answer is that long");
        loop {
            if load(&self.memory, READ) == self.written {
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
pub(super) struct SlateReader {
    memory: MmapRegion,
    read: Mark,
    /// What was read and not made sense of.
    bytes: Vec<u8>,
}

impl SlateReader {
    /// Makes a slate; the file is its memory, for whoever is to write on it.
    ///
    /// # Errors
    /// The system gives no memory.
    pub(super) fn make() -> Result<(Self, File), SlateError> {
        let file = File::from(memfd_create("slate", MemfdFlags::CLOEXEC).map_err(io::Error::from)?);
        ftruncate(&file, (ENTRIES + ROOM) as u64).map_err(io::Error::from)?;
        let memory = map(file.try_clone()?)?;
        Ok((Self { memory, read: Mark::default(), bytes: Vec::new() }, file))
    }

    /// Takes in what was written since the last time, in its order; returns how full the slate was,
    /// from 0 to 1.
    ///
    /// # Errors
    /// Somebody has written something else there: nothing more can be read.
    pub(super) fn read(&mut self, mut take_in: impl FnMut(Entry<'_>)) -> Result<f64, SlateError> {
        for _ in 0..LOOKS_MAX {
            let written = load(&self.memory, WRITTEN);
            if written == self.read {
                break;
            }
            self.copy(written)?;
        }
        // Whatever comes of it, nothing is taken in twice.
        let mut bytes = mem::take(&mut self.bytes);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (entry, behind) = postcard::take_from_bytes(rest)?;
            take_in(entry);
            rest = behind;
        }
        bytes.clear();
        self.bytes = bytes;
        Ok(f64::from(self.read.place) / ROOM as f64)
    }

    /// Copies everything before `written`, and says so at once: a writer that finds all of it read
    /// can begin anew.
    fn copy(&mut self, written: Mark) -> Result<(), SlateError> {
        let from = if written.lap == self.read.lap { self.read.place as usize } else { 0 };
        let to = written.place as usize;
        if to < from || to > ROOM {
            return Err(SlateError::Outside(to));
        }
        let known = self.bytes.len();
        self.bytes.resize(known + (to - from), 0);
        let slice = self.memory.as_volatile_slice();
        let copied = slice.read_slice(&mut self.bytes[known..], ENTRIES + from);
        copied.expect("entries are inside");
        self.read = written;
        store(&self.memory, READ, written);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use proptest::prelude::*;

    use super::*;
    use crate::{
        history::{Answer, CriticalSection, Outcome},
        plan::Action,
        target::Reply,
    };

    fn both_sides() -> (SlateWriter, SlateReader) {
        let (reader, file) = SlateReader::make().unwrap();
        (SlateWriter::open(file).unwrap(), reader)
    }

    /// What was written since the last time, as text: entries borrow from the slate.
    fn read(reader: &mut SlateReader) -> Vec<String> {
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
        let reply = Reply { status: 201, head: &[7; 100], body: &[8; 100_000] };
        Entry::Answered { client, reply, answered_ns: u64::MAX }
    }

    fn answer() -> impl Strategy<Value = Answer> {
        let section = prop::option::of(any::<(u64, u64)>());
        let numbers = any::<[Option<u64>; 2]>();
        let tickets = prop::collection::vec(any::<u64>(), 0..4);
        (section, numbers, tickets, any::<Option<String>>()).prop_map(
            |(section, [remaining, revision], tickets, reason)| Answer {
                outcome: if reason.is_some() { Outcome::Unknown } else { Outcome::Sold },
                tickets: tickets.into_iter().collect(),
                remaining,
                revision,
                section: section.map(|(read_ns, write_ns)| CriticalSection { read_ns, write_ns }),
                reason,
            },
        )
    }

    fn entry() -> impl Strategy<Value = Entry<'static>> {
        let key = prop::option::of("[ -~]{0,2000}");
        let bytes = || prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| &*bytes.leak());
        prop_oneof![
            (any::<u32>(), any::<bool>(), any::<(u64, u64)>(), key).prop_map(
                |(client, is_counted, (due_ns, sent_ns), key)| {
                    let action = if is_counted { Action::Buy } else { Action::Search };
                    Entry::Begun { client, action, is_counted, due_ns, sent_ns, key }
                }
            ),
            (any::<(u32, u16, u64)>(), bytes(), bytes()).prop_map(
                |((client, status, answered_ns), head, body)| Entry::Answered {
                    client,
                    reply: Reply { status, head, body },
                    answered_ns,
                }
            ),
            (any::<(u32, bool, u64)>(), answer()).prop_map(
                |((client, has_failed, answered_ns), answer)| Entry::Ended {
                    client,
                    answer,
                    has_failed,
                    answered_ns,
                }
            ),
            any::<(u64, u64)>().prop_map(|(due_ns, now_ns)| Entry::Unsent { due_ns, now_ns }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_once_and_in_order(
            parts in prop::collection::vec(prop::collection::vec(entry(), 0..8), 1..6),
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
        let place = ENTRIES + writer.written.place as usize;
        writer.memory.as_volatile_slice().write_slice(&[2, 7], place).unwrap();
        drop(writer);
        assert_eq!(read(&mut reader), texts([unsent(1)]));
        assert!(read(&mut reader).is_empty());
    }

    #[test]
    fn a_slate_that_was_read_is_begun_anew() {
        let (mut writer, mut reader) = both_sides();
        for number in 0..1000 {
            writer.write(&long(number));
            assert_eq!(read(&mut reader), texts([long(number)]));
        }
        assert!((writer.written.place as usize) < ROOM / 8, "{writer:?}");
    }

    #[test]
    fn a_full_slate_waits_for_its_reader_and_loses_nothing() {
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
    fn garbage_is_told_and_not_believed() {
        // The second is an entry that the mark cuts.
        for (mark, bytes, is_outside) in [
            (Mark { lap: 1, place: 1 }, [9], false),
            (Mark { lap: 1, place: 1 }, [2], false),
            (Mark { lap: 0, place: 1 }, [0xff], false),
            (Mark { lap: 1, place: u32::MAX }, [2], true),
        ] {
            let (writer, mut reader) = both_sides();
            writer.memory.as_volatile_slice().write_slice(&bytes, ENTRIES).unwrap();
            store(&writer.memory, WRITTEN, mark);
            let error = reader.read(|entry| panic!("{entry:?}")).unwrap_err();
            assert_eq!(matches!(error, SlateError::Outside(_)), is_outside, "{mark:?}: {error}");
        }
    }

    #[test]
    fn a_mark_that_goes_back_is_garbage() {
        let (mut writer, mut reader) = both_sides();
        writer.write(&unsent(1));
        assert_eq!(read(&mut reader).len(), 1);
        store(&writer.memory, WRITTEN, Mark { lap: 1, place: 1 });
        assert!(matches!(reader.read(|_| {}), Err(SlateError::Outside(1))));
    }

    #[test]
    fn what_is_no_memory_is_no_slate() {
        let (_, file) = SlateReader::make().unwrap();
        file.set_len((ENTRIES + ROOM) as u64 - 1).unwrap();
        for none in [file, File::open("/dev/null").unwrap()] {
            assert!(matches!(SlateWriter::open(none), Err(SlateError::Short(_))));
        }
    }
}
