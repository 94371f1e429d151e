//! How the operations ended over time: a stack of outcomes for each slice of it.

use super::{
    figure::{Figure, number, percent},
    frame::{Block, Table, column},
    mark::key,
    markup::{Element, element},
    run::RunView,
    scale::CountScale,
};
use crate::history::Outcome;
use crate::words::{self, grouped};

/// Into how many slices the time is cut.
const SLICES: usize = 60;
/// The height of the figure in pixels.
const HEIGHT: f64 = 160.0;
const HEAD: [&str; 6] = ["From", "Sold", "Sold out", "Found, done", "Refused", "Unknown"];

/// The layers of a stack from the bottom, with what the legend says of each.
const LAYERS: [(&str, &str); 5] = [
    ("sold", "sold"),
    ("sold-out", "sold out"),
    ("found", "found, done"),
    ("refused", "refused: it did not happen"),
    ("unknown", "no answer"),
];

/// The outcomes of all runs; `None` where none was measured.
pub(super) fn outcomes_over_time(views: &[RunView<'_>]) -> Option<Block> {
    views.iter().any(|view| view.run.clocks.is_some()).then(|| {
        let lead = "Every column is a slice of time, as high as operations ended in it a second. \
                    Where columns are missing, nobody was answered.";
        Block {
            id: "outcomes",
            heading: "What the clients were told, over time",
            lead: vec![element("p").class("lead").text(lead)],
            columns: views.iter().map(draw).collect(),
            parts: 4,
        }
    })
}

fn layer(outcome: Outcome) -> usize {
    match outcome {
        Outcome::Sold => 0,
        Outcome::SoldOut => 1,
        Outcome::Found | Outcome::Done => 2,
        Outcome::Refused => 3,
        Outcome::Unknown => 4,
    }
}

/// How many operations of each layer ended in each slice.
fn slices(view: &RunView<'_>) -> Vec<[u64; LAYERS.len()]> {
    let mut slices = vec![[0; LAYERS.len()]; SLICES];
    let width = (view.span() / slice_count()).max(1.0);
    for operation in view.run.operations {
        let end = view.time(operation.return_ns.unwrap_or(operation.call_ns));
        let place = whole(end / width).min(SLICES - 1);
        slices[place][layer(operation.outcome)] += 1;
    }
    slices
}

fn slice_count() -> f64 {
    u32::try_from(SLICES).map_or(1.0, f64::from)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place among the slices, cut to them by the caller"
)]
fn whole(place: f64) -> usize {
    place.max(0.0) as usize
}

#[expect(clippy::cast_precision_loss, reason = "no run counts to 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

fn draw(view: &RunView<'_>) -> Element {
    let slices = slices(view);
    let width = (view.span() / slice_count()).max(1.0);
    let rate = |count: u64| float(count) * 1e9 / width;
    let highest = slices.iter().map(|slice| slice.iter().sum()).max().unwrap_or(0);
    let counts =
        CountScale { low: 0.0, high: rate(highest).max(1.0), height: HEIGHT, margin: 10.0 };
    let mut stacks: Vec<Element> =
        LAYERS.iter().map(|(class, _)| element("g").class(format!("stack {class}"))).collect();
    for (place, slice) in slices.iter().enumerate() {
        let start = float(place as u64) * width;
        let (left, right) = (view.scale.at(start), view.scale.at(start + width));
        let mut below = 0;
        for (count, stack) in slice.iter().zip(&mut stacks).filter(|(count, _)| **count > 0) {
            let (low, high) = (counts.at(rate(below)), counts.at(rate(below + count)));
            below += count;
            let rect = element("rect")
                .with("x", percent(left))
                .with("width", percent(right - left))
                .with("y", number(high))
                .with("height", number(low - high));
            *stack = stack.clone().child(rect);
        }
    }
    let caption = caption(view, rate(highest));
    let figure = Figure {
        id: format!("outcomes-{}", view.place),
        title: format!("How the operations of {} ended, over time", view.label),
        description: caption.clone(),
        scale: view.scale,
        share: view.share,
        group: &format!("run-{}", view.place),
        height: HEIGHT,
        names: counts.ticks(4).into_iter().rev().collect(),
        marks: stacks,
    };
    column(&view.label, &[caption], (figure, legend(&slices)), table(view, &slices, width))
}

fn caption(view: &RunView<'_>, highest_rps: f64) -> String {
    format!(
        "{} in {}, at most {} a second.",
        words::counted_grouped(view.run.operations.len(), ("operation", "operations")),
        words::time(view.span()),
        words::grouped_f64(highest_rps)
    )
}

fn legend(slices: &[[u64; LAYERS.len()]]) -> Element {
    let list = element("ul").class("legend").with("role", "list");
    LAYERS
        .iter()
        .enumerate()
        .filter(|(layer, _)| slices.iter().any(|slice| slice[*layer] > 0))
        .fold(list, |list, (_, (class, text))| {
            let patch = element("rect")
                .with("x", "8%")
                .with("width", "84%")
                .with("y", "2")
                .with("height", "10");
            list.child(key(element("g").class(format!("stack {class}")).child(patch), text))
        })
}

fn table(view: &RunView<'_>, slices: &[[u64; LAYERS.len()]], width: f64) -> Table {
    let rows = slices.iter().enumerate().map(|(place, slice)| {
        let start = words::time(float(place as u64) * width);
        std::iter::once(start).chain(slice.iter().map(|count| grouped(*count))).collect()
    });
    Table::new(format!("How the operations of {} ended", view.label), &HEAD, rows)
}
