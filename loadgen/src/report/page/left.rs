//! The symptom: what was left over time, as the answers promised and as the counter said.

use super::{
    figure::{Figure, line, number, sign},
    frame::{Block, Table, column, empty_column},
    mark::{key, note, readable},
    markup::{Element, element},
    run::RunView,
    sample::every,
    scale::{CountScale, Tick, TimeScale},
    stock::{Stock, thinned},
};
use crate::words::{self, grouped};

/// Into how many slices of time a long line is thinned.
const SLICES: u32 = 600;
/// The most answers that are drawn as points.
const POINTS_MAX: usize = 150;
/// Runs whose highest counts differ by at most this factor are drawn on one scale of counts.
const COMPARABLE: i128 = 10;
/// The height of the figure in pixels.
const HEIGHT: f64 = 240.0;
/// How many units wide the step line's own coordinates are.
const UNITS: f64 = 10_000.0;
const HEAD: [&str; 3] = ["Time", "Left, as promised", "Left, as answered"];

/// What was left in all runs, on one scale of counts.
pub(super) fn left_over_time(views: &[RunView<'_>], stocks: &[Stock]) -> Block {
    let scales = count_scales(views, stocks);
    let lead = "The line starts at the tickets there were, and falls whenever a buyer is told \
                “sold”. Below zero, tickets were promised that do not exist. The circles are what \
                the counter itself said was left.";
    Block {
        id: "left",
        heading: "What was left",
        lead: vec![element("p").class("lead").text(lead)],
        columns: views
            .iter()
            .zip(stocks)
            .zip(scales)
            .map(|((view, stock), scale)| draw(view, stock, scale))
            .collect(),
        parts: 4,
    }
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
            low: float(low),
            high: float(high),
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

#[expect(clippy::cast_precision_loss, reason = "a picture shows no ticket of 2^53")]
fn float(count: i128) -> f64 {
    count as f64
}

fn draw(view: &RunView<'_>, stock: &Stock, counts: CountScale) -> Element {
    if stock.promised.is_empty() && stock.told.is_empty() {
        let why = "Nobody recorded how many tickets there were, and no answer said what was left.";
        return empty_column(&view.label, why);
    }
    let mut marks = vec![line((0.0, counts.at(0.0)), (100.0, counts.at(0.0))).class("zero")];
    marks.extend(steps(view, stock, counts));
    marks.extend(points(view, stock, counts));
    marks.extend(labels(view, stock, counts));
    let figure = Figure {
        id: format!("left-{}", view.place),
        title: format!("Tickets left under {}, over time", view.label),
        description: caption(view, stock).join(" "),
        scale: view.scale,
        share: view.share,
        group: &format!("run-{}", view.place),
        height: HEIGHT,
        names: names(counts),
        marks,
    };
    column(&view.label, &caption(view, stock), (figure, legend(stock)), table(view, stock))
}

/// Round counts, and the highest.
fn names(counts: CountScale) -> Vec<Tick> {
    let top = Tick { at: counts.at(counts.high), label: words::grouped_f64(counts.high) };
    let round = counts.ticks(6).into_iter().rev().filter(|tick| tick.at > top.at + 8.0);
    std::iter::once(top.clone()).chain(round).collect()
}

/// The line of what was promised, and all of it that lies below zero.
fn steps(view: &RunView<'_>, stock: &Stock, counts: CountScale) -> Option<Element> {
    let steps = thinned(&stock.promised, SLICES, view.scale.span);
    let (_, first) = steps.first()?;
    let zero = number(counts.at(0.0));
    let mut drawn = format!("M0 {}", number(counts.at(float(*first))));
    let mut below = format!("M0 {zero}V{}", number(counts.at(float((*first).min(0)))));
    for (time, left) in &steps {
        let x = number(across(&view.scale, *time));
        drawn.push_str(&format!("H{x}V{}", number(counts.at(float(*left)))));
        below.push_str(&format!("H{x}V{}", number(counts.at(float((*left).min(0))))));
    }
    drawn.push_str(&format!("H{UNITS}"));
    below.push_str(&format!("H{UNITS}V{zero}Z"));
    let path = |class: &str, d: String| {
        element("path").class(class).with("d", d).with("vector-effect", "non-scaling-stroke")
    };
    let picture = element("svg")
        .with("width", "100%")
        .with("height", number(HEIGHT))
        .with("viewBox", format!("0 0 {UNITS} {HEIGHT}"))
        .with("preserveAspectRatio", "none");
    let is_below = stock.lowest().is_some_and(|lowest| lowest < 0);
    let picture = if is_below { picture.child(path("below", below)) } else { picture };
    Some(picture.child(path("promised", drawn)))
}

fn across(scale: &TimeScale, time: f64) -> f64 {
    scale.at(time) / 100.0 * UNITS
}

/// What the answers said is left.
fn points<'a>(
    view: &'a RunView<'_>,
    stock: &'a Stock,
    counts: CountScale,
) -> impl Iterator<Item = Element> + 'a {
    every(stock.told.iter(), stock.told.len(), POINTS_MAX).map(move |(time, left, place)| {
        let y = counts.at(float(i128::from(*left)));
        readable("told", false, 0, &view.told(*place)).child(
            element("circle")
                .with("cx", super::figure::percent(view.scale.at(*time)))
                .with("cy", number(y))
                .with("r", "2.5"),
        )
    })
}

/// What stands beside the lines, so that nobody has to look it up.
fn labels(view: &RunView<'_>, stock: &Stock, counts: CountScale) -> Vec<Element> {
    let mut labels = Vec::new();
    let last = stock.last();
    if let Some(last) = last {
        let y = counts.at(float(last));
        let text = match last {
            last if last < 0 => format!("{} sold that do not exist", grouped(-last)),
            last => format!("promised: {} left", grouped(last)),
        };
        let class = if last < 0 { "said alarm" } else { "said" };
        labels.push(note(class, (99.0, (y - 8.0).max(14.0)), &text));
    }
    if let Some(left) = view.run.header.left {
        let count = i128::from(left);
        let y = counts.at(float(count));
        labels.push(sign("final", (100.0, y), "M-9-4.5H0V4.5H-9Z"));
        if last != Some(count) {
            let text = format!("counter: {} left", grouped(left));
            labels.push(note("said", (98.0, (y - 8.0).max(12.0)), &text));
        }
    }
    labels
}

fn caption(view: &RunView<'_>, stock: &Stock) -> Vec<String> {
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
    vec![text]
}

fn legend(stock: &Stock) -> Element {
    let list = element("ul").class("legend").with("role", "list");
    let stroke = line((8.0, 7.0), (92.0, 7.0)).class("promised");
    let mut list = list.child(key(stroke, "what the answers promised"));
    if !stock.told.is_empty() {
        let circle = element("circle").with("cx", "50%").with("cy", "7").with("r", "3");
        let circle = element("g").class("op told").child(circle);
        list = list.child(key(circle, "what an answer said is left"));
    }
    list.child(key(sign("final", (60.0, 7.0), "M-9-4.5H0V4.5H-9Z"), "the counter at the end"))
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
