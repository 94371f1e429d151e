//! What `ARCHITECTURE.md` names is there: modules, what they declare, files and folders.

use std::collections::BTreeSet;

use super::complaint::{Complaint, lines};

const DOCUMENT: &str = "ARCHITECTURE.md";

/// Where its paths begin.
const ROOTS: [&str; 5] = ["", "server/src/", "loadgen/src/", "tests/", "tests/e2e/"];

/// What makes a name.
const DECLARING: [&str; 9] =
    ["fn", "struct", "enum", "trait", "type", "const", "static", "mod", "macro_rules"];

/// A file of Rust, as far as names go.
struct Source<'a> {
    /// Its folders, and its own name.
    modules: BTreeSet<&'a str>,
    words: Vec<&'a str>,
}

impl<'a> Source<'a> {
    fn new(path: &'a str, text: &'a str) -> Self {
        let modules = path.trim_end_matches(".rs").split('/').collect();
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        Source { modules, words: words.filter(|word| !word.is_empty()).collect() }
    }

    fn declares(&self, name: &str) -> bool {
        let mut pairs = self.words.windows(2);
        pairs.any(|pair| DECLARING.contains(&pair[0]) && pair[1] == name)
    }

    /// Whether `module::name` can be of this file: a module, or a type with what it has.
    fn has(&self, module: &str, name: &str) -> bool {
        let is_module = self.modules.contains(module);
        let is_variant = || self.declares(module) && self.words.contains(&name);
        let is_capital = name.starts_with(char::is_uppercase);
        (is_module && self.modules.contains(name))
            || ((is_module || self.words.contains(&module)) && self.declares(name))
            || (is_capital && is_variant())
    }
}

/// Complains about each name in the document that no file holds.
pub(super) fn check(sources: &[(&str, &str)]) -> Vec<Complaint> {
    let rust: Vec<_> = sources
        .iter()
        .filter(|(path, _)| path.ends_with(".rs"))
        .map(|(path, text)| Source::new(path, text))
        .collect();
    let document = sources.iter().find(|(path, _)| *path == DOCUMENT).map_or("", |(_, text)| text);
    let mut complaints = Vec::new();
    for (at, line) in document.lines().enumerate() {
        for name in line.split('`').skip(1).step_by(2) {
            let is_there = if name.contains("::") {
                let parts: Vec<_> = name.split("::").collect();
                !parts.iter().all(|part| is_plain(part))
                    || parts
                        .windows(2)
                        .all(|pair| rust.iter().any(|file| file.has(pair[0], pair[1])))
            } else {
                !is_path(name)
                    || alternatives(name).iter().all(|path| leads_somewhere(path, sources))
            };
            if !is_there {
                complaints.push(Complaint::new(
                    DOCUMENT,
                    at + 1,
                    format!("no file holds `{name}`"),
                ));
            }
        }
    }
    complaints
}

fn is_plain(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn is_path(name: &str) -> bool {
    let is_of_path = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_/.{,}".contains(c);
    let is_of_a_machine = name.starts_with(['/', '~']) || name.starts_with("db.txt");
    !is_of_a_machine && name.contains('/') && name.chars().all(is_of_path)
}

/// `a/b` and `a/c` of `a/{b,c}`.
fn alternatives(path: &str) -> Vec<String> {
    match path.split_once('{') {
        Some((before, rest)) => {
            rest.trim_end_matches('}').split(',').map(|end| format!("{before}{end}")).collect()
        }
        None => vec![path.to_owned()],
    }
}

/// Whether `path`, from one of the roots, is a file or a folder.
fn leads_somewhere(path: &str, sources: &[(&str, &str)]) -> bool {
    let path = path.trim_end_matches('/');
    ROOTS.iter().any(|root| {
        let (file, folder) = (format!("{root}{path}.rs"), format!("{root}{path}/"));
        let whole = &file[..file.len() - ".rs".len()];
        sources.iter().any(|(one, _)| *one == whole || *one == file || one.starts_with(&folder))
    })
}

#[test]
fn name_that_no_file_holds_is_caught() {
    let found = |document: &str| {
        lines(&check(&[
            (DOCUMENT, document),
            ("server/src/ledger/format/record_line.rs", "enum Line { Sold }\nfn encode() {}"),
            ("tests/run", ""),
        ]))
    };
    for there in [
        "`ledger/format/record_line`, `tests/run`, `ledger/format/`, `server/src/ledger/{format,format}`",
        "`record_line::encode`, `ledger::format::record_line`, `Line::Sold`, `Line::encode`",
        "`a: b`, `{\"count\": 7}`, `/proc/locks`, `Vec::<u8>`",
    ] {
        assert_eq!(found(there), [0; 0], "{there}");
    }
    for gone in [
        "`ledger/file/format/record_line`",
        "`ledger/{format,files}`",
        "`record_line::decode`",
        "`worker::slate`",
        "`Line::Held`",
    ] {
        assert_eq!(found(&format!("It is\n{gone}.")), [2], "{gone}");
    }
}
