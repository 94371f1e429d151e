//! Disks of a test's own, where the system lets it mount any.

use e2e::{Counter, Program};

/// A program that runs another one among mounts of its own; they end with it.
pub(crate) fn mount_namespace() -> Option<Program> {
    [&["--mount"][..], &["--map-root-user", "--mount"]].into_iter().find_map(|rights| {
        let unshare = Program::new("unshare").args(rights);
        let folder = Counter::missing();
        let trial = unshare.clone().args(["mount", "-t", "tmpfs", "tmpfs"]).arg(folder.folder());
        (trial.run().code == Some(0)).then_some(unshare)
    })
}
