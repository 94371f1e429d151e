//! `db.txt` as this crate reads and writes it: the judge's side has its own code for it.
//!
//! One JSON object with a `count`, padded with spaces and a newline to a constant length, so that
//! one write in place replaces all of it.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use serde_json::{Map, Value};

use crate::history::signed;

/// The usual length of the file, in bytes.
const LENGTH_MIN: usize = 64;

/// The most that the file may be, in bytes.
const LENGTH_MAX: usize = 4096;

/// Why `db.txt` cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CounterError {
    /// The system refuses.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// It holds no counter.
    #[error("`{path}` holds no counter: {reason}")]
    Malformed {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// What stands in `db.txt`; keys of other programs are kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Counter {
    members: Map<String, Value>,
    count: u64,
    sold: u64,
    length: usize,
}

impl Counter {
    pub(super) fn new(count: u64) -> Self {
        Self { members: Map::new(), count, sold: 0, length: LENGTH_MIN }
    }

    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        if text.len() > LENGTH_MAX {
            return Err(format!("longer than {LENGTH_MAX} bytes"));
        }
        let members: Map<String, Value> =
            serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let count = members.get("count").ok_or("no `count`")?;
        let count = count.as_u64().ok_or("`count` is no whole number from 0")?;
        let sold = members.get("sold").map_or(Some(0), Value::as_u64);
        let sold = sold.ok_or("`sold` is no whole number from 0")?;
        Ok(Self { members, count, sold, length: text.len() })
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Takes one ticket off and returns its number; there must be one.
    pub(super) fn sell_one(&mut self) -> u64 {
        assert!(self.count > 0, "sold where nothing is left");
        self.count -= 1;
        self.sold += 1;
        self.sold
    }

    /// The whole file: at least as long as what it replaces, so that nothing of that stays.
    pub(super) fn text(&self) -> Result<Vec<u8>, String> {
        let mut members = self.members.clone();
        members.insert("count".to_owned(), self.count.into());
        members.insert("sold".to_owned(), self.sold.into());
        let mut text = Value::Object(members).to_string().into_bytes();
        let length = (text.len() + 1).next_power_of_two().max(LENGTH_MIN).max(self.length);
        if length > LENGTH_MAX {
            return Err(format!("longer than {LENGTH_MAX} bytes"));
        }
        text.resize(length - 1, b' ');
        text.push(b'\n');
        Ok(text)
    }
}

/// Creates `db.txt` at `path` with `tickets` tickets.
///
/// # Errors
/// The file exists, or cannot be written.
pub(crate) fn create_counter(path: &Path, tickets: u64) -> Result<(), CounterError> {
    let file = File::create_new(path).map_err(|error| io_error("create", path, error))?;
    write(&file, path, &Counter::new(tickets))
}

/// What `db.txt` says at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// How many tickets are left.
    pub(crate) left: i64,
    /// The number of the last change, where they are counted.
    pub(crate) revision: Option<u64>,
}

/// What `db.txt` says; nobody may be writing to it.
///
/// # Errors
/// The file cannot be read, or holds no counter.
pub(crate) fn read_ending(path: &Path) -> Result<Ending, CounterError> {
    let file = File::open(path).map_err(|error| io_error("open", path, error))?;
    let text = read_text(&file, path)?;
    match Counter::parse(&text) {
        Ok(counter) => {
            let revision = counter.members.get("revision").and_then(Value::as_u64);
            Ok(Ending { left: signed(counter.count()), revision })
        }
        Err(reason) => Err(malformed(path, reason)),
    }
}

/// The bytes of `db.txt`, in one read; one byte too many where there are more than it may have.
pub(super) fn read_text(file: &File, path: &Path) -> Result<Vec<u8>, CounterError> {
    let mut text = vec![0; LENGTH_MAX + 1];
    let length = file.read_at(&mut text, 0).map_err(|error| io_error("read", path, error))?;
    text.truncate(length);
    Ok(text)
}

/// Replaces the file's content with one write in place: no truncation, no renaming, so that the
/// file that others have locked stays the file that is read.
pub(super) fn write(file: &File, path: &Path, counter: &Counter) -> Result<(), CounterError> {
    let text = counter.text().map_err(|reason| malformed(path, reason))?;
    match file.write_at(&text, 0) {
        Ok(length) if length == text.len() => Ok(()),
        Ok(_) => Err(io_error("write", path, io::ErrorKind::WriteZero.into())),
        Err(error) => Err(io_error("write", path, error)),
    }
}

pub(super) fn malformed(path: &Path, reason: String) -> CounterError {
    CounterError::Malformed { path: path.display().to_string(), reason }
}

pub(super) fn io_error(action: &'static str, path: &Path, source: io::Error) -> CounterError {
    CounterError::Io { action, path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_counter_is_one_padded_line() {
        let text = Counter::new(10).text().unwrap();
        assert_eq!(text.len(), 64);
        assert!(text.starts_with(br#"{"count":10,"sold":0} "#));
        assert!(text.ends_with(b" \n"));
    }

    #[test]
    fn a_sale_keeps_the_keys_of_others_and_the_length() {
        let mut text = br#"{"hall": "B", "count": 10, "revision": 7}"#.to_vec();
        text.resize(100, b' ');
        let mut counter = Counter::parse(&text).unwrap();
        assert_eq!(counter.sell_one(), 1);
        assert_eq!(counter.sell_one(), 2);
        let written = counter.text().unwrap();
        assert_eq!(written.len(), 100);
        let again: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(again, serde_json::json!({"hall": "B", "count": 8, "sold": 2, "revision": 7}));
    }

    #[test]
    fn what_is_no_counter_is_refused() {
        for text in ["", "[1]", "{}", r#"{"count": -1}"#, r#"{"count": 1.5}"#, "{\"count\": 1"] {
            assert!(Counter::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Counter::parse(&[b' '; LENGTH_MAX + 1]).is_err());
    }

    #[test]
    fn a_counter_that_is_created_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.txt");
        create_counter(&path, 42).unwrap();
        assert_eq!(read_ending(&path).unwrap(), Ending { left: 42, revision: None });
        std::fs::write(&path, "{\"count\": 41, \"revision\": 3}").unwrap();
        assert_eq!(read_ending(&path).unwrap(), Ending { left: 41, revision: Some(3) });
        assert!(create_counter(&path, 42).is_err());
    }
}
