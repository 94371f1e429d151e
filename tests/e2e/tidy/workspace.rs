//! Every tracked file, held to every rule.

use std::{fs, path::Path, process::Command};

use super::{arrows, complaint::Complaint, modules, names, root, tokens, words};

#[test]
fn workspace_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let tracked = tracked_files(&root);
    assert!(tracked.iter().any(|path| path == "tests/e2e/tidy/mod.rs"));

    let complaints = tracked
        .iter()
        .flat_map(|path| check(&root, path))
        .map(|complaint| complaint.to_string())
        .collect::<Vec<_>>();

    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn check(root: &Path, path: &str) -> Vec<Complaint> {
    let mut complaints = [names::check(path), root::check_place(path)].concat();
    // A file that was deleted and not yet committed has no text, a picture neither.
    let text = fs::read(root.join(path)).ok();
    if let Some(text) = text.and_then(|bytes| String::from_utf8(bytes).ok()) {
        complaints.extend(words::check_text(path, &text));
        complaints.extend(root::check_counter(path, &text));
        if path.ends_with(".rs") {
            complaints.extend(tokens::check(path, &text));
            complaints.extend(modules::check(path, &text));
            complaints.extend(words::check_rust(path, &text));
            complaints.extend(arrows::check(path, &text));
        }
    }
    complaints
}

fn tracked_files(root: &Path) -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root)
        .output()
        .expect("git lists the tracked files");
    assert!(listed.status.success(), "{listed:?}");
    String::from_utf8(listed.stdout)
        .expect("paths are UTF-8")
        .split_terminator('\0')
        .map(str::to_owned)
        .collect()
}
