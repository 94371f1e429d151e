//! What of a file's code is there for its tests only.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::tokens;

/// The modules of files of their own that `tree` declares for tests: `#[cfg(test)] mod name;`.
pub(super) fn modules(tree: &[TokenTree]) -> Vec<String> {
    let ends = |after: &[TokenTree]| tokens::is_mark(after.first(), ';');
    let starts = (0..tree.len()).filter_map(|at| module_for_tests(&tree[at..]));
    starts.filter(|(_, after)| ends(after)).map(|(name, _)| name).collect()
}

/// `tree` without the modules inside it that are for tests: `#[cfg(test)] mod name { … }`.
pub(super) fn without(tree: &[TokenTree]) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut rest = tree;
    while let Some((first, after)) = rest.split_first() {
        if let Some((_, [TokenTree::Group(_), after @ ..])) = module_for_tests(rest) {
            rest = after;
            continue;
        }
        kept.push(match first {
            TokenTree::Group(group) => TokenTree::Group(group_without(group)),
            other => other.clone(),
        });
        rest = after;
    }
    kept
}

fn group_without(group: &Group) -> Group {
    let inside = without(&tokens::inside(group)).into_iter().collect::<TokenStream>();
    let mut kept = Group::new(group.delimiter(), inside);
    kept.set_span(group.span());
    kept
}

/// The name of the module that `tree` begins with, and what follows the name, where it begins with
/// `#[cfg(test)]`.
fn module_for_tests(tree: &[TokenTree]) -> Option<(String, &[TokenTree])> {
    let attribute = tokens::group(tree.get(1), Delimiter::Bracket)?;
    if !tokens::is_mark(tree.first(), '#') || !is_for_tests(&tokens::inside(attribute)) {
        return None;
    }
    let item = tokens::after_visibility(tokens::after_attributes(tree));
    let is_module = tokens::word(item.first()) == "mod";
    is_module.then(|| (tokens::word(item.get(1)), item.get(2..).unwrap_or_default()))
}

/// `cfg(test)`, and no more conditions.
fn is_for_tests(attribute: &[TokenTree]) -> bool {
    let conditions = tokens::group(attribute.get(1), Delimiter::Parenthesis).map(tokens::inside);
    let is_test = |tree: Vec<TokenTree>| tree.len() == 1 && tokens::word(tree.first()) == "test";
    tokens::word(attribute.first()) == "cfg" && conditions.is_some_and(is_test)
}

#[cfg(test)]
fn parsed(text: &str) -> Vec<TokenTree> {
    tokens::parse(text).expect("the text is Rust")
}

#[test]
fn module_is_for_tests_only_where_nothing_else_builds_it() {
    let text = "mod a; #[cfg(test)] mod b; #[cfg(any(test, feature = \"x\"))] mod c;\n\
                #[cfg(test)] #[expect(dead_code)] pub(crate) mod d; #[cfg(not(test))] mod e;\n\
                #[expect(dead_code)] #[cfg(test)] mod f; #[cfg(test)] mod inside {}\n\
                #[cfg(test)] fn g() {} mod h;";

    assert_eq!(modules(&parsed(text)), ["b", "d", "f"]);
}

#[test]
fn only_modules_inside_a_file_are_left_out_and_only_those_for_tests() {
    let text = "fn a() { b(1) } #[cfg(test)] mod tests { fn c() {} }\n\
                mod d { #[cfg(test)] pub(crate) mod tests { fn e() {} } fn f() {} }\n\
                #[cfg(test)] use g::h; mod tests { fn i() {} } #[cfg(unix)] mod tests { j!{} }";
    let kept = "fn a() { b(1) }\n\
                mod d { fn f() {} }\n\
                #[cfg(test)] use g::h; mod tests { fn i() {} } #[cfg(unix)] mod tests { j!{} }";

    let told = |tree: Vec<TokenTree>| tree.into_iter().collect::<TokenStream>().to_string();
    assert_eq!(told(without(&parsed(text))), told(parsed(kept)));
}
