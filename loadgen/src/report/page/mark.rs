//! An operation as a bar: its outcome by colour and by shape, so that either alone is enough.

use super::{
    figure::{bar, line, percent, sign},
    markup::{Element, element},
    run::RunView,
    scale::TimeScale,
};
use crate::history::{Operation, Outcome};
use crate::words;

const CROSS: &str = "M-3.5-3.5L3.5 3.5M-3.5 3.5L3.5-3.5";
const CROSS_BEHIND: &str = "M3-3.5L10 3.5M3 3.5L10-3.5";
const SMALL_CROSS_BEHIND: &str = "M2.5-2L6.5 2M2.5 2L6.5-2";
const ARROW: &str = "M-7-4L0 0L-7 4";
const DIAMOND: &str = "M0-4.5L4.5 0L0 4.5L-4.5 0Z";
const SQUARE: &str = "M-3.5-3.5H3.5V3.5H-3.5Z";
const CIRCLE: &str = "M-4 0A4 4 0 1 1 4 0A4 4 0 1 1-4 0Z";

/// From this height on a bar has room for signs, in pixels.
pub(super) const ROOMY: f64 = 8.0;

/// Every outcome with what the legend says of it.
const OUTCOMES: [(Outcome, &str); 6] = [
    (Outcome::Sold, "sold"),
    (Outcome::SoldOut, "sold out"),
    (Outcome::Found, "found (a search)"),
    (Outcome::Done, "done (a hold, a refund, …)"),
    (Outcome::Refused, "refused: it did not happen"),
    (Outcome::Unknown, "no answer: it may have happened at any time after the call"),
];

/// Where the bar of an operation stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Which lane, from 0.
    pub(super) lane: usize,
    /// The middle of the lane, in pixels.
    pub(super) middle: f64,
    /// How thick the bar is, in pixels.
    pub(super) height: f64,
}

/// The bar of the operation at `at`, from its call to its answer.
pub(super) fn operation(
    view: &RunView<'_>,
    at: usize,
    scale: &TimeScale,
    place: Place,
    is_accused: bool,
) -> Element {
    readable(class(view.operation(at).outcome), is_accused, place.lane, &view.told(at))
        .children(shape(view.operation(at).outcome, across(view, at, scale), place))
}

/// The point where the order puts the operation at `at`: a diamond, or in a narrow lane a stroke;
/// `None` where it would leave nothing of the bar to see.
pub(super) fn order_point(
    view: &RunView<'_>,
    at: usize,
    scale: &TimeScale,
    Place { middle, height, .. }: Place,
) -> Option<Element> {
    let point = scale.at(view.point(at)?);
    let (left, right) = across(view, at, scale);
    if height >= ROOMY {
        return Some(order_sign((point, middle)));
    }
    let reach = height / 2.0 + 1.0;
    let stroke = || line((point, middle - reach), (point, middle + reach)).class("point");
    (right - left > 0.6).then(stroke)
}

/// The sign for the point where the order puts an operation.
pub(super) fn order_sign(place: (f64, f64)) -> Element {
    sign("point", place, DIAMOND)
}

/// From where to where a bar goes; one without an end goes to the right edge.
fn across(view: &RunView<'_>, at: usize, scale: &TimeScale) -> (f64, f64) {
    let (call, answer) = view.times(at);
    (scale.at(call), answer.map_or(100.0, |answer| scale.at(answer)))
}

/// A group that the reader can point at, with what it tells.
pub(super) fn readable(class: &str, is_accused: bool, lane: usize, told: &str) -> Element {
    let accused = if is_accused { " accused" } else { "" };
    element("g")
        .class(format_args!("op {class}{accused}"))
        .with("data-lane", lane)
        .child(element("title").text(told))
}

fn shape(outcome: Outcome, (left, right): (f64, f64), place: Place) -> Vec<Element> {
    let Place { middle, height, .. } = place;
    match outcome {
        Outcome::Sold | Outcome::SoldOut => vec![bar((left, right), middle, height)],
        Outcome::Found => vec![line((left, middle), (right, middle))],
        Outcome::Done => [-1.0, 1.0]
            .map(|side| {
                let y = middle + side * height / 3.0;
                line((left, y), (right, y))
            })
            .to_vec(),
        Outcome::Refused => {
            vec![line((left, middle), (right, middle)), sign("end", (right, middle), CROSS)]
        }
        Outcome::Unknown => {
            vec![line((left, middle), (right, middle)), sign("end", (right, middle), ARROW)]
        }
    }
}

fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Sold => "sold",
        Outcome::SoldOut => "sold-out",
        Outcome::Found => "found",
        Outcome::Done => "done",
        Outcome::Refused => "refused",
        Outcome::Unknown => "unknown",
    }
}

/// What the bars of these operations mean, of outcomes that are among them.
pub(super) fn legend<'a>(operations: impl Iterator<Item = &'a Operation>) -> Element {
    let mut is_there = [false; OUTCOMES.len()];
    for operation in operations {
        let known = OUTCOMES.iter().position(|(outcome, _)| *outcome == operation.outcome);
        known.into_iter().for_each(|known| is_there[known] = true);
    }
    let keys = OUTCOMES.iter().zip(is_there).filter(|(_, is_there)| *is_there);
    let keys = keys.map(|((outcome, text), _)| {
        let place = Place { lane: 0, middle: 7.0, height: 8.0 };
        let group = element("g").class(format_args!("op {}", class(*outcome))).children(shape(
            *outcome,
            (8.0, 82.0),
            place,
        ));
        key(group, text)
    });
    element("ul").class("legend").with("role", "list").children(keys)
}

/// One line of a legend.
pub(super) fn key(drawing: Element, text: &str) -> Element {
    let svg = element("svg").with("aria-hidden", "true").with("width", "34").with("height", "14");
    element("li").child(svg.child(drawing)).text(text)
}

/// The sign for the point where the order puts an operation, for a legend.
pub(super) fn order_key() -> Element {
    key(order_sign((45.0, 7.0)), "the earliest instant at which the order has it")
}

/// The read of a count: an open circle.
pub(super) fn read_sign(place: (f64, f64)) -> Element {
    sign("read", place, CIRCLE)
}

/// A write of the count: a square.
pub(super) fn write_sign(place: (f64, f64)) -> Element {
    sign("write", place, SQUARE)
}

/// A write over what another had written: a cross behind the end of the bar.
pub(super) fn overwriting_sign(place: (f64, f64), is_roomy: bool) -> Element {
    sign("overwrite", place, if is_roomy { CROSS_BEHIND } else { SMALL_CROSS_BEHIND })
}

/// The ring, for a legend.
pub(super) fn ring_key() -> Element {
    key(sign("ring", (50.0, 7.0), "M-6 0A6 6 0 1 1 6 0A6 6 0 1 1-6 0Z"), "the counterexample above")
}

/// The ring around what contradicts something.
pub(super) fn ring(place: (f64, f64)) -> Element {
    sign("ring", place, "M-8 0A8 8 0 1 1 8 0A8 8 0 1 1-8 0Z")
}

/// Text that stays inside the figure: it grows away from the nearer edge.
pub(super) fn note(class: &'static str, (x, y): (f64, f64), text: &str) -> Element {
    let anchor = if x > 50.0 { "end" } else { "start" };
    element("text")
        .class(class)
        .with("x", percent(x))
        .with("y", words::trimmed(y, 1))
        .with("text-anchor", anchor)
        .text(text)
}
