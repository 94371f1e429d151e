//! The path of a counter.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    ledger::file::{error::OpenError, layout::Layout, reader::HeadError},
    run::RunError,
};

/// The files of the counter at `db`, which is there already.
///
/// # Errors
/// [`RunError::NoCounter`] where none of them is there; as [`real_path_of`].
pub(super) fn counter_at(db: &Path) -> Result<Layout, RunError> {
    let is_missing = |path: &Path| {
        path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    };
    if is_missing(db) && is_missing(&Layout::around(db).folder) {
        return Err(RunError::NoCounter { path: db.to_owned() });
    }
    Ok(Layout::around(&real_path_of(db)?))
}

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
