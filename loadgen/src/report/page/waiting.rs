//! What the lock cost, and whom: how long each purchase waited, in the order in which they came.

use maud::{Markup, html};

use super::{block::block, run::RunView};
use crate::{
    page::{CountScale, Figure, Sign, Table, Tick, key, legend, sign},
    waits::{LockCost, Until, Wait, cost, waits},
    words::{self, grouped},
};

/// The most runs in the picture: as many as there are shapes.
const RUNS_MAX: usize = SHAPES.len();
/// The most purchases that are drawn of one run.
const POINTS_MAX: usize = 400;
/// The height of the figure in pixels.
const HEIGHT: f64 = 320.0;
const HEAD: [&str; 7] = [
    "Run",
    "Waited, median",
    "Waited, longest",
    "Purchases a second",
    "Out of turn",
    "Overtaken by, at most",
    "Fairness (Jain)",
];

/// One shape a run.
const SHAPES: [Sign; 4] = [
    ("waited first", "M-3.5 0A3.5 3.5 0 1 1 3.5 0A3.5 3.5 0 1 1-3.5 0Z"),
    ("waited second", "M0-4.5L4.5 3.5H-4.5Z"),
    ("waited third", "M-3.25-3.25H3.25V3.25H-3.25Z"),
    ("waited fourth", "M0-5L4 0L0 5L-4 0Z"),
];

/// The waits of all runs in one picture, where a seller says when it read the count: else nothing is known of
/// turns.
pub(super) fn waiting(views: &[RunView<'_>]) -> Markup {
    let tells = |view: &RunView<'_>| view.run.operations.iter().any(|one| one.section.is_some());
    if !views.iter().any(tells) {
        return html! {};
    }
    let runs: Vec<Run<'_>> = views.iter().filter_map(run).take(RUNS_MAX).collect();
    if runs.is_empty() {
        return html! {};
    }
    let what = "Each sign is a purchase: the further to the right, the later it came; the higher, the longer it \
                waited. What rises evenly is a queue that is served in turn, in which the last waits for \
                everybody. A cloud is one in which the lock goes to anybody. What lies flat waits alike.";
    let index = "Jain's index of fairness is 1 where all wait alike, about 0.75 in a queue whose turns are alike, and \
                 near 0 where a few wait for all. It does not see who came first: that is “out of turn”, how often \
                 of two purchases the later one was served first.";
    let figure = html! {
        figure {
            figcaption { @for run in &runs { p { (caption(run)) } } }
            (figure(&runs).draw())
            (legend(&keys(&runs)))
            (table(&runs).draw())
        }
    };
    block(("waits", "What the lock cost, and whom"), &[what, index], &[figure])
}

type Run<'a> = (&'a RunView<'a>, LockCost, Vec<Wait>);

fn run<'a>(view: &'a RunView<'a>) -> Option<Run<'a>> {
    let waits = waits(view.run.operations);
    Some((view, cost(&waits)?, waits))
}

fn figure(runs: &[Run<'_>]) -> Figure {
    let longest = runs.iter().map(|(_, cost, _)| cost.waited_us.max).fold(1.0, f64::max);
    // In milliseconds, of which the scale makes round steps.
    let scale = CountScale { low: 0.0, high: longest / 1e3, height: HEIGHT, margin: 10.0 };
    let points = |(place, (view, _, waits)): (usize, &Run<'_>)| {
        let count = waits.len();
        let most = POINTS_MAX.min(view.marks_max.max(1));
        let step = count.div_ceil(most).max(1);
        html! {
            @for (rank, wait) in waits.iter().enumerate().step_by(step) {
                @let across = 1.0 + 98.0 * (rank as f64 + 0.5) / count as f64;
                (sign(SHAPES[place], (across, scale.at(wait.waited_ns() as f64 / 1e6))))
            }
        }
    };
    Figure {
        id: "waits".to_owned(),
        title: "How long each purchase waited, in the order in which they came".to_owned(),
        description: runs.iter().map(caption).collect::<Vec<_>>().join(" "),
        names: scale
            .ticks(6)
            .into_iter()
            .rev()
            .map(|tick| Tick { label: format!("{} ms", tick.label), ..tick })
            .collect(),
        axis: vec![
            Tick { at: 0.5, label: "came first".to_owned() },
            Tick { at: 99.5, label: "came last".to_owned() },
        ],
        height: HEIGHT,
        marks: html! { @for run in runs.iter().enumerate() { (points(run)) } },
        zoom: None,
    }
}

/// A run in one sentence.
fn caption((view, cost, waits): &Run<'_>) -> String {
    let until = match cost.waited_until {
        Until::Turn => "waited",
        Until::Answer => "waited for their answer",
    };
    format!(
        "{}: half of {} {until} for {} at most, the longest for {}; out of turn {} %, fairness {}.",
        view.label,
        words::counted_grouped(waits.len(), ("purchase", "purchases")),
        words::time(cost.waited_us.p50 * 1e3),
        words::time(cost.waited_us.max * 1e3),
        words::trimmed(cost.out_of_turn * 100.0, 0),
        words::trimmed(cost.fairness, 2)
    )
}

fn keys(runs: &[Run<'_>]) -> Markup {
    html! {
        @for (place, (view, cost, _)) in runs.iter().enumerate() {
            @let until = if cost.waited_until == Until::Answer { ", until the answer" } else { "" };
            (key(&sign(SHAPES[place], (50.0, 7.0)), &format!("{}{until}", view.label)))
        }
    }
}

fn table(runs: &[Run<'_>]) -> Table {
    let rows = runs.iter().map(|(view, cost, _)| {
        vec![
            view.label.clone(),
            words::time(cost.waited_us.p50 * 1e3),
            words::time(cost.waited_us.max * 1e3),
            words::trimmed(cost.purchases_rps, 1),
            format!("{} %", words::trimmed(cost.out_of_turn * 100.0, 1)),
            grouped(cost.overtaken_max),
            words::trimmed(cost.fairness, 3),
        ]
    });
    Table::new("What the lock cost, and whom".to_owned(), &HEAD, rows)
}
