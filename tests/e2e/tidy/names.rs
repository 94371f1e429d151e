//! A file is named for what it holds.

use super::complaint::Complaint;

/// Names that say nothing.
const BANNED: [&str; 9] =
    ["utils", "util", "helpers", "helper", "common", "manager", "imp", "data", "misc"];

/// Complains about a file or folder whose name says nothing.
pub(super) fn check(path: &str) -> Vec<Complaint> {
    path.split('/')
        .map(|part| part.split('.').next().unwrap_or(part))
        .filter(|stem| BANNED.contains(stem))
        .map(|stem| {
            let message = format!("`{stem}` says nothing: name it for what it holds");
            Complaint::new(path, 1, message)
        })
        .collect()
}

#[test]
fn name_that_says_nothing_is_caught_in_files_and_folders() {
    for path in [
        "server/src/utils.rs",
        "server/src/helpers/lock.rs",
        "loadgen/src/common.rs",
        "server/src/manager.rs",
        "server/src/ledger/imp.rs",
        "tests/data/history.ndjson",
        "tests/run_misc/misc.tar.gz",
    ] {
        assert_eq!(check(path).len(), 1, "{path}");
    }
}

#[test]
fn name_that_contains_a_banned_one_is_fine() {
    for path in ["server/src/important.rs", "tests/metadata.rs", "utility.rs"] {
        assert_eq!(check(path), [], "{path}");
    }
}
