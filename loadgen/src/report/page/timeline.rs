//! The whole run: a lane for each worker, a bar for each operation.

use super::{
    figure::Figure,
    frame::{Block, Table, column, empty_column},
    mark::{self, Place},
    markup::{Element, element},
    run::RunView,
    sample::{Sample, sample},
    scale::Tick,
};
use crate::words::{self, grouped};

/// The columns of a table of operations.
const HEAD: [&str; 6] = ["Worker", "Asked", "Answered", "Called", "Answered at", "Order"];

/// The most operations of a counterexample that are ringed.
const RINGS_MAX: usize = 8;

/// The timelines of all runs.
pub(super) fn timelines(views: &[RunView<'_>]) -> Block {
    let lead = "Every worker has a lane. A bar runs from the call to the answer, so bars above each \
                other were under way at the same time.";
    Block {
        id: "timeline",
        heading: "The whole run",
        lead: vec![element("p").class("lead").text(lead)],
        columns: views.iter().map(draw).collect(),
        parts: 4,
    }
}

fn draw(view: &RunView<'_>) -> Element {
    if view.run.operations.is_empty() {
        return empty_column(&view.label, "The history has no operation.");
    }
    let sample = sample(view);
    let pitch = pitch(sample.workers.len());
    let accused: Vec<usize> =
        view.smallest().map(|violation| view.accused(violation)).unwrap_or_default();
    let place_of = |at: usize| {
        let lane = sample.workers.binary_search(&view.operation(at).process).unwrap_or(0);
        Place { lane, middle: (px(lane) + 0.5) * pitch, height: (pitch - 2.0).min(12.0) }
    };
    let mut has_points = false;
    let marks: Vec<Element> = sample
        .places
        .iter()
        .map(|at| {
            let place = place_of(*at);
            let point = mark::order_point(view, *at, &view.scale, place);
            has_points |= point.is_some();
            let is_accused = accused.contains(at);
            mark::operation(view, *at, &view.scale, place, is_accused).children(point)
        })
        .collect();
    let rings = accused.iter().filter(|at| sample.places.contains(at)).take(RINGS_MAX).map(|at| {
        let (call, answer) = view.times(*at);
        mark::ring((view.scale.at(answer.unwrap_or(call)), place_of(*at).middle))
    });
    let names = sample
        .workers
        .iter()
        .enumerate()
        .map(|(lane, worker)| Tick { at: (px(lane) + 0.5) * pitch, label: words::who(*worker) });
    let figure = Figure {
        id: format!("timeline-{}", view.place),
        title: format!("All operations of {}, a lane for each worker", view.label),
        description: caption(view, &sample).join(" "),
        scale: view.scale,
        share: view.share,
        group: &format!("run-{}", view.place),
        height: (px(sample.workers.len()) * pitch).max(24.0),
        names: names.collect(),
        marks: marks.into_iter().chain(rings).collect(),
    };
    let mut legend = mark::legend(view.run.operations.iter());
    if has_points {
        legend = legend.child(mark::order_key());
    }
    if !accused.is_empty() {
        legend = legend.child(mark::ring_key());
    }
    let title = format!("Operations of {}", view.label);
    let table = operations_table(view, title, &sample.places);
    column(&view.label, &caption(view, &sample), (figure, legend), table)
}

fn caption(view: &RunView<'_>, sample: &Sample) -> Vec<String> {
    let workers = words::counted_grouped(sample.workers.len(), ("worker", "workers"));
    let time = words::time(view.span());
    match &sample.left_out {
        None => vec![format!("{} of {workers} in {time}.", view.size())],
        Some(left_out) => vec![format!("{} in {time}. {left_out}", view.size())],
    }
}

/// The height of a lane in pixels: all of them fit, where that leaves each one room.
fn pitch(lanes: usize) -> f64 {
    (600.0 / px(lanes.max(1))).clamp(5.0, 22.0)
}

fn px(lanes: usize) -> f64 {
    f64::from(u32::try_from(lanes).unwrap_or(u32::MAX))
}

/// The operations at `places` as a table.
pub(super) fn operations_table(view: &RunView<'_>, caption: String, places: &[usize]) -> Table {
    let rows = places.iter().map(|at| {
        let operation = view.operation(*at);
        let (call, answer) = view.times(*at);
        let time = |time: Option<f64>| time.map_or_else(|| "–".to_owned(), words::time);
        vec![
            grouped(operation.process),
            words::asked(operation),
            words::answered(operation),
            time(Some(call)),
            time(answer),
            time(view.point(*at)),
        ]
    });
    Table::new(caption, &HEAD, rows)
}
