//! Making a counter, or a copy of one, under another name: what has the right one is whole.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process,
};

use crate::{
    ledger::file::disk::{Disk as _, RealDisk},
    run::RunError,
};

/// A folder in which something is made that gets its name once it is whole; goes away where it does not.
pub(super) struct Making {
    pub(super) path: PathBuf,
}

impl Making {
    /// A new folder beside `target`, where nothing is yet.
    pub(super) fn beside(target: &Path) -> Result<Self, RunError> {
        if target.symlink_metadata().is_ok() {
            return Err(RunError::InTheWay { path: target.to_owned() });
        }
        let path = target.with_file_name(name_of(target, process::id()));
        let init = |source| RunError::Init { path: path.clone(), source };
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent.filter(|parent| !parent.exists()) {
            let missing = io::Error::new(io::ErrorKind::NotFound, "its folder is not there");
            return Err(RunError::Init { path: parent.to_owned(), source: missing });
        }
        remove_what_is_left(target);
        RealDisk.create_dir(&path).map_err(init)?;
        let path = fs::canonicalize(&path).map_err(init)?;
        Ok(Self { path })
    }

    /// Gives it the name `target`; durable on return.
    pub(super) fn give_name(self, target: &Path) -> Result<(), RunError> {
        let init = |source| RunError::Init { path: target.to_owned(), source };
        let parent = self.path.parent().unwrap_or(Path::new("/")).to_owned();
        fs::rename(&self.path, target).map_err(init)?;
        RealDisk.sync_dir(&parent).map_err(init)
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        // Named, or in nobody's way.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// How the folder is called in which the process `process` makes `target`.
fn name_of(target: &Path, process: u32) -> OsString {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(".{process}.partial"));
    name
}

/// Removes what killed processes, and one of this number, have left of making `target`.
fn remove_what_is_left(target: &Path) {
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
    // Where that cannot be, nothing but a hidden folder is left behind.
    let Ok(entries) = fs::read_dir(parent.unwrap_or(Path::new("."))) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let process =
            name.to_str().and_then(|name| name.strip_suffix(".partial")?.rsplit('.').next());
        let Some(maker) = process.and_then(|process| process.parse().ok()) else { continue };
        let is_left = maker == process::id() || !RealDisk.is_running(maker);
        if is_left && name == name_of(target, maker) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
