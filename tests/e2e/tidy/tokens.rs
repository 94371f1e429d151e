//! Rust source as a token tree: what is code and what is text, with line numbers.
//!
//! Tokens, and no syntax tree, since a tree knows nothing of what stands inside a macro call,
//! and half of our tests stand inside `proptest!`.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::complaint::{self, Complaint};

/// Complains about a file that is no Rust, of which the other rules see nothing.
pub(super) fn check(path: &str, text: &str) -> Vec<Complaint> {
    let fault = parse(text).err();
    fault.into_iter().map(|line| Complaint::new(path, line, "is no Rust")).collect()
}

/// The tokens of `text`, or the line where it stops to be Rust.
pub(super) fn parse(text: &str) -> Result<Vec<TokenTree>, usize> {
    match text.parse::<TokenStream>() {
        Ok(tokens) => Ok(tokens.into_iter().collect()),
        Err(fault) => Err(fault.span().start().line),
    }
}

/// The line on which `token` begins.
pub(super) fn line(token: &TokenTree) -> usize {
    token.span().start().line
}

/// The name that `token` is; empty where it is none.
pub(super) fn word(token: Option<&TokenTree>) -> String {
    match token {
        Some(TokenTree::Ident(name)) => name.to_string(),
        _ => String::new(),
    }
}

/// Whether `token` is the punctuation mark `mark`.
pub(super) fn is_mark(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

/// Whether `tokens` begin with `::`.
pub(super) fn is_path_separator(tokens: &[TokenTree]) -> bool {
    is_mark(tokens.first(), ':') && is_mark(tokens.get(1), ':')
}

/// The group that `token` is, where it stands in these brackets.
pub(super) fn group(token: Option<&TokenTree>, brackets: Delimiter) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == brackets => Some(group),
        _ => None,
    }
}

/// `tree` without the attributes and doc comments that it begins with.
pub(super) fn after_attributes(mut tree: &[TokenTree]) -> &[TokenTree] {
    while is_mark(tree.first(), '#') {
        let inner = usize::from(is_mark(tree.get(1), '!'));
        tree = tree.get(2 + inner..).unwrap_or_default();
    }
    tree
}

/// `tree` without the `pub`, `pub(crate)`, `pub(in path)` that it begins with.
pub(super) fn after_visibility(tree: &[TokenTree]) -> &[TokenTree] {
    if word(tree.first()) != "pub" {
        return tree;
    }
    let bounds = group(tree.get(1), Delimiter::Parenthesis).map(inside).unwrap_or_default();
    // A field's type may stand in brackets too: `pub (crate::A, u8)`.
    let is_bounded = match word(bounds.first()).as_str() {
        "crate" | "super" | "self" => bounds.len() == 1,
        first => first == "in",
    };
    &tree[1 + usize::from(is_bounded)..]
}

/// The tokens inside `group`.
pub(super) fn inside(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

#[test]
fn file_that_is_no_rust_is_caught_with_its_line() {
    assert_eq!(check("a.rs", "fn f() {}\n\nfn g() {}\n"), []);
    for text in ["fn f() {}\n\nfn g( {}\n", "fn f() {}\n\n\"no end\n"] {
        assert_eq!(complaint::lines(&check("a.rs", text)), [3], "{text}");
    }
}
