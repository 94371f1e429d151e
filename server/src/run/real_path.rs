//! The path of a counter.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    ledger::file::{error::OpenError, reader::HeadError},
    run::RunError,
};

/// The path of the counter without symbolic links, whether or not the file itself is there.
///
/// # Errors
/// [`RunError::Ledger`] where the folder is not there, or a link leads nowhere.
pub(super) fn real_path_of(db: &Path) -> Result<PathBuf, RunError> {
    let error = |source| RunError::from(OpenError::from(HeadError::io(db, source)));
    let missing = match fs::canonicalize(db) {
        Ok(path) => return Ok(path),
        Err(missing) => missing,
    };
    if db.is_symlink() && missing.kind() == io::ErrorKind::NotFound {
        return Err(error(io::Error::other("a symbolic link that leads nowhere")));
    }
    let parent = db.parent().filter(|parent| !parent.as_os_str().is_empty());
    let name = db.file_name().filter(|_| missing.kind() == io::ErrorKind::NotFound);
    match (name, fs::canonicalize(parent.unwrap_or(Path::new(".")))) {
        (Some(name), Ok(parent)) => Ok(parent.join(name)),
        _ => Err(error(missing)),
    }
}
