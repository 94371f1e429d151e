//! A history that many workers write at once.
//!
//! For every worker a writer collects lines and appends them as one block of whole lines: with
//! `O_APPEND` the system puts each block behind all others, whoever writes it. The first line, the
//! header, is padded with spaces, so that it can be written anew in place once the end of the run is
//! known.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{Header, Operation};

/// The length of the header's line, in bytes; it has room for every figure that may come.
const HEADER_LENGTH: usize = 1024;

/// A block is appended when it has grown to this, in bytes.
const BLOCK: usize = 64 * 1024;

/// Creates the history at `path`, or empties it, with `header` as its first line.
///
/// # Errors
/// The file cannot be created, or the header is too long.
pub(crate) fn begin_history(path: &Path, header: &Header) -> io::Result<File> {
    let mut file = File::create(path)?;
    file.write_all(&header_line(header)?)?;
    Ok(file)
}

/// Writes the header at `path` anew.
///
/// # Errors
/// The file cannot be written to, or the header is too long.
pub(crate) fn finish_history(path: &Path, header: &Header) -> io::Result<()> {
    // Not in append mode, which on Linux appends whatever the place.
    File::options().write(true).open(path)?.write_all_at(&header_line(header)?, 0)
}

fn header_line(header: &Header) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(header)?;
    if line.len() >= HEADER_LENGTH {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the header is too long"));
    }
    line.resize(HEADER_LENGTH - 1, b' ');
    line.push(b'\n');
    Ok(line)
}

/// One worker's way to append to a history.
#[derive(Debug)]
pub(crate) struct HistoryWriter {
    file: File,
    block: Vec<u8>,
    /// How many operations stand in the block.
    in_block: u64,
    room: Room,
}

/// So many more operations have room in a history; whoever has a copy takes from the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Room(Arc<AtomicU64>);

impl Room {
    /// Room for so many operations.
    pub(crate) fn new(operations: u64) -> Self {
        Self(Arc::new(AtomicU64::new(operations)))
    }

    /// Takes the room of one; false where there is none left.
    fn take(&self) -> bool {
        let left = |left: u64| left.checked_sub(1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok()
    }
}

impl HistoryWriter {
    /// Opens the history at `path` to append as many operations as there is `room` for.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(crate) fn open(path: &Path, room: Room) -> io::Result<Self> {
        let file = File::options().append(true).open(path)?;
        Ok(Self { file, block: Vec::new(), in_block: 0, room })
    }

    /// Writes `operation`; false where there is no room left for it.
    ///
    /// # Errors
    /// The file cannot be written to; [`HistoryWriter::in_block`] says how many are lost.
    pub(crate) fn write(&mut self, operation: &Operation) -> io::Result<bool> {
        if !self.room.take() {
            return Ok(false);
        }
        // Half as fast again as by hand, and less than a hundredth of what an operation costs.
        serde_json::to_writer(&mut self.block, operation)?;
        self.block.push(b'\n');
        self.in_block += 1;
        if self.block.len() > BLOCK {
            self.flush()?;
        }
        Ok(true)
    }

    /// Appends what has been collected.
    ///
    /// # Errors
    /// The file cannot be written to; [`HistoryWriter::in_block`] says how many are lost.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.block)?;
        self.block.clear();
        self.in_block = 0;
        Ok(())
    }

    /// How many operations have been taken and not been appended.
    pub(crate) fn in_block(&self) -> u64 {
        self.in_block
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::history::{Answer, Outcome};

    #[test]
    fn what_a_full_disk_takes_is_counted() {
        let mut writer = HistoryWriter::open(Path::new("/dev/full"), Room::new(1000)).unwrap();
        for call_ns in 0..3 {
            let buy = Operation::buy(0, call_ns, call_ns, Answer::new(Outcome::SoldOut));
            assert!(writer.write(&buy).unwrap());
        }
        assert!(writer.flush().is_err());
        assert_eq!(writer.in_block(), 3);
    }

    #[test]
    fn blocks_of_several_writers_stay_whole_behind_the_header() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.ndjson");
        begin_history(&path, &Header::new(5)).unwrap();
        std::thread::scope(|scope| {
            for process in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    let mut writer = HistoryWriter::open(path, Room::new(1000)).unwrap();
                    for call_ns in 0..1500 {
                        let buy = Operation::buy(
                            process,
                            call_ns,
                            call_ns,
                            Answer::new(Outcome::SoldOut),
                        );
                        assert_eq!(writer.write(&buy).unwrap(), call_ns < 1000);
                    }
                    writer.flush().unwrap();
                });
            }
        });
        let header = Header { left: Some(5), ..Header::new(5) };
        finish_history(&path, &header).unwrap();

        let text = fs::read_to_string(&path).unwrap();
        let (first, rest) = text.split_once('\n').unwrap();
        assert_eq!(serde_json::from_str::<Header>(first).unwrap(), header);
        assert_eq!(rest.lines().count(), 4000);
        assert!(rest.lines().all(|line| crate::history::decode(line).is_ok()));
    }
}
