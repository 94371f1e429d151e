//! What lies in the root folder: the table of contents, and nothing else.

use super::complaint::Complaint;

const ALLOWED: [&str; 17] = [
    ".ci",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "clippy.toml",
    "db.txt",
    "deny.toml",
    "loadgen",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "server",
    "tests",
];

/// The counter that a newcomer's first server sells from.
const COUNTER: &str = "{\"count\": 100}\n";

/// Complains about a tracked file outside the known files and folders.
pub(super) fn check_place(path: &str) -> Vec<Complaint> {
    let top = path.split('/').next().unwrap_or(path);
    if ALLOWED.contains(&top) {
        return Vec::new();
    }
    let message = format!("`{top}` has no place in the root folder");
    vec![Complaint::new(path, 1, message)]
}

/// Complains about a `db.txt` that was sold from and committed.
pub(super) fn check_counter(path: &str, text: &str) -> Vec<Complaint> {
    if path != "db.txt" || text == COUNTER {
        return Vec::new();
    }
    let message = format!("holds {text:?}, not {COUNTER:?}");
    vec![Complaint::new(path, 1, message)]
}

#[test]
fn stray_file_or_folder_is_caught() {
    for path in
        ["notes.md", "db.txt.ledger/LOCK", "src/main.rs", "docs/page.png", "target/debug/x", ".env"]
    {
        assert_eq!(check_place(path).len(), 1, "{path}");
    }
    for path in ["db.txt", "server/src/lib.rs", "tests/run", ".ci/run"] {
        assert_eq!(check_place(path), [], "{path}");
    }
}

#[test]
fn counter_that_was_sold_from_is_caught() {
    assert_eq!(check_counter("db.txt", COUNTER), []);
    for text in ["{\"count\": 99}\n", "{\"count\": 100}", "{\"count\":100}\n", ""] {
        assert_eq!(check_counter("db.txt", text).len(), 1, "{text:?}");
    }
    assert_eq!(check_counter("tests/x/db.txt", "anything"), []);
}
