//! Dependencies point one way: the arrows of `DESIGN.md`, read off every path in the code.

use super::{
    complaint::Complaint,
    paths::{self, Names},
    test_code, tokens,
};

/// A module and the paths beside it that it may use, with all that is below them but for what is
/// behind a `!`. Each module uses only those above it in the table; a room with a row of its own
/// stands above the module that it is in.
type Arrows = &'static [(&'static str, &'static [&'static str])];

const SERVER: Arrows = &[
    ("log", &[]),
    ("manual", &[]),
    ("domain", &[]),
    ("ledger", &["domain"]),
    ("counter::lesson", &["domain", "ledger"]),
    ("counter", &["domain", "ledger", "!ledger::file"]),
    ("http", &["domain", "counter"]),
    ("db", &[]),
    ("config", &["log", "db", "counter", "http"]),
    ("simulation", &["domain", "ledger", "counter"]),
    ("fuzzing", &["domain", "ledger", "http::message::wire", "simulation"]),
    ("run", &["log", "db", "domain", "ledger", "counter", "config", "http"]),
    ("noop", &["config", "http", "run"]),
    (
        "cli",
        &["log", "manual", "db", "domain", "ledger", "counter", "config", "http", "run", "noop"],
    ),
];

const LOADGEN: Arrows = &[
    ("exit_code", &[]),
    ("duration", &[]),
    ("flags", &[]),
    ("lifeline", &[]),
    ("manual", &[]),
    ("setup", &[]),
    ("kept_file", &["exit_code"]),
    ("own_folder", &["lifeline"]),
    ("history", &["kept_file"]),
    ("engines", &["history"]),
    ("latency", &[]),
    ("plan", &[]),
    ("tally", &["latency"]),
    ("judge", &["history"]),
    ("words", &["setup", "history", "judge"]),
    ("page", &["words"]),
    ("waits", &["history"]),
    ("runner", &["words"]),
    (
        "report",
        &[
            "duration", "setup", "runner", "history", "latency", "tally", "judge", "words", "page",
            "waits",
        ],
    ),
    ("shop", &["duration", "lifeline", "setup", "history", "plan"]),
    ("worker", &["duration", "lifeline", "setup", "history", "latency", "plan", "tally", "shop"]),
    ("lead", &["setup", "kept_file", "history", "plan", "tally", "worker"]),
    (
        "race",
        &[
            "flags",
            "exit_code",
            "duration",
            "setup",
            "kept_file",
            "history",
            "plan",
            "judge",
            "words",
            "report",
            "shop",
            "worker",
            "lead",
            "waits",
        ],
    ),
    (
        "run",
        &[
            "flags",
            "exit_code",
            "duration",
            "setup",
            "kept_file",
            "history",
            "latency",
            "plan",
            "tally",
            "judge",
            "words",
            "report",
            "shop",
            "worker",
            "lead",
            "runner",
        ],
    ),
    ("draft", &["exit_code", "words", "report", "shop"]),
    (
        "chaos",
        &[
            "flags",
            "exit_code",
            "duration",
            "lifeline",
            "own_folder",
            "setup",
            "kept_file",
            "history",
            "engines",
            "plan",
            "tally",
            "judge",
            "words",
            "report",
            "shop",
            "worker",
            "lead",
        ],
    ),
    (
        "shops",
        &[
            "flags",
            "exit_code",
            "lifeline",
            "setup",
            "kept_file",
            "history",
            "plan",
            "judge",
            "words",
            "report",
            "shop",
            "lead",
            "run",
        ],
    ),
    ("check", &["flags", "exit_code", "kept_file", "history", "judge", "report"]),
    ("export", &["flags", "exit_code", "runner", "kept_file", "history", "words", "report"]),
    (
        "lesson",
        &[
            "exit_code",
            "duration",
            "lifeline",
            "kept_file",
            "history",
            "judge",
            "words",
            "page",
            "report",
        ],
    ),
    (
        "lab",
        &[
            "flags",
            "exit_code",
            "lifeline",
            "own_folder",
            "kept_file",
            "waits",
            "words",
            "page",
            "report",
        ],
    ),
    (
        "cli",
        &[
            "exit_code",
            "runner",
            "manual",
            "own_folder",
            "shop",
            "worker",
            "report",
            "race",
            "run",
            "draft",
            "chaos",
            "shops",
            "check",
            "export",
            "lesson",
            "lab",
        ],
    ),
];

/// The one place where the judge's crate may touch the accused's.
const DOOR: &str = "loadgen/src/shop/servers.rs";

/// Complains about a path in a crate's code that points against the arrows.
pub(super) fn check(path: &str, text: &str) -> Vec<Complaint> {
    let (source, arrows) = match path.split_once("/src/") {
        Some(("server", source)) => (source, SERVER),
        Some(("loadgen", source)) => (source, LOADGEN),
        _ => return Vec::new(),
    };
    let mut complaints = against(path, source, text, arrows);
    if arrows == LOADGEN && path != DOOR {
        complaints.extend(paths::into_crate("server", text).into_iter().map(|line| {
            Complaint::new(path, line, format!("uses crate `server`: only `{DOOR}` may"))
        }));
    }
    complaints
}

fn against(path: &str, source: &str, text: &str, arrows: Arrows) -> Vec<Complaint> {
    let module = paths::module_of(source);
    let Some(top) = module.first() else {
        // `lib.rs` and `main.rs` stand above all others.
        return Vec::new();
    };
    let module_path = module.join("::");
    let Some((_, may_use)) = arrows.iter().find(|(name, _)| is_within(&module_path, name)) else {
        let message = format!("`{top}` has no arrows yet: say in `arrows.rs` what it may use");
        return vec![Complaint::new(path, 1, message)];
    };
    // What is there for tests may look anywhere.
    let code = test_code::without(&tokens::parse(text).unwrap_or_default());
    let targets = paths::in_code(&module, &code, &Names::new())
        .into_iter()
        .map(|path| (path.line, path.segments.join("::")))
        .filter(|(_, target)| !target.is_empty());
    targets
        .filter(|(_, target)| !is_within(target, top) && !allows(may_use, target))
        .map(|(line, target)| {
            let message = format!("`{top}` uses `{target}`: the arrow points back");
            Complaint::new(path, line, message)
        })
        .collect()
}

fn allows(may_use: &[&str], target: &str) -> bool {
    let names = |used: &str| is_within(target, used);
    may_use.iter().any(|used| names(used))
        && !may_use.iter().any(|used| used.strip_prefix('!').is_some_and(names))
}

fn is_within(target: &str, used: &str) -> bool {
    target.strip_prefix(used).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[test]
fn arrow_that_points_back_is_caught_however_it_is_written() {
    for text in [
        "use crate::http::message::problem::Problem;",
        "use crate::{domain::Outcome, http};",
        "use crate::{\n    domain::Outcome,\n    http::{message::{wire, problem}},\n};",
        "fn f() { crate::http::f() }",
        "use super::super::super::http::wire;",
        "use super::super::super::{domain::Outcome, http::wire};",
        "mod tests { use super::super::super::super::http::wire; }",
        "mod tests { mod deeper { fn f() { super::super::super::super::super::http::f() } } }",
        "macro!(crate::http::x);",
    ] {
        let complaints = check("server/src/ledger/file/head.rs", text);

        let named = |complaint: &Complaint| complaint.message.contains("`ledger` uses `http");
        assert!(!complaints.is_empty() && complaints.iter().all(named), "{text}: {complaints:?}");
    }
}

#[test]
fn arrow_that_points_down_is_fine() {
    for text in [
        "use crate::{domain::{Command, Outcome}, ledger::file::head};",
        "use super::{lock, super::file::{self, disk}};",
        "mod tests { use super::*; use crate::domain; }",
        "pub(crate) fn f(http: Http) { self.http::<u8>(); axum::http::f(); \"crate::http\"; }",
        "// crate::http",
    ] {
        assert_eq!(check("server/src/ledger/file/head.rs", text), [], "{text}");
    }
    assert_eq!(check("server/src/main.rs", "use crate::http;"), []);
    assert_eq!(check("server/src/lib.rs", "pub use crate::http;"), []);
}

#[test]
fn part_of_a_module_may_be_used_where_the_rest_may_not() {
    let complaints = |text| check("server/src/fuzzing.rs", text);

    assert_eq!(complaints("use crate::http::message::wire::{self, parse_order};"), []);
    assert_eq!(complaints("use crate::{domain, http::message::wire};"), []);
    assert_eq!(complaints("use crate::http::routes::buy;").len(), 1);
    assert_eq!(complaints("use crate::http::{message::wire, routes};").len(), 1);
    assert_eq!(complaints("use crate::http::message::wired;").len(), 1);
    assert_eq!(complaints("use crate::http::*;").len(), 1);
}

#[test]
fn part_of_a_module_may_be_kept_from_all_but_one_room() {
    let text = "use crate::ledger::{Archive, file::reader};";
    let complaints = |path| check(path, text).len();

    assert_eq!(complaints("server/src/counter/counter.rs"), 1);
    assert_eq!(complaints("server/src/counter/lesson/seller.rs"), 0);
    assert_eq!(complaints("server/src/http/message/answer.rs"), 2);
}

#[test]
fn every_arrow_of_the_tables_points_down() {
    for arrows in [SERVER, LOADGEN] {
        for (at, (name, may_use)) in arrows.iter().enumerate() {
            let below = arrows[..at].iter().map(|(below, _)| *below).collect::<Vec<_>>();

            let is_below = |used: &&str| {
                below.iter().any(|module| is_within(used.trim_start_matches('!'), module))
            };
            assert!(may_use.iter().all(is_below), "{name}: {may_use:?}");
        }
    }
}

#[test]
fn module_that_no_table_knows_is_caught() {
    assert_eq!(check("server/src/novel.rs", "//! New.").len(), 1);
    assert_eq!(check("loadgen/src/novel/mod.rs", "//! New.").len(), 1);
    assert_eq!(check("tests/src/novel.rs", "use crate::http;"), []);
}

#[test]
fn judge_that_touches_the_accused_is_caught() {
    for text in [
        "use server::cli;",
        "use {server::cli, std::fs};",
        "use server as accused;",
        "fn f() { ::server::cli::main([]) }",
        "extern crate server;",
    ] {
        assert_eq!(check("loadgen/src/judge/counting.rs", text).len(), 1, "{text}");
        assert_eq!(check("loadgen/src/main.rs", text).len(), 1, "{text}");
        assert_eq!(check(DOOR, text), [], "{text}");
    }
    let innocent = "let server = start(); server.url(); crate::shop::server::f();";
    assert_eq!(check("loadgen/src/race/mod.rs", innocent), []);
}
