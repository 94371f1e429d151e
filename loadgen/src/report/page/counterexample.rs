//! The smallest set of operations that no order explains: in sentences, and as a timeline.

use super::{
    figure::{Figure, bar, line},
    frame::{Block, Table, column},
    mark::{self, Place},
    markup::{Element, element},
    run::RunView,
    scale::{Tick, TimeScale},
};
use crate::words::{self, clipped, grouped};
use crate::{history::Outcome, judge::Violation};

/// The most operations of one counterexample that are drawn.
const DRAWN_MAX: usize = 8;
/// The most sentences of its story.
const SENTENCES_MAX: usize = 12;
/// The height of a lane in pixels, and where the bar stands in it.
const LANE: f64 = 62.0;
const BAR_MIDDLE: f64 = 29.0;
const BAR_HEIGHT: f64 = 12.0;

/// The counterexamples of the runs that have one; `None` where no run has.
pub(super) fn counterexamples(views: &[RunView<'_>]) -> Option<Block> {
    let columns: Vec<Element> = views
        .iter()
        .filter_map(|view| {
            let violation = view.smallest()?;
            Some(draw(view, violation, &view.accused(violation)))
        })
        .collect();
    let lead = "These few answers cannot all be right, in whatever order the counter did them. \
                Time runs to the right: a bar begins when a worker asks, and ends when it has its \
                answer.";
    (!columns.is_empty()).then(|| Block {
        id: "counterexample",
        heading: "The smallest counterexample",
        lead: vec![element("p").class("lead").text(lead)],
        columns,
        parts: 4,
    })
}

fn draw(view: &RunView<'_>, violation: &Violation, accused: &[usize]) -> Element {
    let shown = &accused[..accused.len().min(DRAWN_MAX)];
    let scale = scale(view, shown);
    let mut workers: Vec<u32> = Vec::new();
    for place in shown {
        let worker = view.operation(*place).process;
        if !workers.contains(&worker) {
            workers.push(worker);
        }
    }
    let place_of = |at: usize| {
        let worker = view.operation(at).process;
        let lane = workers.iter().position(|known| *known == worker).unwrap_or(0);
        Place { lane, middle: top(lane) + BAR_MIDDLE, height: BAR_HEIGHT }
    };
    let anchors: Vec<(f64, f64)> =
        shown.iter().map(|at| (scale.at(anchor(view, *at)), place_of(*at).middle)).collect();
    let mut marks = joined(&anchors);
    for at in shown {
        marks.extend(operation(view, *at, &scale, place_of(*at)));
    }
    marks.extend(anchors.iter().map(|anchor| mark::ring(*anchor)));
    let names = workers
        .iter()
        .enumerate()
        .map(|(lane, worker)| Tick { at: top(lane) + BAR_MIDDLE, label: words::who(*worker) });
    let figure = Figure {
        id: format!("counterexample-{}", view.place),
        title: format!("The smallest counterexample of {}, as a timeline", view.label),
        description: description(view, shown),
        scale,
        share: 1.0,
        group: &format!("counterexample-{}", view.place),
        height: top(workers.len()),
        names: names.collect(),
        marks,
    };
    let operations = shown.iter().map(|at| view.operation(*at));
    let mut legend = mark::legend(operations);
    if shown.iter().any(|at| view.operation(*at).section.is_some()) {
        let stretch = element("g").child(bar((8.0, 82.0), 7.0, 8.0).class("section"));
        legend = legend.child(mark::key(stretch, "from the read to the write of the count"));
    }
    if shown.iter().any(|at| view.point(*at).is_some()) {
        legend = legend.child(mark::order_key());
    }
    let caption = story(violation, (shown.len(), accused.len()));
    column(&view.label, &caption, (figure, legend), table(view, accused))
}

fn top(lane: usize) -> f64 {
    // A counterexample has eight lanes at most.
    f64::from(u32::try_from(lane).unwrap_or(u32::MAX)) * LANE
}

fn scale(view: &RunView<'_>, shown: &[usize]) -> TimeScale {
    let mut start = f64::INFINITY;
    let mut end = f64::NEG_INFINITY;
    for at in shown {
        let (call, answer) = view.times(*at);
        let times = [Some(call), answer, view.point(*at)];
        for time in times.into_iter().flatten() {
            start = start.min(time);
            end = end.max(time);
        }
    }
    TimeScale::new(start, end).with_margin(0.04)
}

/// Where the operation meets the others: the end of its critical section, or its answer.
fn anchor(view: &RunView<'_>, at: usize) -> f64 {
    let (call, answer) = view.times(at);
    let written = view.operation(at).section.as_deref().map(|section| view.time(section.write_ns));
    written.or(view.point(at)).or(answer).unwrap_or(call)
}

/// A line through all that contradict each other.
fn joined(anchors: &[(f64, f64)]) -> Vec<Element> {
    anchors.windows(2).map(|pair| line(pair[0], pair[1]).class("join")).collect()
}

/// The bar with what was asked and answered above it, and below it what was read and written.
fn operation(view: &RunView<'_>, at: usize, scale: &TimeScale, place: Place) -> Vec<Element> {
    let operation = view.operation(at);
    let (call, answer) = view.times(at);
    let (left, right) = (scale.at(call), scale.at(answer.unwrap_or(scale.start + scale.span)));
    let text = format!("{} → {}", words::asked(operation), words::answered(operation));
    let edge = if left > 50.0 { right } else { left };
    let mut drawn = vec![
        mark::operation(view, at, scale, place, false),
        mark::note("said", (edge, place.middle - 13.0), &text),
    ];
    if let Some(point) = view.point(at) {
        // At the edge of the bar, where it covers no other sign.
        drawn.push(mark::order_sign((scale.at(point), place.middle + BAR_HEIGHT / 2.0)));
    }
    if let Some(section) = operation.section.as_deref() {
        let read = scale.at(view.time(section.read_ns));
        let write = scale.at(view.time(section.write_ns));
        drawn.push(bar((read, write), place.middle, BAR_HEIGHT).class("section"));
        drawn.push(mark::read_sign((read, place.middle)));
        let (is_read, is_written) = section_words(operation);
        let y = place.middle + 21.0;
        if write - read < 34.0 {
            let both = [Some(is_read), is_written].into_iter().flatten().collect::<Vec<_>>();
            drawn.push(mark::note("step", (read, y), &both.join(", ")));
        } else {
            drawn.push(mark::note("step", (read.min(50.0), y), &is_read));
            let written = is_written.iter();
            drawn.extend(written.map(|text| mark::note("step", (write.max(50.1), y), text)));
        }
        if operation.outcome == Outcome::Sold {
            drawn.push(mark::write_sign((write, place.middle)));
        }
    }
    drawn
}

/// What was read, and what was written, where the answer tells.
fn section_words(operation: &crate::history::Operation) -> (String, Option<String>) {
    let has_written = operation.outcome == Outcome::Sold;
    match (operation.remaining, has_written) {
        (Some(left), true) => {
            let read = i128::from(left) + i128::from(operation.quantity.unwrap_or(1));
            (format!("read {}", grouped(read)), Some(format!("wrote {}", grouped(left))))
        }
        (Some(left), false) => (format!("read {}", grouped(left)), None),
        (None, true) => ("read".to_owned(), Some("wrote".to_owned())),
        (None, false) => ("read".to_owned(), None),
    }
}

/// The judge's own sentences, or where it has none what is wrong.
fn story(violation: &Violation, (shown, all): (usize, usize)) -> Vec<String> {
    let mut sentences: Vec<String> =
        violation.story.iter().take(SENTENCES_MAX).map(|sentence| clipped(sentence)).collect();
    if sentences.is_empty() {
        sentences.push(words::sentence(&clipped(&violation.message)));
    }
    if violation.story.len() > SENTENCES_MAX {
        sentences.push(format!(
            "The story goes on for {} more sentences.",
            violation.story.len() - SENTENCES_MAX
        ));
    }
    if shown < all {
        sentences.push(format!("Drawn are the first {shown} of {} operations.", grouped(all)));
    }
    sentences
}

fn description(view: &RunView<'_>, shown: &[usize]) -> String {
    let told: Vec<String> = shown.iter().map(|at| view.told(*at)).collect();
    told.join(" ")
}

fn table(view: &RunView<'_>, accused: &[usize]) -> Table {
    super::timeline::operations_table(
        view,
        format!("The smallest counterexample of {}", view.label),
        accused,
    )
}
