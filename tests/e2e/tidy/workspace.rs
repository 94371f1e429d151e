//! Every tracked file, held to every rule.

use std::{fs, path::Path, process::Command};

use super::{
    architecture, arrows, circles, complaint::Complaint, modules, names, root, tokens, words,
};

#[test]
fn workspace_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let tracked = tracked_files(&root);
    assert!(tracked.iter().any(|path| path == "tests/e2e/tidy/mod.rs"));

    let texts = tracked.iter().filter_map(|path| Some((path.as_str(), text_of(&root, path)?)));
    let texts = texts.collect::<Vec<_>>();
    let sources = texts.iter().map(|(path, text)| (*path, text.as_str())).collect::<Vec<_>>();

    let of_paths = tracked.iter().flat_map(|path| check_path(path));
    let of_texts = sources.iter().flat_map(|(path, text)| check_text(path, text));
    let of_crates = circles::check(&sources);
    let of_names = architecture::check(&sources);
    let complaints = of_paths.chain(of_texts).chain(of_crates).chain(of_names);
    let complaints = complaints.map(|complaint| complaint.to_string()).collect::<Vec<_>>();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// A file that was deleted and not yet committed has no text, a picture neither.
fn text_of(root: &Path, path: &str) -> Option<String> {
    let bytes = fs::read(root.join(path)).ok()?;
    String::from_utf8(bytes).ok()
}

fn check_path(path: &str) -> Vec<Complaint> {
    [names::check(path), root::check_place(path)].concat()
}

fn check_text(path: &str, text: &str) -> Vec<Complaint> {
    let mut complaints = [words::check_text(path, text), root::check_counter(path, text)].concat();
    if path.ends_with(".rs") {
        complaints.extend(tokens::check(path, text));
        complaints.extend(modules::check(path, text));
        complaints.extend(words::check_rust(path, text));
        complaints.extend(arrows::check(path, text));
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
