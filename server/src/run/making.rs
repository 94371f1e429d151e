//! Making a counter, or a copy of one, under another name: what has the right one is whole.

use std::{
    ffi::{OsStr, OsString},
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
    /// Whether the folder stays, without what is in it, where it does not get its name.
    leaves_a_mark: bool,
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
        let left = what_is_left(target);
        // Of another process that had the number of this one.
        let _ = fs::remove_dir_all(&path);
        RealDisk.create_dir(&path).map_err(init)?;
        let path = fs::canonicalize(&path).map_err(init)?;
        let making = Self { path, leaves_a_mark: false };
        // Only now: whoever looks whether it was begun finds one or the other.
        let own = making.path.file_name();
        for left in left.iter().filter(|left| left.file_name() != own) {
            // Where that cannot be, nothing but a hidden folder is left behind.
            let _ = fs::remove_dir_all(left);
        }
        Ok(making)
    }

    /// Whether a process that was killed, or that [`Making::leave_a_mark`] was told to, has begun to make `target`, and
    /// has not given it its name.
    pub(super) fn is_begun(target: &Path, is_named: impl Fn(&Path) -> bool) -> bool {
        what_is_left(target).iter().any(|left| !is_named(left))
    }

    /// From here on the folder stays, without what is in it, where this process does not give the name.
    pub(super) fn leave_a_mark(&mut self) {
        self.leaves_a_mark = true;
    }

    /// Nothing stays any more: what was made has its name.
    pub(super) fn is_named(&mut self) {
        self.leaves_a_mark = false;
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
        if self.leaves_a_mark {
            let _ = RealDisk.create_dir(&self.path);
        }
    }
}

/// How the folder is called in which the process `process` makes `target`.
fn name_of(target: &Path, process: u32) -> OsString {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(".{process}.partial"));
    name
}

/// The folders that processes which have ended, or had the number of this one, have left of making `target`.
fn what_is_left(target: &Path) -> Vec<PathBuf> {
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
    let Ok(entries) = fs::read_dir(parent.unwrap_or(Path::new("."))) else { return Vec::new() };
    let is_left = |name: &OsStr| {
        let process =
            name.to_str().and_then(|name| name.strip_suffix(".partial")?.rsplit('.').next());
        let maker = process.and_then(|process| process.parse().ok());
        maker.is_some_and(|maker| {
            let has_ended = maker == process::id() || !RealDisk.is_running(maker);
            has_ended && name == name_of(target, maker)
        })
    };
    let entries = entries.flatten().filter(|entry| is_left(&entry.file_name()));
    entries.map(|entry| entry.path()).collect()
}
