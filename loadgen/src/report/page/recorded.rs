//! A recorded history as a run of the page.

use std::path::Path;

use super::PageRun;
use crate::{
    judge::{self, Evidence},
    report::JudgedHistory,
    words::{self, grouped},
};

/// What is to be drawn of `judged`.
pub(crate) fn recorded_run(judged: &JudgedHistory) -> PageRun<'_> {
    let history = &judged.history;
    let points = if history.mixes_clocks { Vec::new() } else { judge::order(&evidence(judged)) };
    PageRun {
        label: label(judged),
        facts: facts(judged),
        header: &history.header,
        operations: &history.operations,
        judgement: &judged.judgement,
        points,
        clocks: None,
        shades: Vec::new(),
    }
}

/// What people call it, or the file that it begins in.
fn label(judged: &JudgedHistory) -> String {
    let header = &judged.history.header;
    let file = judged.history.places.of(0).map(|(file, _)| Path::new(file));
    let stem = file.and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
    header.label.clone().or(header.run.clone()).or(stem).unwrap_or_default()
}

fn evidence(judged: &JudgedHistory) -> Evidence<'_> {
    let history = &judged.history;
    Evidence { header: &history.header, operations: &history.operations, lacks: &history.lacks }
}

fn facts(judged: &JudgedHistory) -> Vec<(&'static str, String)> {
    let history = &judged.history;
    let counts = judge::count(&evidence(judged));
    let overlap = judge::overlap(&evidence(judged));
    let start = history.operations.iter().map(|operation| operation.call_ns).min();
    let end = history.operations.iter().filter_map(|operation| operation.return_ns).max();
    let time = start.zip(end).map_or(0, |(start, end)| end.saturating_sub(start));
    let known = |number: Option<i64>| number.map_or_else(|| "not recorded".to_owned(), grouped);
    let mut facts = vec![
        ("Operations", grouped(history.operations.len())),
        ("Time", words::time_ns(time)),
        ("Tickets at the start", known(history.header.initial)),
        ("Answers “sold”", grouped(counts.sold)),
        ("Answers “sold out”", grouped(counts.sold_out)),
        ("Refused", grouped(counts.errors)),
        ("Ended unknown", grouped(counts.unknown)),
        ("Left at the end", known(history.header.left)),
        ("Oversold", grouped(counts.oversold)),
        ("Lost updates", grouped(counts.shown_lost_updates(history.header.left))),
        ("Duplicate tickets", grouped(counts.duplicate_tickets)),
        ("Purchases that overlapped", of(overlap.overlapping, overlap.purchases)),
        ("Most at one time", grouped(overlap.peak)),
        ("Drawn by", format!("loadgen {}", env!("CARGO_PKG_VERSION"))),
    ];
    facts.extend(history.places.of(0).map(|(file, _)| ("File", file.to_owned())));
    facts.extend(history.header.run.iter().map(|run| ("Run", run.clone())));
    facts.extend(judged.notes.iter().map(|note| ("Note", note.clone())));
    facts
}

fn of(part: u64, all: u64) -> String {
    format!("{} of {}", grouped(part), grouped(all))
}
