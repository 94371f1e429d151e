//! The paths in Rust code that lead to a top-level module of the crate, or into another crate.

use proc_macro2::{Delimiter, TokenTree};

use super::tokens;

/// The module that the file `source` (below `src/`) is; empty for the crate's root.
pub(super) fn module_of(source: &str) -> Vec<String> {
    let mut module: Vec<String> =
        source.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

/// Lines and whole paths that `text`, a file of `module`, names by `crate::` or `super::`, as in
/// `ledger::file::head::Head`.
pub(super) fn in_own_crate(module: &[String], text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    walk(&tokens::parse(text).unwrap_or_default(), module, &mut found);
    found
}

/// Lines where `text` names the crate `name`.
pub(super) fn into_crate(name: &str, text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    walk_for_crate(&tokens::parse(text).unwrap_or_default(), name, &mut found);
    found
}

fn walk(tree: &[TokenTree], module: &[String], found: &mut Vec<(usize, String)>) {
    let mut at = 0;
    while let Some(token) = tree.get(at) {
        let name = tokens::word(Some(token));
        let body = tokens::group(tree.get(at + 2), Delimiter::Brace);
        if let ("mod", Some(body)) = (name.as_str(), body) {
            let mut inner = module.to_vec();
            inner.push(tokens::word(tree.get(at + 1)));
            walk(&tokens::inside(body), &inner, found);
            at += 3;
        } else if name == "crate" || name == "super" {
            at += follow(&tree[at..], module, found);
        } else {
            if let TokenTree::Group(group) = token {
                walk(&tokens::inside(group), module, found);
            }
            at += 1;
        }
    }
}

/// Follows one path, and all that its braces hold; `module` is where it starts from. Returns how
/// many tokens it takes.
fn follow(path: &[TokenTree], module: &[String], found: &mut Vec<(usize, String)>) -> usize {
    let Some(first) = path.first() else { return 0 };
    if let Some(branches) = tokens::group(Some(first), Delimiter::Brace) {
        let branches = tokens::inside(branches);
        for branch in branches.split(|token| tokens::is_mark(Some(token), ',')) {
            follow(branch, module, found);
        }
        return 1;
    }
    let reached = match tokens::word(Some(first)).as_str() {
        "" | "self" => module.to_vec(),
        "crate" => Vec::new(),
        "super" => module[..module.len().saturating_sub(1)].to_vec(),
        name => [module, &[name.to_owned()]].concat(),
    };
    if tokens::is_path_separator(&path[1..]) {
        return 3 + follow(&path[3..], &reached, found);
    }
    if !reached.is_empty() {
        found.push((tokens::line(first), reached.join("::")));
    }
    1
}

fn walk_for_crate(tree: &[TokenTree], name: &str, found: &mut Vec<usize>) {
    for (at, token) in tree.iter().enumerate() {
        let before = tokens::word(at.checked_sub(1).and_then(|before| tree.get(before)));
        let leads = tokens::is_path_separator(&tree[at + 1..]) && !is_inside_path(&tree[..at]);
        let is_imported = before == "use" || before == "crate";
        if tokens::word(Some(token)) == name && (leads || is_imported) {
            found.push(tokens::line(token));
        }
        if let TokenTree::Group(group) = token {
            walk_for_crate(&tokens::inside(group), name, found);
        }
    }
}

/// Whether `before` ends in `name::`, so that what follows is no crate.
fn is_inside_path(before: &[TokenTree]) -> bool {
    let Some(separator) = before.len().checked_sub(2) else {
        return false;
    };
    let owner = separator.checked_sub(1).and_then(|owner| before.get(owner));
    let owner = tokens::word(owner);
    tokens::is_path_separator(&before[separator..]) && !owner.is_empty() && owner != "use"
}

#[test]
fn path_is_told_whole_whichever_way_it_is_written() {
    let module = ["ledger".to_owned(), "file".to_owned()];
    let told = |text: &str| {
        let paths = in_own_crate(&module, text).into_iter().map(|(_, path)| path);
        paths.collect::<Vec<_>>().join(" ")
    };

    assert_eq!(told("use crate::{a::{b, c::D}, e::*};"), "a::b a::c::D e");
    assert_eq!(told("use crate::a::{self, b as c};"), "a a::b");
    assert_eq!(told("use super::{disk, super::{desk::X, http}};"), "ledger::disk desk::X http");
    assert_eq!(told("fn f(x: crate::a::B) { x.super_b::<u8>() }"), "a::B");
    assert_eq!(told("mod tests { use super::super::X; }"), "ledger::X");
    assert_eq!(told("pub(crate) fn f() {} pub(super) fn g() {}"), "ledger");
}

#[test]
fn file_is_the_module_that_its_path_says() {
    assert_eq!(module_of("lib.rs"), Vec::<String>::new());
    assert_eq!(module_of("cli.rs"), ["cli"]);
    assert_eq!(module_of("ledger/mod.rs"), ["ledger"]);
    assert_eq!(module_of("ledger/file/head.rs"), ["ledger", "file", "head"]);
}
