//! A history that is kept: a file beside its place until it is whole.

use std::{
    fs::{self, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::{Header, Operation, encode};

/// Why a history cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The name is taken by something that a file must not replace.
    #[error("`{}` is no file that could be replaced", .0.display())]
    NoFile(PathBuf),
    /// The system refuses.
    #[error("cannot write `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// A file of histories, one after the other. It takes its name, and the place of a file that has that
/// name, when it is kept; dropped before, it leaves nothing behind.
#[derive(Debug)]
pub struct HistoryFile {
    writer: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl HistoryFile {
    /// Begins the file that is to be kept at `path`.
    ///
    /// # Errors
    /// Nothing can be written there.
    pub fn create(path: &Path) -> Result<Self, KeepError> {
        let io_error = |source| KeepError::Io { path: path.to_owned(), source };
        // Where the name is a link, the file behind it is replaced, not the link.
        let path = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(io_error(error)),
        };
        if fs::metadata(&path).is_ok_and(|there| !there.is_file()) {
            return Err(KeepError::NoFile(path));
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // As any new file: what the user's mask leaves of it.
        let file = tempfile::Builder::new()
            .prefix(".history-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(io_error)?;
        Ok(Self { writer: BufWriter::new(file), path })
    }

    /// Adds one history.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn append(&mut self, header: &Header, operations: &[Operation]) -> Result<(), KeepError> {
        let written = write(&mut self.writer, header, operations);
        written.map_err(|source| KeepError::Io { path: self.path.clone(), source })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// The rest cannot be written, or the name cannot be had.
    pub fn keep(self) -> Result<(), KeepError> {
        let Self { writer, path } = self;
        let kept = writer.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| {
            // IMPORTANT: before the name: after a power cut it must not stand on half a history.
            file.as_file().sync_all()?;
            file.persist(&path).map_err(io::Error::from)
        });
        kept.map(drop).map_err(|source| KeepError::Io { path, source })
    }
}

fn write(out: &mut impl Write, header: &Header, operations: &[Operation]) -> io::Result<()> {
    serde_json::to_writer(&mut *out, header)?;
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
    fn what_is_kept_reads_back_and_nothing_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.ndjson");
        fs::write(&path, "something older").unwrap();
        let operations: Vec<Operation> =
            (0..3).map(|at| Operation::buy(1, at, at, Answer::new(Outcome::SoldOut))).collect();
        let mut file = HistoryFile::create(&path).unwrap();
        for run in ["a", "b"] {
            let header = Header { run: Some(run.to_owned()), ..Header::new(5) };
            file.append(&header, &operations).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "something older");
        file.keep().unwrap();

        let limits = ReadLimits { operations: 100, threads: 1 };
        let histories = read_files(&[path], limits).unwrap();
        assert_eq!(histories.len(), 2);
        assert_eq!(histories[1].header.run.as_deref(), Some("b"));
        assert!(histories.iter().all(|history| history.operations == operations));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_not_kept_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        drop(HistoryFile::create(&folder.path().join("x")).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(matches!(HistoryFile::create(folder.path()), Err(KeepError::NoFile(_))));
        assert!(matches!(HistoryFile::create(Path::new("/dev/null")), Err(KeepError::NoFile(_))));
        assert!(HistoryFile::create(&folder.path().join("no/such/x")).is_err());
    }
}
