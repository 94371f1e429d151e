//! The whole page.

use std::sync::LazyLock;

use super::{
    counterexample, critical, facts,
    figures::{self, RunFigures},
    latency, left,
    markup::{Element, element},
    outcomes,
    run::{self, PageRun, RunView},
    sections, stock, timeline, verdict,
};
use crate::report::policy::content_security_policy;
use crate::words::{self, clipped};

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
    let figures: Vec<RunFigures> = views
        .iter()
        .zip(&sections)
        .zip(&stocks)
        .map(|((view, sections), stock)| figures::figures(view, sections, stock))
        .collect();
    let mut blocks = vec![verdict::verdicts(&views)];
    blocks.extend(counterexample::counterexamples(&views));
    blocks.extend(sections::critical_sections(&views, &sections, &figures));
    blocks.push(left::left_over_time(&views, &stocks));
    blocks.extend(latency::latencies(&views));
    blocks.extend(outcomes::outcomes_over_time(&views));
    blocks.push(timeline::timelines(&views));
    let title = clipped(title);
    let header = element("header")
        .child(element("h1").text(&title))
        .children(facts::runs_left_out(drawn.len(), runs.len()))
        .children(facts::shared(&views))
        .children(scale_note(&views));
    let main = element("main")
        .children(blocks.into_iter().map(super::frame::Block::draw))
        .children(facts::compared(&views));
    let body = element("body")
        .with("data-scales", scales(&views))
        .child(header)
        .child(main)
        .child(numbers(&figures))
        .child(element("script").with("type", "module").verbatim(SCRIPT));
    let mut page = String::from("<!doctype html>\n");
    element("html").with("lang", "en").child(head(&title)).child(body).write(&mut page);
    page.push('\n');
    Page { html: page, figures }
}

fn head(title: &str) -> Element {
    let meta =
        |name: &str, content: &str| element("meta").with("name", name).with("content", content);
    element("head")
        .child(element("meta").with("charset", "utf-8"))
        .child(
            element("meta")
                .with("http-equiv", "Content-Security-Policy")
                .with("content", POLICY.as_str()),
        )
        .child(meta("viewport", "width=device-width, initial-scale=1"))
        .child(meta("color-scheme", "light dark"))
        .child(meta("referrer", "no-referrer"))
        .child(element("title").text(title))
        .child(element("style").verbatim(STYLE))
}

static POLICY: LazyLock<String> = LazyLock::new(|| content_security_policy(STYLE, Some(SCRIPT)));

/// The numbers of the words and pictures, for programs.
fn numbers(figures: &[RunFigures]) -> Element {
    let json = serde_json::to_string(figures).expect("figures are plain values");
    element("script").with("type", "application/json").with("id", "figures").json(&json)
}

/// How much time each run's figures show, where it is not the same.
fn scale_note(views: &[RunView<'_>]) -> Option<Element> {
    if scales(views) == "one" {
        return None;
    }
    let spans = views.iter().map(|view| format!("{} {}", view.label, words::time(view.span())));
    let spans = spans.collect::<Vec<_>>().join(", ");
    let text = format!("Each run fills the width of its figures: {spans}.");
    Some(element("p").with("id", "scale-note").text(text))
}

/// Whether all runs have one time scale, so that the script need not offer it.
fn scales(views: &[RunView<'_>]) -> &'static str {
    #[expect(clippy::float_cmp, reason = "the largest divided by itself")]
    let is_longest = |view: &RunView<'_>| view.share == 1.0;
    if views.iter().all(is_longest) { "one" } else { "each" }
}
