//! A document, and the blocks of code in it.

use std::{fs, path::PathBuf};

/// The documents for users, with commands in them.
pub(super) const DOCUMENTS: [&str; 4] =
    ["README.md", "server/README.md", "loadgen/README.md", "loadgen/MAP.md"];

/// What stands before a block whose commands are not run, with the reason behind it.
const NOT_RUN: &str = "<!-- not run: ";

/// A block between two lines of backticks.
#[derive(Debug)]
pub(super) struct Fence {
    /// What stands behind the backticks, such as `sh`.
    pub(super) info: String,
    /// The line of the document, from 1, and the text of each line in it.
    pub(super) lines: Vec<(usize, String)>,
    /// Why it is not run.
    pub(super) excuse: Option<String>,
}

/// Where the document `name` is, such as `server/README.md`.
pub(super) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// The text of the document `name`.
#[track_caller]
pub(super) fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|cause| panic!("{name}: {cause}"))
}

/// The blocks of `text`.
pub(super) fn fences(text: &str) -> Vec<Fence> {
    let mut fences = Vec::new();
    let mut open: Option<Fence> = None;
    let mut before = "";
    for (at, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(_), Some(fence)) => fences.push(fence),
            (None, Some(mut fence)) => {
                fence.lines.push((at + 1, line.to_owned()));
                open = Some(fence);
            }
            (Some(info), None) => {
                let excuse =
                    before.strip_prefix(NOT_RUN).and_then(|rest| rest.strip_suffix(" -->"));
                let excuse = excuse.map(str::to_owned);
                open = Some(Fence { info: info.to_owned(), lines: Vec::new(), excuse });
            }
            (None, None) => {}
        }
        before = line;
    }
    fences
}

#[test]
fn blocks_are_found_with_their_lines_and_excuses() {
    let text = "a\n```sh\nb\nc\n```\n<!-- not run: why -->\n```console\n$ d\n```\n";

    let found = fences(text);

    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0].lines, [(3, "b".to_owned()), (4, "c".to_owned())]);
    assert_eq!((found[0].info.as_str(), &found[0].excuse), ("sh", &None));
    assert_eq!((found[1].info.as_str(), found[1].excuse.as_deref()), ("console", Some("why")));
}
