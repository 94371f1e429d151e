//! The paths in Rust code that lead to modules of its own crate, or into another crate.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, TokenTree};

use super::tokens;

/// The names of a module and of those around it, from the crate's root on.
pub(super) type Module = Vec<String>;

/// Names of modules that code may begin a path with.
pub(super) type Names = BTreeMap<String, Module>;

/// A path in the code, told whole.
pub(super) struct Path {
    pub(super) line: usize,
    /// From the crate's root on, as in `ledger`, `file`, `head`, `Head`.
    pub(super) segments: Vec<String>,
    /// What a `use` of it lets the code call it.
    pub(super) name: String,
    /// Whether it ends in `::*`, which is no segment.
    pub(super) is_glob: bool,
}

/// The module that the file `source` (below `src/`) is; empty for the crate's root.
pub(super) fn module_of(source: &str) -> Module {
    let mut module: Module = source.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

/// The paths in `tree`, code of `module`, that begin with `crate`, `super`, `self` or one of
/// `names`. A visibility is none: it leads only to where its item already is.
pub(super) fn in_code(module: &[String], tree: &[TokenTree], names: &Names) -> Vec<Path> {
    let mut found = Vec::new();
    walk(tree, module, names, &mut found);
    found
}

/// What `tree`, the code of the `mod.rs` of `module`, gives names to by `use`.
pub(super) fn re_exports(module: &[String], tree: &[TokenTree]) -> Vec<Path> {
    let mut found = Vec::new();
    for (at, token) in tree.iter().enumerate() {
        if tokens::word(Some(token)) == "use" {
            follow(&tree[at + 1..], module, &mut found);
        }
    }
    found
}

/// Lines where `text` names the crate `name`.
pub(super) fn into_crate(name: &str, text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    walk_for_crate(&tokens::parse(text).unwrap_or_default(), name, &mut found);
    found
}

fn walk(tree: &[TokenTree], module: &[String], names: &Names, found: &mut Vec<Path>) {
    let mut at = 0;
    while let Some(token) = tree.get(at) {
        let name = tokens::word(Some(token));
        let leads = !name.is_empty() && tokens::is_path_separator(&tree[at + 1..]);
        let body = tokens::group(tree.get(at + 2), Delimiter::Brace);
        at += match (name.as_str(), body) {
            ("mod", Some(body)) => {
                let inner = [module, &[tokens::word(tree.get(at + 1))]].concat();
                walk(&tokens::inside(body), &inner, names, found);
                3
            }
            ("pub", _) => tree.len() - at - tokens::after_visibility(&tree[at..]).len(),
            ("crate" | "super", _) => follow(&tree[at..], module, found),
            ("self", _) if leads => follow(&tree[at..], module, found),
            (name, _) if leads => match names.get(name) {
                Some(named) if !is_owned(&tree[..at]) => 3 + follow(&tree[at + 3..], named, found),
                _ => length(&tree[at..]),
            },
            _ => {
                if let TokenTree::Group(group) = token {
                    walk(&tokens::inside(group), module, names, found);
                }
                1
            }
        };
    }
}

/// Whether `before` ends in `name::` or `value.`, so that what follows belongs to that.
fn is_owned(before: &[TokenTree]) -> bool {
    let mark = |back: usize, mark: char| {
        tokens::is_mark(before.len().checked_sub(back).and_then(|at| before.get(at)), mark)
    };
    (mark(1, ':') && mark(2, ':')) || (mark(1, '.') && !mark(2, '.'))
}

/// How many tokens the path takes that `tree` begins with, with all that its braces hold.
fn length(tree: &[TokenTree]) -> usize {
    match tree.first() {
        Some(TokenTree::Ident(_)) if tokens::is_path_separator(&tree[1..]) => {
            3 + length(&tree[3..])
        }
        Some(TokenTree::Ident(_)) => 1,
        first => usize::from(tokens::group(first, Delimiter::Brace).is_some()),
    }
}

/// Follows one path, and all that its braces hold; `module` is where it starts from. Returns how
/// many tokens it takes.
fn follow(path: &[TokenTree], module: &[String], found: &mut Vec<Path>) -> usize {
    let Some(first) = path.first() else { return 0 };
    if let Some(branches) = tokens::group(Some(first), Delimiter::Brace) {
        let branches = tokens::inside(branches);
        for branch in branches.split(|token| tokens::is_mark(Some(token), ',')) {
            follow(branch, module, found);
        }
        return 1;
    }
    let segments = match tokens::word(Some(first)).as_str() {
        "" | "self" => module.to_vec(),
        "crate" => Vec::new(),
        "super" => module[..module.len().saturating_sub(1)].to_vec(),
        name => [module, &[name.to_owned()]].concat(),
    };
    if tokens::is_path_separator(&path[1..]) {
        return 3 + follow(&path[3..], &segments, found);
    }
    let is_renamed = tokens::word(path.get(1)) == "as";
    let renamed = is_renamed.then(|| tokens::word(path.get(2)));
    let name = renamed.or_else(|| segments.last().cloned()).unwrap_or_default();
    let is_glob = tokens::is_mark(Some(first), '*');
    found.push(Path { line: tokens::line(first), segments, name, is_glob });
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

#[cfg(test)]
fn told(paths: Vec<Path>) -> String {
    let told = paths.into_iter().map(|path| {
        let glob = if path.is_glob { "::*" } else { "" };
        let renamed = path.segments.last().is_some_and(|last| *last != path.name);
        let name = if renamed { format!("={}", path.name) } else { String::new() };
        format!("{}{glob}{name}", path.segments.join("::"))
    });
    told.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
fn module(path: &str) -> Module {
    path.split("::").map(str::to_owned).collect()
}

#[test]
fn path_is_told_whole_whichever_way_it_is_written() {
    let names = Names::from([("disk".to_owned(), module("ledger::disk"))]);
    let told = |text: &str| {
        let tree = tokens::parse(text).expect("the text is Rust");
        told(in_code(&module("ledger::file"), &tree, &names))
    };

    assert_eq!(told("use crate::{a::{b, c::D}, e::*};"), "a::b a::c::D e::*");
    assert_eq!(told("use crate::a::{self, b as c};"), "a a::b=c");
    assert_eq!(told("use super::{disk, super::{desk::X, http}};"), "ledger::disk desk::X http");
    assert_eq!(told("use {crate::a, std::{fs, disk::D}, self::b};"), "a ledger::file::b");
    assert_eq!(told("fn f(x: crate::a::B) { x.super_b::<u8>() }"), "a::B");
    assert_eq!(told("mod tests { use super::super::X; }"), "ledger::X");
    assert_eq!(told("macro_rules! m { () => { $crate::a::f!() } }"), "a::f");
    assert_eq!(told("fn f(self) { self.a; Vec::<super::A>::new() }"), "ledger::A");
    assert_eq!(
        told("use disk::{D, e::*}; fn f() { g(disk::h) }"),
        "ledger::disk::D ledger::disk::e::* ledger::disk::h"
    );
    assert_eq!(
        told("S { ..disk::S }; disk(); disk.a; a.disk::<u8>(); ::disk::a(); a::disk::b()"),
        "ledger::disk::S"
    );
    assert_eq!(told("pub(crate) fn f() {} pub(super) struct S(pub(in crate::a) u8);"), "");
    assert_eq!(told("struct S(pub (crate::a::B, u8));"), "a::B");
}

#[test]
fn re_exports_are_told_from_the_root_with_their_names() {
    let tree = tokens::parse("mod a; pub use a::{B, c as d}; pub(crate) use super::e::*;");

    let told = told(re_exports(&module("x::y"), &tree.expect("the text is Rust")));
    assert_eq!(told, "x::y::a::B x::y::a::c=d x::e::*");
}

#[test]
fn file_is_the_module_that_its_path_says() {
    assert_eq!(module_of("lib.rs"), Vec::<String>::new());
    assert_eq!(module_of("cli.rs"), ["cli"]);
    assert_eq!(module_of("ledger/mod.rs"), ["ledger"]);
    assert_eq!(module_of("ledger/file/head.rs"), ["ledger", "file", "head"]);
}
