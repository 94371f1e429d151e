//! How the operations ended over time: a stack of outcomes for each slice of it.

use maud::{Markup, html};

use super::{
    block::{block, column},
    faults::{band_key, bands},
    run::RunView,
};
use crate::{
    history::Outcome,
    page::{CountScale, Figure, Table, bar, key},
    words::{self, grouped},
};

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

/// The outcomes of all runs, where one was measured.
pub(super) fn outcomes_over_time(views: &[RunView<'_>]) -> Markup {
    if views.iter().all(|view| view.run.clocks.is_none()) {
        return html! {};
    }
    let lead = "Every column is a slice of time, as high as operations ended in it a second. Where \
                columns are missing, nobody was answered.";
    let columns: Vec<Markup> = views.iter().map(draw).collect();
    block(("outcomes", "What the clients were told, over time"), &[lead], &columns)
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
    let width = (view.span() / SLICES as f64).max(1.0);
    for operation in view.run.operations {
        let end = view.time(operation.return_ns.unwrap_or(operation.call_ns));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small place"
        )]
        let place = ((end / width).max(0.0) as usize).min(SLICES - 1);
        slices[place][layer(operation.outcome)] += 1;
    }
    slices
}

fn draw(view: &RunView<'_>) -> Markup {
    let slices = slices(view);
    let width = (view.span() / SLICES as f64).max(1.0);
    let rate = |count: u64| count as f64 * 1e9 / width;
    let highest = slices.iter().map(|slice| slice.iter().sum()).max().unwrap_or(0);
    let counts =
        CountScale { low: 0.0, high: rate(highest).max(1.0), height: HEIGHT, margin: 10.0 };
    let column_bar = |place: usize, layer: usize| {
        let start = place as f64 * width;
        let ends = (view.scale.at(start), view.scale.at(start + width));
        let below: u64 = slices[place][..layer].iter().sum();
        let top = counts.at(rate(below + slices[place][layer]));
        let height = counts.at(rate(below)) - top;
        bar("", ends, top + height / 2.0, height)
    };
    let marks = html! {
        (bands(view, HEIGHT))
        @for (layer, (class, _)) in LAYERS.iter().enumerate() {
            g class={ "stack " (class) } {
                @for place in (0..SLICES).filter(|place| slices[*place][layer] > 0) {
                    (column_bar(place, layer))
                }
            }
        }
    };
    let caption = [caption(view, rate(highest))];
    let figure = Figure {
        id: format!("outcomes-{}", view.place),
        title: format!("How the operations of {} ended, over time", view.label),
        description: caption[0].clone(),
        names: counts.ticks(4).into_iter().rev().collect(),
        axis: view.scale.ticks(),
        height: HEIGHT,
        marks,
        zoom: Some(view.zoom()),
    };
    let keys = html! { (keys(&slices)) (band_key(view)) };
    column(&view.label, &caption, &figure, &keys, &table(view, &slices, width))
}

fn caption(view: &RunView<'_>, highest_rps: f64) -> String {
    format!(
        "{} in {}, at most {} a second.",
        words::counted_grouped(view.run.operations.len(), ("operation", "operations")),
        words::time(view.span()),
        words::grouped_f64(highest_rps)
    )
}

fn keys(slices: &[[u64; LAYERS.len()]]) -> Markup {
    let is_there = |layer: usize| slices.iter().any(|slice| slice[layer] > 0);
    let patch =
        |class| html! { g class={ "stack " (class) } { (bar("", (8.0, 92.0), 7.0, 10.0)) } };
    html! {
        @for (layer, (class, text)) in LAYERS.iter().enumerate() {
            @if is_there(layer) { (key(&patch(class), text)) }
        }
    }
}

fn table(view: &RunView<'_>, slices: &[[u64; LAYERS.len()]], width: f64) -> Table {
    let rows = slices.iter().enumerate().map(|(place, slice)| {
        let start = words::time(place as f64 * width);
        std::iter::once(start).chain(slice.iter().map(|count| grouped(*count))).collect()
    });
    Table::new(format!("How the operations of {} ended", view.label), &HEAD, rows)
}
