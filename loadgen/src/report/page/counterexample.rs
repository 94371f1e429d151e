//! The smallest set of operations that no order explains: in sentences, and as a timeline.

use maud::{Markup, html};

use super::{
    block::{block, column},
    lanes::{Lanes, Place},
    mark,
    run::RunView,
    timeline::operations_table,
};
use crate::{
    history::{Operation, Outcome},
    judge::Violation,
    page::{Figure, TimeScale, Zoom, bar, key, line, note, sign},
    words::{answered, asked, clipped, grouped, sentence},
};

/// The most operations of one counterexample that are drawn.
const DRAWN_MAX: usize = 8;
/// The most sentences of its story.
const SENTENCES_MAX: usize = 12;
/// The height of a lane in pixels.
const LANE: f64 = 62.0;

/// The counterexamples of the runs that have one.
pub(super) fn counterexamples(views: &[RunView<'_>]) -> Markup {
    let drawn = |view| {
        let violation = RunView::smallest(view)?;
        Some(draw(view, violation, &view.accused(violation)))
    };
    let columns: Vec<Markup> = views.iter().filter_map(drawn).collect();
    let lead = "These few answers cannot all be right, in whatever order the counter did them. \
                Time runs to the right: a bar begins when a worker asks, and ends when it has its \
                answer.";
    let title = ("counterexample", "The smallest counterexample");
    html! { @if !columns.is_empty() { (block(title, &[lead], &columns)) } }
}

fn draw(view: &RunView<'_>, violation: &Violation, accused: &[usize]) -> Markup {
    let shown = &accused[..accused.len().min(DRAWN_MAX)];
    let scale = scale(view, shown);
    let worker = |at: &usize| view.operation(*at).process;
    let lanes = Lanes::new(shown.iter().map(worker), LANE);
    let anchor = |at: &usize| (scale.at(anchor(view, *at)), lanes.place(worker(at)).middle);
    let anchors: Vec<(f64, f64)> = shown.iter().map(anchor).collect();
    let marks = html! {
        // A line through all that contradict each other.
        @for pair in anchors.windows(2) { (line("join", pair[0], pair[1])) }
        @for at in shown { (operation(view, *at, &scale, lanes.place(worker(at)))) }
        @for anchor in &anchors { (sign(mark::RING, *anchor)) }
    };
    let figure = Figure {
        id: format!("counterexample-{}", view.place),
        title: format!("The smallest counterexample of {}, as a timeline", view.label),
        description: shown.iter().map(|at| view.told(*at)).collect::<Vec<_>>().join(" "),
        names: lanes.names(),
        axis: scale.ticks(),
        height: lanes.height(),
        marks,
        zoom: Some(Zoom { scale, share: 1.0, group: format!("counterexample-{}", view.place) }),
    };
    let keys = html! {
        (mark::keys(&shown.iter().map(|at| view.operation(*at))))
        @if shown.iter().any(|at| view.operation(*at).section.is_some()) {
            (key(&bar("section", (8.0, 82.0), 7.0, 8.0), "from the read to the write of the count"))
        }
        @if shown.iter().any(|at| view.point(*at).is_some()) { (mark::order_key()) }
    };
    let caption = story(violation, (shown.len(), accused.len()));
    let title = format!("The smallest counterexample of {}", view.label);
    column(&view.label, &caption, &figure, &keys, &operations_table(view, title, accused))
}

fn scale(view: &RunView<'_>, shown: &[usize]) -> TimeScale {
    let times = shown.iter().flat_map(|at| {
        let (call, answer) = view.times(*at);
        [Some(call), answer, view.point(*at)].into_iter().flatten()
    });
    let ends = (f64::INFINITY, f64::NEG_INFINITY);
    let (start, end) = times.fold(ends, |(start, end), time| (time.min(start), time.max(end)));
    TimeScale::new(start, end).with_margin(0.04)
}

/// Where the operation meets the others: the end of its critical section, or its answer.
fn anchor(view: &RunView<'_>, at: usize) -> f64 {
    let (call, answer) = view.times(at);
    let written = view.operation(at).section.as_deref().map(|section| view.time(section.write_ns));
    written.or(view.point(at)).or(answer).unwrap_or(call)
}

/// The bar with what was asked and answered above it, and below it what was read and written.
fn operation(view: &RunView<'_>, at: usize, scale: &TimeScale, place: Place) -> Markup {
    let operation = view.operation(at);
    let (call, answer) = view.times(at);
    let (left, right) = (scale.at(call), scale.at(answer.unwrap_or(scale.start + scale.span)));
    let text = format!("{} → {}", asked(operation), answered(operation));
    let edge = if left > 50.0 { right } else { left };
    html! {
        (mark::operation(view, at, scale, place, false, &html! {}))
        (note("said", (edge, place.middle - 13.0), &text))
        @if let Some(point) = view.point(at) {
            // At the edge of the bar, where it covers no other sign.
            (sign(mark::ORDER, (scale.at(point), place.middle + place.height / 2.0)))
        }
        @if let Some(section) = operation.section.as_deref() {
            @let read = scale.at(view.time(section.read_ns));
            @let write = scale.at(view.time(section.write_ns));
            (bar("section", (read, write), place.middle, place.height))
            (sign(mark::READ, (read, place.middle)))
            (steps(operation, (read, write), place.middle + 21.0))
            @if operation.outcome == Outcome::Sold { (sign(mark::WRITE, (write, place.middle))) }
        }
    }
}

/// What was read, and what was written, where the answer tells: in one text where they are near.
fn steps(operation: &Operation, (read, write): (f64, f64), y: f64) -> Markup {
    let has_written = operation.outcome == Outcome::Sold;
    let (is_read, is_written) = match operation.remaining {
        Some(left) if has_written => {
            let read = i128::from(left) + i128::from(operation.quantity.unwrap_or(1));
            (format!("read {read}"), format!("wrote {left}"))
        }
        Some(left) => (format!("read {left}"), String::new()),
        None => ("read".to_owned(), "wrote".to_owned()),
    };
    let is_written = has_written.then_some(is_written);
    html! {
        @if write - read < 34.0 {
            @let both = is_written.map_or(is_read.clone(), |written| format!("{is_read}, {written}"));
            (note("step", (read, y), &both))
        } @else {
            (note("step", (read.min(50.0), y), &is_read))
            @if let Some(written) = is_written { (note("step", (write.max(50.1), y), &written)) }
        }
    }
}

/// The judge's own sentences, or where it has none what is wrong.
fn story(violation: &Violation, (shown, all): (usize, usize)) -> Vec<String> {
    let mut sentences: Vec<String> =
        violation.story.iter().take(SENTENCES_MAX).map(|sentence| clipped(sentence)).collect();
    if sentences.is_empty() {
        sentences.push(sentence(&clipped(&violation.message)));
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
