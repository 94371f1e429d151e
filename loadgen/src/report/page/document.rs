//! The whole page.

use maud::{Markup, html};

use super::{
    counterexample, critical, facts, faults,
    figures::{self, RunFigures},
    latency, left, outcomes,
    run::{self, PageRun, RunView},
    sections, stock, timeline, verdict, waiting,
};
use crate::{
    page::{document, json},
    words::{self, clipped},
};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The most that a page may weigh, in bytes.
pub(super) const BYTES_MAX: usize = 5_000_000;
/// The most runs on one page.
const RUNS_MAX: usize = 24;
/// The most operations that are drawn, in all runs together.
const MARKS_MAX: usize = 6000;
/// The most operations that are drawn of one run.
const RUN_MARKS_MAX: usize = 3000;

/// A page, and the numbers that it tells.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// The document.
    pub(crate) html: String,
    /// The numbers of each run that is drawn, in the order of the runs.
    pub(crate) figures: Vec<RunFigures>,
}

/// The page for `runs` in their order: one document without requests to anybody, at most 5 MB
/// whatever the histories are.
pub(crate) fn render(title: &str, runs: &[PageRun<'_>]) -> Page {
    let mut marks_max = (MARKS_MAX / runs.len().clamp(1, RUNS_MAX)).min(RUN_MARKS_MAX);
    loop {
        let page = draw(title, runs, marks_max);
        if page.html.len() <= BYTES_MAX || marks_max <= 1 {
            return page;
        }
        marks_max /= 2;
    }
}

/// The page with at most `marks_max` operations drawn of each run.
fn draw(title: &str, runs: &[PageRun<'_>], marks_max: usize) -> Page {
    let drawn = &runs[..runs.len().min(RUNS_MAX)];
    let views = run::views(drawn, marks_max);
    let sections: Vec<_> = views.iter().map(critical::sections).collect();
    let stocks: Vec<_> = views.iter().map(stock::stock).collect();
    let told = views.iter().zip(&sections).zip(&stocks);
    let figures: Vec<RunFigures> =
        told.map(|((view, sections), stock)| figures::figures(view, sections, stock)).collect();
    let title = clipped(title);
    let body = html! {
        header {
            h1 { (title) }
            @if drawn.len() < runs.len() {
                @let all = words::grouped(runs.len());
                p.lead { "Drawn are the first " (drawn.len()) " of " (all) " runs." }
            }
            (facts::shared(&views))
            (scale_note(&views))
        }
        main {
            (verdict::verdicts(&views))
            (counterexample::counterexamples(&views))
            (sections::critical_sections(&views, &sections, &figures))
            (left::left_over_time(&views, &stocks))
            (waiting::waiting(&views))
            (latency::latencies(&views))
            (outcomes::outcomes_over_time(&views))
            (timeline::timelines(&views))
            (faults::faults(&views))
            (facts::compared(&views))
        }
        // The numbers of the words and pictures, for programs.
        script type="application/json" id="figures" { (json(&figures)) }
    };
    Page { html: document(&title, STYLE, Some(SCRIPT), &body), figures }
}

/// How much time each run's figures show, where it is not the same: the script then offers one scale.
fn scale_note(views: &[RunView<'_>]) -> Markup {
    #[expect(clippy::float_cmp, reason = "the largest divided by itself")]
    let is_one = views.iter().all(|view| view.share == 1.0);
    let spans = views.iter().map(|view| format!("{} {}", view.label, words::time(view.span())));
    let spans = spans.collect::<Vec<_>>().join(", ");
    html! {
        @if !is_one {
            p id="scale-note" { "Each run fills the width of its figures: " (spans) "." }
        }
    }
}
