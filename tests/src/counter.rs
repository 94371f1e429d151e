//! A counter of the test's own: a temporary folder with a `db.txt` in it.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::wait::eventually;

/// A temporary folder with a `db.txt`, removed when it is dropped.
pub struct Counter {
    folder: TempDir,
}

/// All about a `db.txt` that a program which refuses it must leave alone.
#[derive(Debug, PartialEq, Eq)]
pub struct Fingerprint {
    bytes: Vec<u8>,
    inode: u64,
    mode: u32,
    modified_ns: i128,
}

impl Counter {
    /// A folder without a `db.txt`.
    pub fn missing() -> Counter {
        Counter { folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    /// A `db.txt` with these bytes.
    pub fn holding(content: impl AsRef<[u8]>) -> Counter {
        let counter = Counter::missing();
        counter.write(content);
        counter
    }

    /// A `db.txt` as the lesson writes it, with this many tickets.
    pub fn with(tickets: u64) -> Counter {
        Counter::holding(format!("{{\"count\": {tickets}}}\n"))
    }

    /// The path of `db.txt`.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("db.txt")
    }

    /// The path of the ledger beside it.
    pub fn ledger(&self) -> PathBuf {
        self.folder.path().join("db.txt.ledger")
    }

    /// The folder that holds both.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes `db.txt` in place and under no lock, as a careless program does.
    ///
    /// # Panics
    /// When the system refuses.
    #[track_caller]
    pub fn write(&self, content: impl AsRef<[u8]>) {
        fs::write(self.path(), content).expect("the test may write db.txt");
    }

    /// Writes over the beginning of `db.txt` under no lock, and leaves the rest of it.
    ///
    /// # Panics
    /// When the system refuses.
    #[track_caller]
    pub fn overwrite(&self, content: &str) {
        let file = File::options().write(true).open(self.path()).expect("db.txt can be opened");
        file.write_all_at(content.as_bytes(), 0).expect("db.txt can be written");
    }

    /// Changes the count by `difference` as a careful program does: under the lock, in place, and
    /// with all other keys left as they are.
    ///
    /// # Panics
    /// When the system refuses, or `db.txt` is no counter.
    #[track_caller]
    pub fn change_count(&self, difference: i64) {
        let mut file = File::options().read(true).write(true).open(self.path()).expect("it opens");
        file.lock().expect("it can be locked");
        let mut text = String::new();
        file.read_to_string(&mut text).expect("db.txt is text");
        let mut json = serde_json::from_str::<Value>(&text).expect("db.txt is JSON");
        let count = json["count"].as_u64().and_then(|count| count.checked_add_signed(difference));
        json["count"] = count.expect("the count is a number, and stays one from 0 on").into();
        // Spaces up to the old length: whoever reads without the lock sees no rest of the old text.
        let image = format!("{:1$}\n", json.to_string(), text.len().saturating_sub(1));
        file.write_all_at(image.as_bytes(), 0).expect("it can be written");
    }

    /// What `db.txt` says.
    ///
    /// # Panics
    /// When that is not JSON, also after asking again: a server may be in the middle of a write.
    #[track_caller]
    pub fn json(&self) -> Value {
        eventually("JSON in db.txt", || serde_json::from_slice(&self.try_read().ok()?).ok())
    }

    /// The tickets that are left, as `db.txt` says.
    ///
    /// # Panics
    /// When it does not say.
    #[track_caller]
    pub fn count(&self) -> u64 {
        self.json()["count"].as_u64().expect("db.txt has a count from 0 on")
    }

    /// What `db.txt` is now, to compare with later.
    ///
    /// # Panics
    /// When it cannot be read.
    #[track_caller]
    pub fn fingerprint(&self) -> Fingerprint {
        let about = fs::metadata(self.path()).expect("db.txt is there");
        Fingerprint {
            bytes: if about.is_file() {
                self.try_read().expect("db.txt can be read")
            } else {
                Vec::new()
            },
            inode: about.ino(),
            mode: about.mode(),
            modified_ns: i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec()),
        }
    }

    /// What `db.txt` holds, byte for byte.
    ///
    /// # Panics
    /// When it cannot be read, or is no UTF-8.
    #[track_caller]
    pub fn text(&self) -> String {
        fs::read_to_string(self.path()).expect("db.txt is text")
    }

    /// The length of `db.txt` in bytes.
    ///
    /// # Panics
    /// When it is gone.
    #[track_caller]
    pub fn length(&self) -> u64 {
        fs::metadata(self.path()).expect("db.txt is there").len()
    }

    fn try_read(&self) -> io::Result<Vec<u8>> {
        fs::read(self.path())
    }
}

impl Fingerprint {
    /// Whether `other` is the same file, with the same permissions, whatever it holds.
    pub fn is_same_file(&self, other: &Fingerprint) -> bool {
        (self.inode, self.mode) == (other.inode, other.mode)
    }
}
