//! The whole run: a lane for each worker, a bar for each operation.

use maud::{Markup, html};

use super::{
    block::{block, column, empty_column},
    faults::{band_key, bands},
    lanes::Lanes,
    mark,
    run::RunView,
    sample::{Sample, sample},
};
use crate::{
    page::{Figure, Table, key, sign},
    words,
};

/// The height of the lanes in pixels, where they can share it.
const HEIGHT: f64 = 600.0;
/// The columns of a table of operations.
const HEAD: [&str; 6] = ["Worker", "Asked", "Answered", "Called", "Answered at", "Order"];
/// The most operations of a counterexample that are ringed.
const RINGS_MAX: usize = 8;

/// The timelines of all runs.
pub(super) fn timelines(views: &[RunView<'_>]) -> Markup {
    let lead = "Every worker has a lane. A bar runs from the call to the answer, so bars above each \
                other were under way at the same time.";
    let columns: Vec<Markup> = views.iter().map(draw).collect();
    block(("timeline", "The whole run"), &[lead], &columns)
}

fn draw(view: &RunView<'_>) -> Markup {
    if view.run.operations.is_empty() {
        return empty_column(&view.label, "The history has no operation.");
    }
    let sample = sample(view);
    let lanes = Lanes::within(sample.workers.iter().copied(), HEIGHT);
    let place_of = |at: usize| lanes.place(view.operation(at).process);
    let accused = view.accused_of_smallest();
    let point = |at: usize| mark::order_point(view, at, &view.scale, place_of(at));
    let ring = |at: usize| {
        let (call, answer) = view.times(at);
        sign(mark::RING, (view.scale.at(answer.unwrap_or(call)), place_of(at).middle))
    };
    let marks = html! {
        (bands(view, lanes.height()))
        @for at in &sample.places {
            @let point = point(*at).unwrap_or_default();
            (mark::operation(view, *at, &view.scale, place_of(*at), accused.contains(at), &point))
        }
        @for at in accused.iter().filter(|at| sample.places.contains(at)).take(RINGS_MAX) {
            (ring(*at))
        }
    };
    let figure = Figure {
        id: format!("timeline-{}", view.place),
        title: format!("All operations of {}, a lane for each worker", view.label),
        description: caption(view, &sample).join(" "),
        names: lanes.names(),
        axis: view.scale.ticks(),
        height: lanes.height(),
        marks,
        zoom: Some(view.zoom()),
    };
    let keys = html! {
        (mark::keys(&view.run.operations.iter()))
        (band_key(view))
        @if sample.places.iter().any(|at| point(*at).is_some()) { (mark::order_key()) }
        @if !accused.is_empty() {
            (key(&sign(mark::RING_SMALL, (50.0, 7.0)), "the counterexample above"))
        }
    };
    let table = operations_table(view, format!("Operations of {}", view.label), &sample.places);
    column(&view.label, &caption(view, &sample), &figure, &keys, &table)
}

fn caption(view: &RunView<'_>, sample: &Sample) -> Vec<String> {
    let workers = words::counted_grouped(sample.workers.len(), ("worker", "workers"));
    let time = words::time(view.span());
    match &sample.left_out {
        None => vec![format!("{} of {workers} in {time}.", view.size())],
        Some(left_out) => vec![format!("{} in {time}. {left_out}", view.size())],
    }
}

/// The operations at `places` as a table.
pub(super) fn operations_table(view: &RunView<'_>, caption: String, places: &[usize]) -> Table {
    let rows = places.iter().map(|at| {
        let operation = view.operation(*at);
        let (call, answer) = view.times(*at);
        let time = |time: Option<f64>| time.map_or_else(|| "–".to_owned(), words::time);
        vec![
            operation.process.to_string(),
            words::asked(operation),
            words::answered(operation),
            time(Some(call)),
            time(answer),
            time(view.point(*at)),
        ]
    });
    Table::new(caption, &HEAD, rows)
}
