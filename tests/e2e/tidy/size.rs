//! A file has one subject, a function fits on a screen.

use proc_macro2::{Delimiter, TokenTree};

use super::{complaint::Complaint, tokens};

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;

/// Complains about a file of more than 400 lines, and a function of more than 70, from `fn` to
/// its closing brace.
pub(super) fn check(path: &str, text: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        let message = format!("{lines} lines, {FILE_LINES_MAX} at most: it has two subjects");
        complaints.push(Complaint::new(path, 1, message));
    }
    match tokens::parse(text) {
        Ok(tree) => functions(&tree, &mut |name, first, last| {
            let length = last - first + 1;
            if length > FUNCTION_LINES_MAX {
                let message = format!("`{name}` has {length} lines, {FUNCTION_LINES_MAX} at most");
                complaints.push(Complaint::new(path, first, message));
            }
        }),
        Err(line) => complaints.push(Complaint::new(path, line, "is no Rust")),
    }
    complaints
}

/// Finds every `fn name … { … }`, also inside other functions and macro calls.
fn functions(tree: &[TokenTree], found: &mut impl FnMut(&str, usize, usize)) {
    for (at, token) in tree.iter().enumerate() {
        if tokens::word(Some(token)) == "fn" {
            let name = tokens::word(tree.get(at + 1));
            let body = tree[at..]
                .iter()
                .take_while(|token| !tokens::is_mark(Some(token), ';'))
                .find_map(|token| tokens::group(Some(token), Delimiter::Brace));
            if let (false, Some(body)) = (name.is_empty(), body) {
                found(&name, tokens::line(token), body.span_close().end().line);
            }
        }
        if let TokenTree::Group(group) = token {
            functions(&tokens::inside(group), found);
        }
    }
}

#[test]
fn file_of_more_than_400_lines_is_caught() {
    let fits = "//! Header.\n".repeat(400);
    let exceeds = "//! Header.\n".repeat(401);

    assert_eq!(check("a.rs", &fits), []);
    assert_eq!(check("a.rs", &exceeds)[0].message, "401 lines, 400 at most: it has two subjects");
}

#[test]
fn function_of_more_than_70_lines_is_caught_wherever_it_stands() {
    let shapes = [
        ("", ""),
        ("impl Thing {\n", "}\n"),
        ("mod tests {\n", "}\n"),
        ("fn outer() {\n", "}\n"),
        ("proptest! {\n#[test]\n", "}\n"),
        ("async unsafe extern \"C\" ", ""),
    ];
    for (before, after) in shapes {
        let of = |lines: usize| {
            let body = "    call();\n".repeat(lines - 2);
            format!("{before}fn long<T>(a: [u8; {{ 1 }}]) -> T {{\n{body}}}\n{after}")
        };

        assert_eq!(check("a.rs", &of(if before.starts_with("fn") { 68 } else { 70 })), []);
        let complaints = check("a.rs", &of(71));
        assert!(
            complaints.iter().any(|complaint| complaint.message.contains("`long` has 71 lines")),
            "{before}: {complaints:?}"
        );
    }
}

#[test]
fn declaration_without_a_body_has_no_length() {
    let body = "    const A: u8 = 1;\n".repeat(90);
    let text = format!("trait T {{\n    fn f();\n    fn g(h: fn(u8));\n{body}}}\n");

    assert_eq!(check("a.rs", &text), []);
}

#[test]
fn file_that_is_no_rust_is_caught_with_its_line() {
    let complaints = check("a.rs", "fn f() {}\n\nfn g( {}\n");

    assert_eq!(complaints.len(), 1);
    assert_eq!(complaints[0].message, "is no Rust");
}
