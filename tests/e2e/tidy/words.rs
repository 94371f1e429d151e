//! What no tracked text says: that it is unfinished, and where its author's machine keeps things.

use proc_macro2::{Delimiter, TokenTree};

use super::{
    complaint::{self, Complaint},
    tokens,
};

/// Notes to oneself. In two parts, so that this file does not contain them.
const NOTES: [[&str; 2]; 3] = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"]];

/// Macros that stand where code is missing.
const GAPS: [&str; 2] = ["todo", "unimplemented"];

/// Where a path of somebody's own machine begins.
const MACHINE_FOLDERS: [&str; 5] = ["work", "root", "home", "Users", "tmp"];

/// Complains about notes to oneself and machine paths in any text.
pub(super) fn check_text(path: &str, text: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for note in NOTES.map(|parts| parts.concat()) {
            if contains_word(line, &note) {
                let message = format!("`{note}`: finish it, or file an issue");
                complaints.push(Complaint::new(path, at + 1, message));
            }
        }
        for folder in MACHINE_FOLDERS {
            if contains_path(line, &format!("/{folder}/")) {
                let message = format!("a path of one machine: `/{folder}/…`");
                complaints.push(Complaint::new(path, at + 1, message));
            }
        }
    }
    complaints
}

/// Complains about missing code and tests that do not run, in Rust.
pub(super) fn check_rust(path: &str, text: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let tree = tokens::parse(text).unwrap_or_default();
    visit(&tree, &mut |line, message| {
        complaints.push(Complaint::new(path, line, message));
    });
    complaints
}

fn visit(tree: &[TokenTree], complain: &mut impl FnMut(usize, String)) {
    for (at, token) in tree.iter().enumerate() {
        let name = tokens::word(Some(token));
        if GAPS.contains(&name.as_str()) && tokens::is_mark(tree.get(at + 1), '!') {
            complain(tokens::line(token), format!("`{name}!`: code is missing"));
        }
        let attribute = tokens::group(tree.get(at + 1), Delimiter::Bracket);
        if let (true, Some(attribute)) = (tokens::is_mark(Some(token), '#'), attribute)
            && attribute_ignores(&tokens::inside(attribute))
        {
            complain(tokens::line(token), "a test that does not run".to_owned());
        }
        if let TokenTree::Group(group) = token {
            visit(&tokens::inside(group), complain);
        }
    }
}

/// `ignore`, also as in `cfg_attr(condition, ignore)`.
fn attribute_ignores(tree: &[TokenTree]) -> bool {
    let is_conditional = tokens::word(tree.first()) == "cfg_attr";
    tokens::word(tree.first()) == "ignore"
        || tree.iter().filter_map(|token| tokens::group(Some(token), Delimiter::Parenthesis)).any(
            |group| {
                let inner = tokens::inside(group);
                is_conditional && inner.iter().any(|token| tokens::word(Some(token)) == "ignore")
            },
        )
}

fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let joins = |beside: Option<char>| beside.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !joins(before) && !joins(after)
    })
}

/// Whether a path begins with `folder` in `line`, and not only goes through it.
fn contains_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_-.*/~}".contains(c))
    })
}

#[test]
fn note_to_oneself_is_caught() {
    for note in NOTES.map(|parts| parts.concat()) {
        let text = format!("fine\n// {note}: later\n");

        assert_eq!(complaint::lines(&check_text("a.md", &text)), [2]);
    }
    assert_eq!(check_text("a.md", "mktemp x.XXXXXX\nMETHODS\n"), []);
}

#[test]
fn path_of_one_machine_is_caught() {
    for folder in MACHINE_FOLDERS {
        for text in [
            format!("see /{folder}/me/x"),
            format!("\"/{folder}/x\""),
            format!("file:(/{folder}/x)"),
        ] {
            assert_eq!(complaint::lines(&check_text("a", &text)), [1], "{text}");
        }
        let relative = format!("https://host/{folder}/x and ./{folder}/x, a/{folder}/b");
        assert_eq!(check_text("a", &relative), []);
    }
    assert_eq!(check_text("a", "#!/usr/bin/env bash\n/proc/locks /dev/null"), []);
}

#[test]
fn missing_code_is_caught() {
    for gap in GAPS {
        let text = format!("fn f() {{\n    g(|| {gap}!(\"later\"))\n}}\n");

        assert_eq!(complaint::lines(&check_rust("a.rs", &text)), [2]);
        let spoken = format!("fn f() {{ print(\"{gap}!\") }} // {gap}!\n");
        assert_eq!(check_rust("a.rs", &spoken), []);
    }
}

#[test]
fn test_that_does_not_run_is_caught() {
    for attribute in ["ignore", "ignore = \"slow\"", "cfg_attr(unix, ignore)"] {
        let text = format!("mod tests {{\n    #[test]\n    #[{attribute}]\n    fn f() {{}}\n}}\n");

        assert_eq!(complaint::lines(&check_rust("a.rs", &text)), [3], "{attribute}");
    }
    assert_eq!(check_rust("a.rs", "#[cfg(ignored)] #[doc = \"ignore\"] fn f() {}"), []);
}
