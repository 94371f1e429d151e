//! The lines that wait to be written, in order and as a whole, as many as there is room for.
//!
//! Writing may last for ever: a pipe that nobody reads is full one day, and a terminal can be stopped. So whoever has
//! something to say leaves it here, and one thread waits in everybody's place.

use std::{
    io::{self, ErrorKind, Write},
    mem,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// How much may wait, in bytes.
const ROOM_BYTES: usize = 1 << 20;

/// As much as a pipe takes as a whole, whoever else writes to it, in bytes (`PIPE_BUF`, pipe(7)).
const WHOLE_BYTES: usize = 4096;

/// How long a reader that has no room just now is left alone, where somebody has made its pipe one that does not wait.
const ROOM_REST: Duration = Duration::from_millis(10);

/// Lines on their way to whoever reads them.
#[derive(Debug)]
pub(super) struct Queue {
    // Held for a copy only: whoever has a line may have the locks of the counter, too.
    waiting: Mutex<Waiting>,
    more: Condvar,
    written: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug)]
struct Waiting {
    lines: Vec<u8>,
    has_dropped: bool,
    is_writing: bool,
    is_asleep: bool,
}

impl Queue {
    /// One in which nothing waits.
    pub(super) const fn new() -> Self {
        let waiting =
            Waiting { lines: Vec::new(), has_dropped: false, is_writing: false, is_asleep: false };
        Self {
            waiting: Mutex::new(waiting),
            more: Condvar::new(),
            written: Condvar::new(),
            dropped: AtomicU64::new(0),
        }
    }

    /// Leaves `line` to be written, or drops it where there is no room; waits for nobody.
    pub(super) fn push(&self, line: &[u8]) {
        let mut waiting = self.lock();
        if !waiting.lines.is_empty() && waiting.lines.len() + line.len() > ROOM_BYTES {
            waiting.has_dropped = true;
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.lines.extend_from_slice(line);
        let is_asleep = mem::take(&mut waiting.is_asleep);
        drop(waiting);
        // To wake somebody is a call of the system.
        if is_asleep {
            self.more.notify_one();
        }
    }

    /// How many lines were dropped, or could not be written, so far.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until all is written, but no longer than `patience`.
    pub(super) fn settle(&self, patience: Duration) {
        let is_on_its_way = |waiting: &mut Waiting| waiting.is_writing || !waiting.lines.is_empty();
        // What is not written by then is not waited for.
        let _ = self.written.wait_timeout_while(self.lock(), patience, is_on_its_way);
    }

    /// Writes to `sink` whatever comes, and calls `tell` where, since it did so last, lines were dropped or could not be
    /// written, once others can.
    pub(super) fn write_to(&self, sink: impl Write, tell: impl Fn()) -> ! {
        let mut sink = LineSink { sink, is_torn: false };
        let (mut lines, mut is_to_be_told) = (Vec::new(), false);
        loop {
            is_to_be_told |= self.take(&mut lines);
            let mut is_written = false;
            for whole in wholes(&lines) {
                let lost = sink.write(whole);
                is_written = lost == 0;
                is_to_be_told |= lost > 0;
                self.dropped.fetch_add(lost, Ordering::Relaxed);
            }
            lines.clear();
            // A line that says so would not be written either where the last one was not.
            if is_written && mem::take(&mut is_to_be_told) {
                tell();
            }
        }
    }

    /// Waits for lines and moves them to `lines`, which is empty; whether some behind them were dropped.
    fn take(&self, lines: &mut Vec<u8>) -> bool {
        let mut waiting = self.lock();
        waiting.is_writing = false;
        if waiting.lines.is_empty() {
            self.written.notify_all();
        }
        while waiting.lines.is_empty() {
            waiting.is_asleep = true;
            waiting = self.more.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.is_asleep = false;
        waiting.is_writing = true;
        mem::swap(&mut waiting.lines, lines);
        mem::take(&mut waiting.has_dropped)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where lines are written, as a whole as far as possible.
struct LineSink<W> {
    sink: W,
    /// Whether the last line is cut off.
    is_torn: bool,
}

impl<W: Write> LineSink<W> {
    /// Writes `lines`; gives how many of them are not there as a whole.
    fn write(&mut self, lines: &[u8]) -> u64 {
        let mut rest = lines;
        if !self.is_torn || self.write_some(b"\n").is_ok() {
            while !rest.is_empty() {
                let Ok(written) = self.write_some(rest) else { break };
                rest = &rest[written..];
            }
            let there = &lines[..lines.len() - rest.len()];
            self.is_torn = !there.is_empty() && !there.ends_with(b"\n");
        }
        rest.iter().filter(|byte| **byte == b'\n').count() as u64
    }

    fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.sink.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(ROOM_REST),
                written => return written,
            }
        }
    }
}

/// `lines` in pieces of whole lines, which others that write to the same pipe do not tear where a line is not
/// longer than that by itself.
fn wholes(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        let is_end = |byte: &u8| *byte == b'\n';
        let end = if rest.len() <= WHOLE_BYTES {
            rest.len()
        } else {
            let last = rest[..WHOLE_BYTES].iter().rposition(is_end);
            last.or_else(|| rest.iter().position(is_end)).map_or(rest.len(), |at| at + 1)
        };
        let (whole, behind) = rest.split_at(end);
        rest = behind;
        (!whole.is_empty()).then_some(whole)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::AtomicUsize,
        mpsc::{Receiver, Sender, channel},
    };

    use super::*;

    /// Takes a piece for each word that it is given, and hands it on.
    struct Pipe {
        may_take: Receiver<()>,
        taken: Sender<Vec<u8>>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.may_take.recv().map_err(io::Error::other)?;
            self.taken.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A queue whose writer stands before a pipe, the way to let it go on, and what came out.
    fn before_a_full_pipe() -> (Arc<Queue>, Sender<()>, Receiver<Vec<u8>>) {
        let queue = Arc::new(Queue::new());
        let ((let_go_on, may_take), (taken, came)) = (channel(), channel());
        let writer = Arc::clone(&queue);
        thread::spawn(move || {
            let tell = || writer.push(format!("{} dropped\n", writer.dropped()).as_bytes());
            writer.write_to(Pipe { may_take, taken }, tell);
        });
        (queue, let_go_on, came)
    }

    fn line(number: usize) -> String {
        format!("{number:0>99}\n")
    }

    #[test]
    fn lines_stay_whole_and_in_order_and_those_without_room_are_told_of() {
        let (queue, let_go_on, came) = before_a_full_pipe();
        let asked = 3 * ROOM_BYTES / line(0).len();

        (0..asked).for_each(|number| queue.push(line(number).as_bytes()));
        let dropped = queue.dropped();
        assert!(dropped > 0, "there is room for all");
        let mut text = String::new();
        let told = format!("{dropped} dropped\n");
        while !text.ends_with(&told) {
            let_go_on.send(()).expect("it writes");
            let piece = came.recv().expect("it writes");
            assert!(piece.len() <= WHOLE_BYTES && piece.ends_with(b"\n"), "{}", piece.len());
            text.push_str(&String::from_utf8(piece).expect("text"));
        }

        let kept = asked - usize::try_from(dropped).expect("a few");
        assert!(kept >= ROOM_BYTES / line(0).len(), "{dropped} of {asked}");
        let numbers = text.strip_suffix(&told).expect("it is its end").lines();
        let numbers: Vec<usize> = numbers.map(|line| line.parse().expect("a number")).collect();
        assert!(numbers.is_sorted() && numbers.len() == kept, "{} of {kept}", numbers.len());
    }

    #[test]
    fn whoever_ends_waits_for_what_is_written_and_not_for_a_pipe_that_is_full() {
        let (queue, let_go_on, came) = before_a_full_pipe();
        queue.push(b"first\n");

        queue.settle(Duration::from_millis(1));
        assert!(came.try_recv().is_err());

        let_go_on.send(()).expect("it writes");
        queue.settle(Duration::from_secs(3600));
        assert_eq!(came.try_recv().expect("all is written"), b"first\n");
    }

    /// A disk with so many bytes of room, and what is on it.
    #[derive(Clone, Default)]
    struct FullDisk {
        room: Arc<AtomicUsize>,
        there: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for FullDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room.load(Ordering::Relaxed));
            if taken == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.room.fetch_sub(taken, Ordering::Relaxed);
            self.there.lock().unwrap().extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_a_full_disk_cuts_off_is_told_once_there_is_room_and_tears_no_later_line() {
        let (queue, disk) = (Arc::new(Queue::new()), FullDisk::default());
        let (writer, sink) = (Arc::clone(&queue), disk.clone());
        thread::spawn(move || {
            let tell = || writer.push(format!("{} lost\n", writer.dropped()).as_bytes());
            writer.write_to(sink, tell);
        });
        let say = |line: &str, room: usize| {
            disk.room.store(room, Ordering::Relaxed);
            queue.push(line.as_bytes());
            queue.settle(Duration::from_secs(3600));
        };

        say("first\n", 6);
        say("second\n", 3);
        say("third\n", 0);
        say("fourth\n", 1000);
        say("fifth\n", 1000);

        let there = String::from_utf8(disk.there.lock().unwrap().clone()).unwrap();
        assert_eq!(there, "first\nsec\nfourth\n2 lost\nfifth\n");
    }

    /// As where somebody else has made the terminal that they share one that does not wait.
    #[test]
    fn a_reader_without_room_just_now_is_waited_for() {
        struct Busy(Vec<u8>, usize);
        impl Write for Busy {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.1 += 1;
                if !self.1.is_multiple_of(3) {
                    return Err(ErrorKind::WouldBlock.into());
                }
                self.0.push(bytes[0]);
                Ok(1)
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut sink = LineSink { sink: Busy(Vec::new(), 0), is_torn: false };

        assert_eq!(sink.write(b"one\ntwo\n"), 0);
        assert_eq!(sink.sink.0, b"one\ntwo\n");
    }

    #[test]
    fn line_that_is_longer_than_a_piece_is_one_by_itself() {
        let long = format!("{}\n", "x".repeat(WHOLE_BYTES));
        let lines = format!("short\n{long}short\n");

        let pieces: Vec<&[u8]> = wholes(lines.as_bytes()).collect();

        assert_eq!(pieces, [b"short\n", long.as_bytes(), b"short\n"]);
    }
}
