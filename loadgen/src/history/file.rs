//! A file of histories, one after the other.

use std::{io, io::Write, path::Path};

use super::{Header, Operation, encode};
use crate::kept_file::{KeepError, KeptFile};

/// A file of histories; it takes its name when it is kept.
#[derive(Debug)]
pub struct HistoryFile(KeptFile);

impl HistoryFile {
    /// Begins the file that is to be kept at `path`.
    ///
    /// # Errors
    /// Nothing can be written there.
    pub fn create(path: &Path) -> Result<Self, KeepError> {
        KeptFile::create(path).map(Self)
    }

    /// Adds one history.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn append(&mut self, header: &Header, operations: &[Operation]) -> Result<(), KeepError> {
        self.0.add(|out| write(out, header, operations))
    }

    /// Gives the file its name, and the place of a file that has that name.
    ///
    /// # Errors
    /// The rest cannot be written, or the name cannot be had.
    pub fn keep(self) -> Result<(), KeepError> {
        self.0.keep()
    }
}

fn write(mut out: impl Write, header: &Header, operations: &[Operation]) -> io::Result<()> {
    serde_json::to_writer(&mut out, header)?;
    out.write_all(b"\n")?;
    for operation in operations {
        out.write_all(encode(operation).as_bytes())?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Answer, Outcome, ReadLimits, read_files};

    #[test]
    fn what_is_kept_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.ndjson");
        let operations: Vec<Operation> =
            (0..3).map(|at| Operation::buy(1, at, at, Answer::new(Outcome::SoldOut))).collect();
        let mut file = HistoryFile::create(&path).unwrap();
        for run in ["a", "b"] {
            let header = Header { run: Some(run.to_owned()), ..Header::new(5) };
            file.append(&header, &operations).unwrap();
        }
        file.keep().unwrap();
        let limits = ReadLimits { operations: 100, bytes: 1 << 20, threads: 1 };
        let histories = read_files(&[path], limits).unwrap();
        assert_eq!(histories.len(), 2);
        assert_eq!(histories[1].header.run.as_deref(), Some("b"));
        assert!(histories.iter().all(|history| history.operations == operations));
    }
}
