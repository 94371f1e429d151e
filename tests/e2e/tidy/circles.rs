//! The files of a crate use each other one way, and so do the folders in one folder.
//!
//! Two files that need each other are one file, or lack a third below both. What is there for tests
//! only may look anywhere.

use std::collections::BTreeSet;

use super::{
    complaint::{self, Complaint},
    graph::Graph,
    module_tree::ModuleTree,
};

/// Complains about circles in `server` and `loadgen`. `sources` are tracked paths with their texts.
pub(super) fn check(sources: &[(&str, &str)]) -> Vec<Complaint> {
    let server = check_crate("server/src/", sources);
    let loadgen = check_crate("loadgen/src/", sources);
    [server, loadgen].concat()
}

fn check_crate(root: &str, sources: &[(&str, &str)]) -> Vec<Complaint> {
    let in_crate =
        sources.iter().filter_map(|(path, text)| Some((path.strip_prefix(root)?, *text)));
    let code = in_crate.filter(|(source, _)| source.ends_with(".rs")).collect::<Vec<_>>();
    if code.is_empty() {
        return vec![Complaint::new(root, 1, "no code was seen here")];
    }
    let (graphs, mut complaints) = draw(root, &ModuleTree::new(&code));
    for graph in &graphs {
        complaints.extend(graph.components().iter().map(|circle| told(circle, graph)));
    }
    complaints
}

/// Who uses whom: files, and the folders in one folder. Complains about what it cannot follow.
fn draw(root: &str, tree: &ModuleTree) -> ([Graph; 2], Vec<Complaint>) {
    let mut files = Graph::default();
    let mut folders = Graph::default();
    let mut complaints = Vec::new();
    for file in tree.files() {
        let path = format!("{root}{}", file.source);
        for (line, used) in tree.used_by(file) {
            match used {
                Ok(used) => {
                    files.draw(&file.source, &used.source, (path.clone(), line));
                    if let Some((from, to)) = tree.folders_apart(file, used) {
                        folders.draw(&from, &to, (path.clone(), line));
                    }
                }
                Err(nowhere) => {
                    let message = format!("`{nowhere}` leads to no module that tidy knows");
                    complaints.push(Complaint::new(&path, line, message));
                }
            }
        }
    }
    ([files, folders], complaints)
}

/// Names the smallest circle in `circle`, with the places of each arrow, and then all of `circle`
/// where that is more.
fn told(circle: &BTreeSet<&str>, graph: &Graph) -> Complaint {
    let smallest = graph.smallest_circle(circle);
    let mut message = "a circle:".to_owned();
    let mut first = None;
    for (from, to) in smallest.iter().zip(smallest.iter().cycle().skip(1)) {
        let places = graph.places(from, to);
        first = first.or(places.first().copied());
        let places = places.iter().map(|(path, line)| format!("{path}:{line}"));
        let places = places.collect::<Vec<_>>().join(", ");
        message += &format!("\n    `{from}` uses `{to}`: {places}");
    }
    if smallest.len() < circle.len() {
        message += &format!("\n    in what all needs each other: {circle:?}");
    }
    let (path, line) = first.expect("a circle has arrows, and each was drawn somewhere");
    Complaint::new(path, *line, message)
}

/// The complaints about a crate at `c/` of these files.
#[cfg(test)]
fn complaints(sources: &[(&str, &str)]) -> Vec<Complaint> {
    let paths = sources.iter().map(|(source, _)| format!("c/{source}")).collect::<Vec<_>>();
    let texts = sources.iter().map(|(_, text)| *text);
    check_crate("c/", &paths.iter().map(String::as_str).zip(texts).collect::<Vec<_>>())
}

/// The complaints where `a/one.rs` says `text`, and `a/two.rs` uses it.
#[cfg(test)]
fn complaints_of(text: &str) -> Vec<Complaint> {
    let sources = [
        ("lib.rs", "mod a; mod b; pub use a::{Two as Second, globbed::*};"),
        ("main.rs", "use c::Second;"),
        ("a/mod.rs", "mod one; mod two; pub mod globbed; pub use two::{Two, make as made};"),
        ("a/one.rs", text),
        ("a/two.rs", "use super::one::One;"),
        ("a/globbed/mod.rs", "pub use super::two::*; pub use other::Thing;"),
        ("b.rs", "//! Uses nobody."),
    ];
    complaints(&sources)
}

#[test]
fn circle_of_two_files_is_caught_however_it_is_written() {
    for text in [
        "use super::two::Two;",
        "use super::Two;",
        "use super::*;",
        "use self::super::two;",
        "use crate::a::Two;",
        "use crate::a::made;",
        "use crate::Second;",
        "use crate::Globbed;",
        "use crate::a::globbed::Other;",
        "use crate::a::globbed::*;",
        "use crate::{b::B, a::{one::One, two::{self, Two}}};",
        "use {crate::b, super::Two};",
        "fn f(two: &super::Two) { two.g() }",
        "fn f() { crate::a::two::Two::new() }",
        "fn f() { S { ..crate::a::Two::new() } }",
        "use crate::a; fn f() { a::Two::new() }",
        "use crate::a as below; fn f() { below::two::f::<u8>() }",
        "use crate::a::{self, one::One}; use a::globbed; use globbed::{Other as O};",
        "fn f() { use super::super::*; a::Two::new() }",
        "mod inner { use super::super::Two; }",
        "mod tests { use super::super::Two; }",
        "#[cfg(any(test, unix))] mod tests { use super::super::Two; }",
        "#[cfg(test)] use super::Two;",
        "impl<T> super::two::Trait<T> for crate::b::B {}",
        "m!(crate::a::Two);",
        "macro_rules! m { () => { $crate::a::Two::new() } }",
    ] {
        let complaints = complaints_of(&format!("\n{text}"));

        assert_eq!(complaints.len(), 1, "{text}: {complaints:?}");
        assert_eq!((complaints[0].path.as_str(), complaints[0].line), ("c/a/one.rs", 2), "{text}");
        assert_eq!(
            complaints[0].message,
            "a circle:\n    `a/one.rs` uses `a/two.rs`: c/a/one.rs:2\n    \
             `a/two.rs` uses `a/one.rs`: c/a/two.rs:1",
            "{text}"
        );
    }
}

#[test]
fn arrow_that_one_side_alone_has_is_no_circle() {
    for text in [
        "use crate::{a, b::B}; use a::globbed;",
        "use super::one::One; use crate::a::globbed::Thing;",
        "use other::{a::Two, two::Two}; use ::a::Two; use std::a::Two;",
        "use crate::a; fn f(x: X) { x.a::<u8>(); y::a::Two::new(); let a: Two = a; }",
        "pub(super) fn f() {} pub(in crate::a) struct S(pub(crate) Two);",
        "mod inner { use super::{One, two}; } mod two {}",
        "#[cfg(test)] mod tests { use super::super::Two; }",
        "#[cfg(test)]\n/// Doc.\npub(crate) mod checks { use crate::a::Two; }",
        "mod inner { #[cfg(test)] mod tests { use crate::a::Two; } }",
        "const A: &str = \"super::Two\"; // super::Two",
    ] {
        assert_eq!(complaints_of(text), [], "{text}");
    }
}

#[test]
fn smallest_circle_is_named_with_all_places_and_then_all_that_need_each_other() {
    let sources = [
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "use crate::c::C;"),
        ("c.rs", "use crate::a::A;\n\nuse crate::d::D;\nfn f() { crate::d::g() }"),
        ("d.rs", "\nuse crate::c::C;"),
    ];

    let complaints = complaints(&sources);

    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert_eq!(
        complaints[0].message,
        "a circle:\n    `c.rs` uses `d.rs`: c/c.rs:3, c/c.rs:4\n    \
         `d.rs` uses `c.rs`: c/d.rs:2\n    \
         in what all needs each other: {\"a.rs\", \"b.rs\", \"c.rs\", \"d.rs\"}"
    );
}

#[test]
fn file_and_a_module_that_it_declares_make_a_circle_where_both_use_the_other() {
    let sources =
        |outer, part| [("lib.rs", "mod outer;"), ("outer.rs", outer), ("outer/part.rs", part)];

    for text in ["mod part; use part::Part;", "mod part; fn f() { part::f() }"] {
        assert_eq!(complaints(&sources(text, "use super::Outer;")).len(), 1, "{text}");
        assert_eq!(complaints(&sources(text, "pub(super) struct Part;")), [], "{text}");
    }
    assert_eq!(complaints(&sources("mod part;", "use super::Outer;")), []);
}

#[test]
fn circle_of_folders_is_caught_where_no_files_make_one() {
    let sources = |from: &'static str, to: &'static str| {
        [
            ("lib.rs", "mod x;"),
            ("x/mod.rs", "mod y; mod z; mod beside;"),
            ("x/beside.rs", "use super::y::One;"),
            ("x/y/mod.rs", "mod one; mod two; pub use one::One;"),
            ("x/y/one.rs", from),
            ("x/y/two.rs", "//! Uses nobody."),
            ("x/z/mod.rs", "mod deep; mod three; pub use three::Three;"),
            ("x/z/three.rs", "//! Uses nobody."),
            ("x/z/deep/mod.rs", "mod four;"),
            ("x/z/deep/four.rs", to),
        ]
    };

    let back = "use crate::x::y::two::Two;";
    let caught = complaints(&sources("use super::super::z::Three;", back));
    assert_eq!(caught.len(), 1, "{caught:?}");
    assert_eq!(
        caught[0].message,
        "a circle:\n    `x/y` uses `x/z`: c/x/y/one.rs:1\n    \
         `x/z` uses `x/y`: c/x/z/deep/four.rs:1"
    );
    assert_eq!(complaints(&sources("use super::two::Two;", back)), []);
    assert_eq!(complaints(&sources("use super::super::beside::B;", "//! Nobody.")).len(), 1);
    assert_eq!(complaints(&sources("//! Nobody.", "use crate::x::beside::B;")), []);
}

#[test]
fn file_for_tests_may_look_anywhere_and_no_other() {
    let sources = |contents| {
        [
            ("lib.rs", "mod x;"),
            ("x/mod.rs", contents),
            ("x/one.rs", "use super::one_tests::specimen; use super::one_tests::deep::f;"),
            ("x/one_tests/mod.rs", "mod deep; mod shallow; pub use shallow::specimen;"),
            ("x/one_tests/shallow.rs", "use super::super::one::One;"),
            ("x/one_tests/deep.rs", "use crate::x::one::One;"),
        ]
    };

    for line in
        ["#[cfg(test)]\nmod one_tests;", "#[cfg(test)] #[expect(x)] pub(crate) mod one_tests;"]
    {
        assert_eq!(complaints(&sources(line)), [], "{line}");
    }
    for line in ["mod one_tests;", "#[cfg(any(test, feature = \"x\"))] mod one_tests;"] {
        assert_eq!(complaints(&sources(line)).len(), 1, "{line}");
    }
}

#[test]
fn path_that_leads_nowhere_is_caught() {
    let sources =
        |text| [("lib.rs", "mod a; mod b; pub use other::Thing;"), ("a.rs", text), ("b.rs", "")];

    for text in ["use crate::elsewhere::X;", "use super::Unknown;", "fn f() { crate::f() }"] {
        let caught = complaints(&sources(text));
        assert_eq!(complaint::lines(&caught), [1], "{text}: {caught:?}");
        assert!(caught[0].message.contains("leads to no module"), "{text}: {caught:?}");
    }
    for text in ["use crate::b::f;", "use super::Thing;", "use crate::b;", "use super::*;"] {
        assert_eq!(complaints(&sources(text)), [], "{text}");
    }
}

#[test]
fn crate_without_code_is_caught() {
    assert_eq!(complaints(&[]).len(), 1);
    assert_eq!(complaints(&[("page.css", "")]).len(), 1);
}
