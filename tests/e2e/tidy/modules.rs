//! What a module file begins with, and what `mod.rs` and `lib.rs` hold.

use proc_macro2::TokenTree;

use super::{
    complaint::{self, Complaint},
    tokens,
};

const HEADER_LINES_MAX: usize = 25;

/// Complains about a file without a `//!` header or with one of more than 25 lines, and about a
/// `mod.rs` or `lib.rs` that holds more than `mod` lines and re-exports.
pub(super) fn check(path: &str, text: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let header = text.lines().take_while(|line| line.starts_with("//!")).count();
    if header == 0 {
        let message = "starts with no `//!` header that says what the module is for";
        complaints.push(Complaint::new(path, 1, message));
    }
    if header > HEADER_LINES_MAX {
        let message = format!("a header of {header} lines, {HEADER_LINES_MAX} at most");
        complaints.push(Complaint::new(path, 1, message));
    }
    let is_contents = matches!(path.rsplit('/').next(), Some("mod.rs" | "lib.rs"));
    if let (true, Ok(tree)) = (is_contents, tokens::parse(text)) {
        let message = "holds more than its header, `mod` lines and re-exports";
        let odd = first_odd(&tree).map(|line| Complaint::new(path, line, message));
        complaints.extend(odd);
    }
    complaints
}

/// The line of the first item that is neither `mod name;` nor a `pub use`.
fn first_odd(tree: &[TokenTree]) -> Option<usize> {
    let mut rest = tree;
    while let Some(first) = rest.first() {
        match after_item(rest) {
            Some(after) => rest = after,
            None => return Some(tokens::line(first)),
        }
    }
    None
}

/// What follows the `mod` line or re-export that `tree` begins with; `None` where it does not.
fn after_item(tree: &[TokenTree]) -> Option<&[TokenTree]> {
    let item = tokens::after_attributes(tree);
    let is_public = tokens::word(item.first()) == "pub";
    let item = tokens::after_visibility(item);
    let end = item.iter().position(|token| tokens::is_mark(Some(token), ';'));
    match (tokens::word(item.first()).as_str(), end) {
        ("mod", Some(2)) => Some(&item[3..]),
        ("use", Some(end)) if is_public => Some(&item[end + 1..]),
        ("", None) if item.is_empty() => Some(item),
        _ => None,
    }
}

#[test]
fn file_without_a_header_is_caught() {
    assert_eq!(check("a.rs", "//! Says what it is.\nfn f() {}\n"), []);
    assert_eq!(check("a.rs", "fn f() {}\n").len(), 1);
    assert_eq!(check("a.rs", "// no doc comment\nfn f() {}\n").len(), 1);
    assert_eq!(check("a.rs", "").len(), 1);
}

#[test]
fn header_of_more_than_25_lines_is_caught() {
    assert_eq!(check("a.rs", &"//! Word.\n".repeat(25)), []);
    assert_eq!(check("a.rs", &"//! Word.\n".repeat(26)).len(), 1);
}

#[test]
fn contents_file_may_hold_modules_and_re_exports() {
    let text = "//! Header.\n#![forbid(x)]\n\nmod a;\n/// Doc.\npub mod b;\n#[cfg(test)]\n\
                pub(crate) mod c;\n\npub use a::{B, C};\npub(crate) use b::*;\n";

    assert_eq!(check("a/mod.rs", text), []);
    assert_eq!(check("a/src/lib.rs", text), []);
}

#[test]
fn anything_else_in_a_contents_file_is_caught() {
    for odd in [
        "fn f() {}",
        "pub struct S;",
        "use a::B;",
        "mod inline { fn f() {} }",
        "const A: u8 = 1;",
        "macro_rules! m { () => {} }",
    ] {
        let text = format!("//! Header.\n\nmod a;\n{odd}\nmod b;\n");

        for path in ["a/mod.rs", "src/lib.rs"] {
            let complaints = check(path, &text);
            assert_eq!(complaint::lines(&complaints), [4], "{odd}: {complaints:?}");
        }
        assert_eq!(check("a/other.rs", &text), [], "{odd}");
    }
}
