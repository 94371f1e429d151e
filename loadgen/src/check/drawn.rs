//! The page of judged histories, and where it may go.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::report::{JudgedHistory, Page, PageRun, page, recorded_run};

/// The page of `judged`, called `title` or after the histories.
pub(super) fn drawn(judged: &[JudgedHistory], title: Option<&str>) -> Page {
    let runs: Vec<PageRun<'_>> = judged.iter().map(recorded_run).collect();
    let named = || named_after(&runs);
    page(&title.map_or_else(named, str::to_owned), &runs)
}

/// Whether a page at `output` would replace one of `histories`.
pub(super) fn replaces_one(output: &Path, histories: &[PathBuf]) -> bool {
    histories.iter().any(|history| is_same(history, output))
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// As in "What the clients saw: none, file".
fn named_after(runs: &[PageRun<'_>]) -> String {
    let labels: Vec<&str> = runs.iter().map(|run| run.label.as_str()).collect();
    match labels.as_slice() {
        [one] => format!("What the clients saw: {one}"),
        several => format!("What the clients saw: {}", several.join(", ")),
    }
}
