//! Disks of a test's own, where the system lets it mount any.

use e2e::{Counter, Program, left_out};

/// A program that runs another one among mounts of its own; they end with it. Where there can be none, `what` is said to
/// be left out.
pub(crate) fn mount_namespace(what: &str) -> Option<Program> {
    let namespace =
        [&["--mount"][..], &["--map-root-user", "--mount"]].into_iter().find_map(|rights| {
            let unshare = Program::new("unshare").args(rights);
            let folder = Counter::missing();
            let trial =
                unshare.clone().args(["mount", "-t", "tmpfs", "tmpfs"]).arg(folder.folder());
            (trial.run().code == Some(0)).then_some(unshare)
        });
    if namespace.is_none() {
        left_out(what, "no folder of its own can be mounted here");
    }
    namespace
}
