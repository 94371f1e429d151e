//! The symptom: what was left over time, as the answers promised and as the counter said.

use maud::{Markup, html};

use super::{
    block::{block, column, empty_column},
    mark::readable,
    run::RunView,
    sample::every,
    stock::{Stock, thinned},
};
use crate::{
    page::{
        CountScale, Figure, Sign, Table, Tick, UNITS, key, line, note, number, percent, sign,
        stretched,
    },
    words::{self, grouped},
};

/// Into how many slices of time a long line is thinned.
const SLICES: u32 = 600;
/// The most answers that are drawn as points.
const POINTS_MAX: usize = 150;
/// Runs whose highest counts differ by at most this factor are drawn on one scale of counts.
const COMPARABLE: i128 = 10;
/// The height of the figure in pixels.
const HEIGHT: f64 = 240.0;
/// The counter at the end.
const FLAG: Sign = ("final", "M-9-4.5H0V4.5H-9Z");
const HEAD: [&str; 3] = ["Time", "Left, as promised", "Left, as answered"];

/// What was left in all runs, on one scale of counts.
pub(super) fn left_over_time(views: &[RunView<'_>], stocks: &[Stock]) -> Markup {
    let lead = "The line starts at the tickets there were, and falls whenever a buyer is told \
                “sold”. Below zero, tickets were promised that do not exist. The circles are what \
                the counter itself said was left.";
    let runs = views.iter().zip(stocks).zip(count_scales(views, stocks));
    let columns: Vec<Markup> =
        runs.map(|((view, stock), scale)| draw(view, stock, scale)).collect();
    block(("left", "What was left"), &[lead], &columns)
}

/// One scale for all runs, unless that would leave some of them nothing but a flat line.
fn count_scales(views: &[RunView<'_>], stocks: &[Stock]) -> Vec<CountScale> {
    let ranges: Vec<(i128, i128)> =
        views.iter().zip(stocks).map(|(view, stock)| range(view, stock)).collect();
    let low = ranges.iter().map(|(low, _)| *low).min().unwrap_or(0);
    let high = ranges.iter().map(|(_, high)| *high).max().unwrap_or(1);
    let is_comparable = ranges.iter().all(|(_, own)| own.saturating_mul(COMPARABLE) >= high);
    ranges
        .into_iter()
        .map(|own| if is_comparable { (low, high) } else { own })
        .map(|(low, high)| CountScale {
            low: low as f64,
            high: high as f64,
            height: HEIGHT,
            margin: 16.0,
        })
        .collect()
}

/// The lowest and the highest count of a run; never one and the same.
fn range(view: &RunView<'_>, stock: &Stock) -> (i128, i128) {
    let promised = stock.promised.iter().map(|(_, left)| *left);
    let told = stock.told.iter().map(|(_, left, _)| i128::from(*left));
    let end = view.run.header.left.map(i128::from);
    let counts = || promised.clone().chain(told.clone()).chain(end);
    (counts().min().unwrap_or(0).min(0), counts().max().unwrap_or(1).max(1))
}

fn draw(view: &RunView<'_>, stock: &Stock, counts: CountScale) -> Markup {
    if stock.promised.is_empty() && stock.told.is_empty() {
        let why = "Nobody recorded how many tickets there were, and no answer said what was left.";
        return empty_column(&view.label, why);
    }
    let caption = [caption(view, stock)];
    let figure = Figure {
        id: format!("left-{}", view.place),
        title: format!("Tickets left under {}, over time", view.label),
        description: caption[0].clone(),
        names: names(counts),
        axis: view.scale.ticks(),
        height: HEIGHT,
        marks: html! {
            (line("zero", (0.0, counts.at(0.0)), (100.0, counts.at(0.0))))
            (steps(view, stock, counts))
            (points(view, stock, counts))
            (labels(view, stock, counts))
        },
        zoom: Some(view.zoom()),
    };
    column(&view.label, &caption, &figure, &keys(stock), &table(view, stock))
}

/// Round counts, and the highest.
fn names(counts: CountScale) -> Vec<Tick> {
    let top = Tick { at: counts.at(counts.high), label: words::grouped_f64(counts.high) };
    let round = counts.ticks(6).into_iter().rev().filter(|tick| tick.at > top.at + 8.0);
    std::iter::once(top.clone()).chain(round).collect()
}

/// The line of what was promised, and all of it that lies below zero.
fn steps(view: &RunView<'_>, stock: &Stock, counts: CountScale) -> Markup {
    let steps = thinned(&stock.promised, SLICES, view.scale.span);
    let Some((_, first)) = steps.first() else {
        return html! {};
    };
    let y = |count: i128| number(counts.at(count as f64));
    let mut promised = format!("M0 {}", y(*first));
    let mut below = format!("M0 {}V{}", y(0), y((*first).min(0)));
    for (time, left) in &steps {
        let x = number(view.scale.at(*time) / 100.0 * UNITS);
        promised.push_str(&format!("H{x}V{}", y(*left)));
        below.push_str(&format!("H{x}V{}", y((*left).min(0))));
    }
    promised.push_str(&format!("H{UNITS}"));
    below.push_str(&format!("H{UNITS}V{}Z", y(0)));
    let paths = [("below", below), ("promised", promised)];
    let is_below = stock.lowest().is_some_and(|lowest| lowest < 0);
    stretched(HEIGHT, if is_below { &paths } else { &paths[1..] })
}

/// What the answers said is left.
fn points(view: &RunView<'_>, stock: &Stock, counts: CountScale) -> Markup {
    let point = |time: f64, left: i64| {
        let y = counts.at(left as f64);
        html! { circle cx=(percent(view.scale.at(time))) cy=(number(y)) r="2.5" {} }
    };
    html! {
        @for (time, left, place) in every(stock.told.iter(), stock.told.len(), POINTS_MAX) {
            (readable("told", false, 0, &view.told(*place), &point(*time, *left)))
        }
    }
}

/// What stands beside the lines, so that nobody has to look it up.
fn labels(view: &RunView<'_>, stock: &Stock, counts: CountScale) -> Markup {
    let y = |count: i128| counts.at(count as f64);
    html! {
        @if let Some(last) = stock.last() {
            @let (class, text) = match last {
                ..0 => ("said alarm", format!("{} sold that do not exist", grouped(-last))),
                0.. => ("said", format!("promised: {} left", grouped(last))),
            };
            (note(class, (99.0, (y(last) - 8.0).max(14.0)), &text))
        }
        @if let Some(left) = view.run.header.left.map(i128::from) {
            (sign(FLAG, (100.0, y(left))))
            @if stock.last() != Some(left) {
                @let text = format!("counter: {} left", grouped(left));
                (note("said", (98.0, (y(left) - 8.0).max(12.0)), &text))
            }
        }
    }
}

fn caption(view: &RunView<'_>, stock: &Stock) -> String {
    let mut text = match (view.run.header.initial, stock.last()) {
        (Some(initial), Some(last)) => format!(
            "From {} to {}, as promised",
            words::counted_grouped(initial, ("ticket", "tickets")),
            grouped(last)
        ),
        _ => "Nobody recorded how many tickets there were at the start".to_owned(),
    };
    match view.run.header.left {
        Some(left) => text.push_str(&format!("; the counter says {}.", grouped(left))),
        None => text.push_str("; nobody looked what the counter says at the end."),
    }
    if stock.has_holds {
        text.push_str(" Holds that expired count as promised.");
    }
    if stock.told.len() > POINTS_MAX {
        text.push_str(&format!(
            " Of {} answers that say what is left, {} are drawn.",
            grouped(stock.told.len()),
            every(stock.told.iter(), stock.told.len(), POINTS_MAX).count()
        ));
    }
    text
}

fn keys(stock: &Stock) -> Markup {
    let circle = html! { g class="op told" { circle cx="50%" cy="7" r="3" {} } };
    html! {
        (key(&line("promised", (8.0, 7.0), (92.0, 7.0)), "what the answers promised"))
        @if !stock.told.is_empty() { (key(&circle, "what an answer said is left")) }
        (key(&sign(FLAG, (60.0, 7.0)), "the counter at the end"))
    }
}

/// Both lines at a few times.
fn table(view: &RunView<'_>, stock: &Stock) -> Table {
    let times: Vec<f64> = (0..=10).map(|step| f64::from(step) / 10.0 * view.span()).collect();
    let rows = times.iter().map(|time| {
        let promised = stock.promised.partition_point(|(at, _)| at <= time);
        let told = stock.told.partition_point(|(at, _, _)| at <= time);
        let promised = promised.checked_sub(1).map(|at| grouped(stock.promised[at].1));
        let told = told.checked_sub(1).map(|at| grouped(stock.told[at].1));
        vec![
            words::time(*time),
            promised.unwrap_or_else(|| "–".to_owned()),
            told.unwrap_or_else(|| "–".to_owned()),
        ]
    });
    Table::new(format!("Tickets left under {}", view.label), &HEAD, rows)
}
