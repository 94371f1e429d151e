//! A file that takes its name only when it is whole.

use std::{
    fs::{self, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::exit_code;

/// Why a file cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The name is taken by something that a file must not replace.
    #[error("`{}` is no file that could be replaced", .0.display())]
    NoFile(PathBuf),
    /// The name cannot be had.
    #[error("cannot write `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The name could be had, and writing failed later, as on a full disk.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// A file beside its place; it takes its name, and the place of a file that has that name, when it is
/// kept. Dropped before, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct KeptFile {
    writer: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl KeepError {
    /// The exit code that stands for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::NoFile(_) | Self::Io { .. } => exit_code::USAGE,
            Self::Write { .. } => exit_code::INTERNAL,
        }
    }
}

impl KeptFile {
    /// Begins the file that is to be kept at `path`.
    ///
    /// # Errors
    /// Nothing can be written there.
    pub(crate) fn create(path: &Path) -> Result<Self, KeepError> {
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
        let file = tempfile::Builder::new()
            .prefix(".loadgen-")
            // As any new file: what the user's mask leaves of it.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(|error| io_error(of_system(&error)))?;
        Ok(Self { writer: BufWriter::new(file), path })
    }

    /// Lets `write` add to it.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn add(
        &mut self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), KeepError> {
        let path = &self.path;
        let written = write(&mut self.writer);
        written.map_err(|error| KeepError::Write { path: path.clone(), source: of_system(&error) })
    }

    /// Adds `text`, which is all of it, and gives it its name.
    ///
    /// # Errors
    /// As for [`KeptFile::add`] and [`KeptFile::keep`].
    pub(crate) fn keep_text(mut self, text: &str) -> Result<(), KeepError> {
        self.add(|out| out.write_all(text.as_bytes()))?;
        self.keep()
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// The rest cannot be written, or the name cannot be had.
    pub(crate) fn keep(self) -> Result<(), KeepError> {
        let Self { writer, path } = self;
        let kept = writer.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| {
            // IMPORTANT: before the name: after a power cut it must not stand on half a file.
            file.as_file().sync_all()?;
            file.persist(&path).map_err(io::Error::from)
        });
        kept.map(drop).map_err(|error| KeepError::Write { path, source: of_system(&error) })
    }
}

/// What the system said, without the name of the temporary file, which nobody knows.
fn of_system(error: &io::Error) -> io::Error {
    let text = error.to_string();
    let said = text.split_once(" at path ").map_or(&*text, |(said, _)| said);
    io::Error::new(error.kind(), said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_when_the_new_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        fs::write(&path, "older").unwrap();
        std::os::unix::fs::symlink(&path, folder.path().join("link")).unwrap();
        let mut file = KeptFile::create(&folder.path().join("link")).unwrap();
        file.add(|out| out.write_all(b"newer")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "older");
        file.keep().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "newer");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_is_not_kept_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        drop(KeptFile::create(&folder.path().join("x")).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(matches!(KeptFile::create(folder.path()), Err(KeepError::NoFile(_))));
        assert!(matches!(KeptFile::create(Path::new("/dev/null")), Err(KeepError::NoFile(_))));
        let error = KeptFile::create(&folder.path().join("no/such/x")).unwrap_err().to_string();
        assert!(
            error.contains("/no/such/x`: No such file") && !error.contains(".loadgen-"),
            "{error}"
        );
    }
}
