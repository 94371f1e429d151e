//! Files read as histories: lines in parallel, their order kept.
//!
//! # Invariants
//! - What cannot be read is named with its file and line, and what can be read is read.
//! - No more is held than the operations asked for and a few blocks.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::{Path, PathBuf},
    thread,
};

use flate2::read::MultiGzDecoder;

use super::{
    History,
    assembly::Assembly,
    blocks::{Block, Blocks},
    lines::{Parsed, parse},
    read_error::ReadError,
    read_limits::ReadLimits,
};

/// What some editors put before the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What stands for it among the files.
const STANDARD_INPUT: &str = "-";

/// How a file begins that is packed with gzip (RFC 1952).
const GZIP: &[u8] = b"\x1f\x8b";

/// Reads `files`, in their order; gives the histories in the order of their first parts.
///
/// # Errors
/// A file cannot be opened or read, is no history, or is one of another version.
pub fn read_files(files: &[PathBuf], limits: ReadLimits) -> Result<Vec<History>, ReadError> {
    let mut assembly = Assembly::new(limits);
    for (at, path) in files.iter().enumerate() {
        let io_error = |source| ReadError::Io { path: path.clone(), source };
        let file = open(path).map_err(io_error)?;
        let mut blocks = Blocks::new(file);
        let name =
            if path == Path::new(STANDARD_INPUT) { "standard input".as_ref() } else { &**path };
        assembly.begin_file(name);
        loop {
            let some = (0..limits.threads.max(1)).map_while(|_| blocks.next().transpose());
            let some = some.collect::<io::Result<Vec<_>>>().map_err(io_error)?;
            if some.is_empty() || !assembly.take_in(parse_all(&some))? {
                break;
            }
        }
        assembly.end_file();
        if assembly.is_full() {
            assembly.leave_out(&files[at + 1..]);
            break;
        }
    }
    Ok(assembly.finish())
}

/// Opening a folder works, and fails only once it is read. `-` is standard input.
/// A byte order mark is skipped, and what somebody packed with gzip is unpacked.
fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    if path == Path::new(STANDARD_INPUT) {
        return plain(Box::new(io::stdin().lock()));
    }
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    plain(Box::new(file))
}

fn plain(source: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
    let (start, source) = begun(source)?;
    if start.starts_with(GZIP) {
        // The file goes on where the last part ends: tools append parts.
        let (_, source) = begun(Box::new(MultiGzDecoder::new(source)))?;
        return Ok(source);
    }
    Ok(source)
}

/// How `source` begins, and all of it but a byte order mark.
fn begun(mut source: Box<dyn Read>) -> io::Result<(Vec<u8>, Box<dyn Read>)> {
    let mut start = Vec::new();
    (&mut source).take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut start)?;
    let rest = if start == BYTE_ORDER_MARK { Vec::new() } else { start.clone() };
    Ok((start, Box::new(Cursor::new(rest).chain(source))))
}

fn parse_all(blocks: &[Block]) -> Vec<Parsed> {
    if let [block] = blocks {
        return vec![parse(block)];
    }
    thread::scope(|scope| {
        let threads: Vec<_> =
            blocks.iter().map(|block| scope.spawn(move || parse(block))).collect();
        let parsed = threads.into_iter().map(thread::ScopedJoinHandle::join);
        parsed
            .map(|parsed| parsed.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const LIMITS: ReadLimits = ReadLimits { operations: 1000, bytes: 1 << 20, threads: 2 };

    fn sale(process: u32, at: u64) -> String {
        format!(
            "{{\"process\":{process},\"op\":\"buy\",\"quantity\":1,\"key\":null,\"call_ns\":{at},\
             \"return_ns\":{},\"outcome\":\"sold\",\"tickets\":[{at}],\"remaining\":1,\"revision\":1}}\n",
            at + 1
        )
    }

    fn read(texts: &[&str], limits: ReadLimits) -> Result<Vec<History>, ReadError> {
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<PathBuf> =
            (0..texts.len()).map(|at| folder.path().join(format!("{at}.ndjson"))).collect();
        for (file, text) in files.iter().zip(texts) {
            File::create(file).unwrap().write_all(text.as_bytes()).unwrap();
        }
        read_files(&files, limits)
    }

    fn calls(history: &History) -> Vec<u64> {
        history.operations.iter().map(|operation| operation.call_ns).collect()
    }

    fn last_words(history: &History) -> Vec<&str> {
        history.lacks.iter().map(|lack| lack.rsplit('/').next().unwrap_or(lack)).collect()
    }

    #[test]
    fn parts_of_one_run_are_one_history() {
        let named = |run: &str, at| {
            format!("{{\"history\":1,\"initial\":9,\"run\":\"{run}\"}}\n{}", sale(1, at))
        };
        let one = named("x", 1) + &named("y", 2);
        let histories = read(&[&one, &named("x", 3)], LIMITS).unwrap();
        assert_eq!(histories.iter().map(calls).collect::<Vec<_>>(), [vec![1, 3], vec![2]]);
        assert!(histories.iter().all(|history| history.lacks.is_empty()));
        assert!(histories[0].places.of(1).unwrap().0.ends_with("1.ndjson"));
    }

    #[test]
    fn histories_without_a_run_pair_up_by_their_order() {
        let file = |at| {
            let header = "{\"history\":1,\"initial\":9}\n";
            format!("{header}{}{header}{}", sale(1, at), sale(1, at + 1))
        };
        let histories = read(&[&file(1), &file(3), &sale(7, 9)], LIMITS).unwrap();
        assert_eq!(histories.iter().map(calls).collect::<Vec<_>>(), [vec![1, 3, 9], vec![2, 4]]);
    }

    #[test]
    fn what_is_not_sound_is_left_out_and_named() {
        let text = format!("{}garbage\n{}{}", sale(1, 1), sale(2, 3), &sale(3, 4)[..40]);
        let histories = read(&[&text], LIMITS).unwrap();
        assert_eq!(calls(&histories[0]), [1, 3]);
        assert_eq!(
            last_words(&histories[0]),
            [
                "0.ndjson:2: no operation: not a JSON object",
                "0.ndjson:4: the file ends in the middle of this line"
            ]
        );
        let repeated = format!("{}{}{}", sale(1, 1), sale(1, 1), sale(1, 2));
        let histories = read(&[&repeated], LIMITS).unwrap();
        assert_eq!(calls(&histories[0]), [1, 2]);
        assert_eq!(histories[0].places.of(1).unwrap().1, 3);
        assert!(histories[0].lacks[0].ends_with("0.ndjson:1 again, left out"));
    }

    #[test]
    fn parts_that_contradict_each_other_are_named() {
        let part = |members: &str, at| format!("{{\"history\":1{members}}}\n{}", sale(1, at));
        let one = part(",\"initial\":9,\"clock\":\"a\"", 1);
        let other = part(",\"initial\":8,\"left\":3,\"clock\":\"b\"", 2);
        let histories = read(&[&one, &other], LIMITS).unwrap();
        assert!(histories[0].mixes_clocks);
        assert_eq!((histories[0].header.initial, histories[0].header.left), (None, Some(3)));
        assert_eq!(
            last_words(&histories[0]),
            [
                "1.ndjson:1: the parts are of different clocks, `a` and `b`",
                "1.ndjson:1: the parts disagree on `initial`: 9 and 8"
            ]
        );
    }

    #[test]
    fn what_is_no_history_is_refused() {
        for text in ["\u{89}PNG", "[1,2]", "{\"count\": 7}", "# a comment\n"] {
            assert!(matches!(read(&[text], LIMITS), Err(ReadError::NoHistory { .. })), "{text}");
        }
        let error = read(&["{\"history\": 2}\n"], LIMITS).unwrap_err().to_string();
        assert!(error.contains("0.ndjson:1: a history of version `2`"), "{error}");
        assert!(matches!(
            read_files(&[PathBuf::from("no-such-file")], LIMITS),
            Err(ReadError::Io { .. })
        ));
        assert!(read_files(&[PathBuf::from("/")], LIMITS).is_err());
    }

    #[test]
    fn past_the_limit_nothing_is_read_and_the_rest_is_named() {
        let text: String = (1..=9).map(|at| sale(1, at)).collect();
        let limits = ReadLimits { operations: 7, bytes: 1 << 20, threads: 2 };
        let histories = read(&[&text, &text], limits).unwrap();
        assert_eq!(calls(&histories[0]).len(), 7);
        assert_eq!(
            last_words(&histories[0]),
            [
                "0.ndjson:8: not judged from there on: the limit of operations is reached",
                "1.ndjson: not judged: the limit of operations is reached"
            ]
        );
        let enough = ReadLimits { operations: 9, bytes: 1 << 20, threads: 2 };
        assert_eq!(read(&[&text], enough).unwrap()[0].lacks, [""; 0]);
    }

    #[test]
    fn long_lines_and_many_histories_take_no_more_memory_than_there_is() {
        let listed: Vec<String> = (0..1000).map(|number| (2 * number).to_string()).collect();
        let long =
            |at: u64| sale(1, at).replace(&format!("[{at}]"), &format!("[{}]", listed.join(",")));
        let text: String = (1..=9).map(long).collect();
        let limits = ReadLimits { bytes: 100_000, ..LIMITS };
        let histories = read(&[&text], limits).unwrap();
        assert_eq!(calls(&histories[0]), [1, 2, 3]);
        assert_eq!(
            last_words(&histories[0]),
            ["0.ndjson:4: not judged from there on: half of the free memory is used"]
        );
        let headers = "{\"history\":1}\n".repeat(100);
        assert!(read(&[&headers], limits).unwrap().len() < 15);
    }

    #[test]
    fn an_empty_file_and_a_byte_order_mark() {
        let histories = read(&[""], LIMITS).unwrap();
        assert_eq!(last_words(&histories[0]), ["0.ndjson: nothing in it"]);
        let marked = format!("\u{feff}{}", sale(1, 1));
        assert_eq!(calls(&read(&[&marked], LIMITS).unwrap()[0]), [1]);
    }

    #[test]
    fn a_packed_file_is_read_as_it_was() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(format!("\u{feff}{}{}", sale(1, 1), sale(2, 3)).as_bytes()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("h.ndjson.gz");
        std::fs::write(&path, packed.finish().unwrap()).unwrap();
        assert_eq!(calls(&read_files(std::slice::from_ref(&path), LIMITS).unwrap()[0]), [1, 3]);
        std::fs::write(&path, b"\x1f\x8b torn").unwrap();
        assert!(matches!(read_files(&[path], LIMITS), Err(ReadError::Io { .. })));
    }

    #[test]
    fn the_order_of_many_lines_is_kept_by_many_threads() {
        let text: String = (0..60_000_u32).map(|at| sale(at % 7, u64::from(at))).collect();
        let limits = ReadLimits { operations: 100_000, bytes: 1 << 30, threads: 3 };
        let histories = read(&[&text], limits).unwrap();
        assert!(calls(&histories[0]).iter().copied().eq(0..60_000));
        assert_eq!(histories[0].places.of(59_999).unwrap().1, 60_000);
    }
}
