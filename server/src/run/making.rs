//! Making a counter, or a copy of one, under another name: what has the right one is whole.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
    process,
};

use crate::{
    ledger::file::disk::{Disk as _, DiskFile as _, RealDisk},
    run::RunError,
};

/// What tells in such a folder that it was to get its name: the key of the counter that is in it.
const MARK: &str = "begun";

/// A folder in which something is made that gets its name once it is whole; goes away where it does not.
pub(super) struct Making {
    pub(super) path: PathBuf,
    /// Whether the folder stays, with nothing in it but the mark, where it does not get its name.
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
            let folder = parent.to_owned();
            return Err(RunError::NoFolder { path: target.to_owned(), folder });
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

    /// Whether a process that has ended left a mark of the counter with `key` in making `target`, and has not given it
    /// its name.
    pub(super) fn is_begun(
        target: &Path,
        key: &[u8; 32],
        is_named: impl Fn(&Path) -> bool,
    ) -> bool {
        let has_mark = |left: &Path| fs::read(left.join(MARK)).is_ok_and(|mark| mark == key);
        what_is_left(target).iter().any(|left| has_mark(left) && !is_named(left))
    }

    /// Leaves a mark of the counter with `key`: from here on the folder stays, with nothing else in it, where this
    /// process does not give the name. Durable on return.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn leave_a_mark(&mut self, key: &[u8; 32]) -> io::Result<()> {
        let path = self.path.join(MARK);
        RealDisk.remove(&path)?;
        let mark = RealDisk.create_new(&path)?;
        mark.write_at(key, 0)?;
        mark.sync()?;
        self.leaves_a_mark = true;
        RealDisk.sync_dir(&self.path)
    }

    /// Nothing stays any more: what was made has its name.
    pub(super) fn is_named(&mut self) {
        self.leaves_a_mark = false;
        // Ahead of all else that is removed: a folder that is half removed tells nothing then.
        let _ = fs::remove_file(self.path.join(MARK));
    }

    /// Gives it the name `target`, which nothing has; durable on return.
    ///
    /// # Errors
    /// [`RunError::NotSynced`]: it has its name. Else it has not, and what has it is as it was.
    pub(super) fn give_name(self, target: &Path) -> Result<(), RunError> {
        let path = target.to_owned();
        let parent = self.path.parent().unwrap_or(Path::new("/")).to_owned();
        match RealDisk.rename_folder_to_new(&self.path, target) {
            Ok(()) => {}
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
                return Err(RunError::InTheWay { path });
            }
            Err(source) => return Err(RunError::Init { path, source }),
        }
        RealDisk.sync_dir(&parent).map_err(|source| RunError::NotSynced { path, source })
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        // Named, or in nobody's way: where something cannot be removed, a hidden folder stays behind.
        if !self.leaves_a_mark {
            let _ = fs::remove_dir_all(&self.path);
            return;
        }
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let path = entry.path();
            let _ = match entry.file_type() {
                Ok(kind) if kind.is_dir() => fs::remove_dir_all(path),
                _ if entry.file_name() == MARK => Ok(()),
                _ => fs::remove_file(path),
            };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_somebody_has_made_meanwhile_is_not_replaced_though_it_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().canonicalize().unwrap().join("monday");
        let making = Making::beside(&target).unwrap();
        fs::create_dir(&target).unwrap();
        fs::write(making.path.join("copied"), "").unwrap();

        let refused = making.give_name(&target).unwrap_err();

        assert!(matches!(refused, RunError::InTheWay { .. }), "{refused}");
        assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
    }

    #[test]
    fn nothing_was_begun_but_what_has_left_the_mark_of_the_same_counter() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().canonicalize().unwrap().join("db.txt");
        let (key, other) = ([1; 32], [2; 32]);
        let begun = |key| Making::is_begun(&target, key, |_| false);

        // As one that was killed before its mark, or while it removed what it had made.
        fs::create_dir(target.with_file_name(name_of(&target, process::id()))).unwrap();
        assert!(!begun(&key));

        let mut making = Making::beside(&target).unwrap();
        fs::write(making.path.join("copied"), "").unwrap();
        making.leave_a_mark(&key).unwrap();
        drop(making);
        assert!(begun(&key) && !begun(&other));

        let mut making = Making::beside(&target).unwrap();
        making.leave_a_mark(&key).unwrap();
        making.is_named();
        drop(making);
        assert!(!begun(&key));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
