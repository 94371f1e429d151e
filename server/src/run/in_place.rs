//! A counter in files that was made under another name gets its own: in one step, for whoever sells.

use std::{io, path::Path};

use crate::{
    ledger::file::{
        disk::{Disk as _, FileLock as _, RealDisk},
        layout::Layout,
    },
    run::RunError,
};

/// Gives the counter at `made`, which is whole and nobody's by now, the names of `layout`, where nothing is; durable
/// on return.
///
/// # Errors
/// [`RunError::InTheWay`], [`RunError::Init`]: it has its old names then, and what has the new ones is as it was.
/// [`RunError::LedgerLeft`]: the same, but for the folder. [`RunError::NotSynced`]: it has its new names.
pub(super) fn put_in_place(made: &Layout, layout: &Layout) -> Result<(), RunError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists => RunError::InTheWay { path },
            _ => RunError::Init { path, source },
        }
    };
    // IMPORTANT: held until the counter is there or the folder is not any more: a server of a `db.txt` that somebody has
    // just made would take the folder for its own; so it waits, and finds another folder then.
    let lock = RealDisk.open(&made.lock).map_err(failed(&made.lock))?;
    let mut lock = RealDisk.lockable(lock);
    let held = lock.try_exclusive().map_err(failed(&made.lock))?;
    // IMPORTANT: the ledger first: without it, what is in its head would be taken for an older one's.
    let renamed = RealDisk.rename_folder_to_new(&made.folder, &layout.folder);
    renamed.map_err(failed(&layout.folder))?;
    // Unlike a rename, it does not take the place of a counter that has appeared meanwhile.
    if let Err(cause) = RealDisk.link(&made.head, &layout.head) {
        let taken_back = RealDisk.rename_folder_to_new(&layout.folder, &made.folder);
        return Err(match taken_back {
            Ok(()) => failed(&layout.head)(cause),
            Err(source) => {
                let (folder, head) = (layout.folder.clone(), layout.head.clone());
                RunError::LedgerLeft { folder, head, cause, source }
            }
        });
    }
    drop(held);
    let path = || layout.head.clone();
    RealDisk.sync_dir(&layout.parent).map_err(|source| RunError::NotSynced { path: path(), source })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    /// A counter under another name, and the names that it is to have.
    struct Scene {
        _folder: TempDir,
        made: Layout,
        layout: Layout,
    }

    impl Scene {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let made = Layout::around(&folder.path().join("making/db.txt"));
            let layout = Layout::around(&folder.path().join("db.txt"));
            fs::create_dir_all(&made.folder).unwrap();
            for path in [&made.head, &made.lock] {
                fs::write(path, "made").unwrap();
            }
            Self { _folder: folder, made, layout }
        }

        fn put(&self) -> Result<(), RunError> {
            put_in_place(&self.made, &self.layout)
        }

        /// Fails unless what was made has its old names only.
        #[track_caller]
        fn assert_not_in_place(&self) {
            assert!(self.made.head.exists() && self.made.lock.exists());
            assert!(!self.layout.lock.exists());
        }
    }

    #[test]
    fn a_counter_that_gets_its_name_has_it_alone() {
        let scene = Scene::new();
        scene.put().unwrap();
        assert_eq!(fs::read_to_string(&scene.layout.head).unwrap(), "made");
        assert!(scene.layout.lock.exists() && !scene.made.folder.exists());
    }

    #[test]
    fn a_head_that_somebody_has_made_meanwhile_stays_without_a_ledger_of_ours() {
        let scene = Scene::new();
        fs::write(&scene.layout.head, "theirs").unwrap();

        let refused = scene.put().unwrap_err();

        assert!(matches!(&refused, RunError::InTheWay { path } if *path == scene.layout.head));
        assert_eq!(fs::read_to_string(&scene.layout.head).unwrap(), "theirs");
        scene.assert_not_in_place();
        // And once it is out of the way, there is nothing else in it.
        fs::remove_file(&scene.layout.head).unwrap();
        scene.put().unwrap();
    }

    #[test]
    fn a_folder_that_somebody_has_made_meanwhile_is_not_replaced_though_it_is_empty() {
        let scene = Scene::new();
        fs::create_dir(&scene.layout.folder).unwrap();

        let refused = scene.put().unwrap_err();

        assert!(matches!(&refused, RunError::InTheWay { path } if *path == scene.layout.folder));
        assert!(!scene.layout.head.exists());
        scene.assert_not_in_place();
    }

    #[test]
    fn a_ledger_is_put_in_place_with_its_lock_held() {
        let scene = Scene::new();
        let mut lock = RealDisk.lockable(RealDisk.open(&scene.made.lock).unwrap());
        let held = lock.try_exclusive().unwrap();

        let refused = scene.put().unwrap_err();

        assert!(matches!(&refused, RunError::Init { path, .. } if *path == scene.made.lock));
        scene.assert_not_in_place();
        drop(held);
        scene.put().unwrap();
    }
}
