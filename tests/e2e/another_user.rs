//! What only root can try: a server that runs as somebody else, as a service does.

use std::path::Path;

use e2e::{Program, left_out};

use crate::programs::server;

/// A user of every system, and its group.
pub(crate) const USER: &str = "daemon";

/// Whether a server can be run as [`USER`]; where it cannot, `what` is said to be left out.
pub(crate) fn can_serve(what: &str) -> bool {
    let can = server().as_user(USER).arg("--version").run().code == Some(0);
    if !can {
        left_out(what, "no server can be run as another user here, as root can");
    }
    can
}

/// Makes `folder`, with all that is in it, the user's.
#[track_caller]
pub(crate) fn give(folder: &Path) {
    let given =
        Program::new("chown").args(["--recursive", &format!("{USER}:{USER}")]).arg(folder).run();
    assert_eq!(given.code, Some(0), "{given:?}");
}
