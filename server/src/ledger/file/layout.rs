//! Which files there are, and their names: each is spelled here and nowhere else.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::ledger::file::{disk::Disk, error::LogError};

/// The paths of one counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The head, `db.txt`.
    pub head: PathBuf,
    /// The folder that the head stands in.
    pub parent: PathBuf,
    /// The folder of the ledger, `db.txt.ledger`.
    pub folder: PathBuf,
    /// The file whose lock keeps servers apart, whatever happens to the head.
    pub lock: PathBuf,
}

impl Layout {
    /// The layout around the counter's file at `head`, an absolute path without symbolic links.
    pub fn around(head: &Path) -> Self {
        let mut folder = head.as_os_str().to_owned();
        folder.push(".ledger");
        let folder = PathBuf::from(folder);
        let parent = head.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned);
        Self { head: head.to_owned(), parent, lock: folder.join("LOCK"), folder }
    }

    /// The head of the counter whose ledger has the file at `path`.
    pub fn head_of(path: &Path) -> Option<PathBuf> {
        let folder = path.parent()?;
        let name = folder.file_name()?.to_str()?.strip_suffix(".ledger")?;
        Some(folder.with_file_name(name))
    }

    /// The segment whose first record is `first_revision`.
    pub fn segment(&self, first_revision: u64) -> PathBuf {
        self.folder.join(format!("{first_revision:020}.segment"))
    }

    /// The first revisions of the segments that there are, in order; none where there is no ledger.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn starts<D: Disk>(&self, disk: &D) -> Result<Vec<u64>, LogError> {
        let names = match disk.file_names(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            names => names.map_err(|source| {
                let path = self.folder.clone();
                LogError::Io { action: "list", path, source }
            })?,
        };
        let mut starts: Vec<_> =
            names.iter().filter_map(|name| Self::first_revision(name)).collect();
        starts.sort_unstable();
        Ok(starts)
    }

    /// The snapshot from which the segment whose first record is `first_revision` goes on.
    pub fn snapshot(&self, first_revision: u64) -> PathBuf {
        self.folder.join(format!("{first_revision:020}.snapshot"))
    }

    /// The first revision behind the snapshot called `name`; `None` for other files.
    pub fn revision_behind_snapshot(name: &str) -> Option<u64> {
        let digits = name.strip_suffix(".snapshot")?;
        digits.parse().ok().filter(|_| digits.len() == 20)
    }

    /// Where the process `process` prepares a snapshot before it gets its name.
    pub fn temporary_snapshot(&self, process: u32, nonce: u64) -> PathBuf {
        self.folder.join(format!("{process}-{nonce:016x}.snapshot.tmp"))
    }

    /// Where the process `process` prepares a segment before it gets its name.
    ///
    /// `nonce` keeps apart processes of the same number, as in two containers.
    pub fn temporary_segment(&self, process: u32, nonce: u64) -> PathBuf {
        self.folder.join(format!("{process}-{nonce:016x}.tmp"))
    }

    /// The process that prepared the file called `name`; `None` for other files.
    pub fn maker_of_temporary(name: &str) -> Option<u32> {
        name.strip_suffix(".tmp")?.split_once('-')?.0.parse().ok()
    }

    /// Where the process `process` prepares the head of a new counter before it gets its name.
    pub fn temporary_head(&self, process: u32, nonce: u64) -> PathBuf {
        self.parent.join(format!("{}{process}-{nonce:016x}.tmp", self.temporary_head_start()))
    }

    /// The process that prepared a head of this counter in the file called `name`; `None` for other files.
    pub fn head_maker_of_temporary(&self, name: &str) -> Option<u32> {
        Self::maker_of_temporary(name.strip_prefix(&self.temporary_head_start())?)
    }

    fn temporary_head_start(&self) -> String {
        let name = self.head.file_name().unwrap_or_default();
        format!(".{}.", name.to_string_lossy())
    }

    /// The first revision of the segment called `name`; `None` for other files.
    pub fn first_revision(name: &str) -> Option<u64> {
        let digits = name.strip_suffix(".segment")?;
        digits.parse().ok().filter(|_| digits.len() == 20)
    }
}
