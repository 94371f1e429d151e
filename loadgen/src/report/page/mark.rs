//! An operation as a bar: its outcome by colour and by shape, so that either alone is enough.

use maud::{Markup, html};

use super::{lanes::Place, run::RunView};
use crate::{
    history::{Operation, Outcome},
    page::{Sign, TimeScale, bar, key, line, sign},
};

/// The end of what did not happen, and of what nobody answered.
const REFUSED: Sign = ("end", "M-3.5-3.5L3.5 3.5M-3.5 3.5L3.5-3.5");
const OPEN: Sign = ("end", "M-7-4L0 0L-7 4");

/// Where the order puts an operation.
pub(super) const ORDER: Sign = ("point", "M0-4.5L4.5 0L0 4.5L-4.5 0Z");
/// The read of a count, the write of it, and a write over what another had written: behind the end
/// of the bar, smaller where there is little room.
pub(super) const READ: Sign = ("read", "M-4 0A4 4 0 1 1 4 0A4 4 0 1 1-4 0Z");
pub(super) const WRITE: Sign = ("write", "M-3.5-3.5H3.5V3.5H-3.5Z");
pub(super) const OVERWRITE: Sign = ("overwrite", "M3-3.5L10 3.5M3 3.5L10-3.5");
pub(super) const OVERWRITE_SMALL: Sign = ("overwrite", "M2.5-2L6.5 2M2.5 2L6.5-2");
/// The ring around what contradicts something, and its like in a legend.
pub(super) const RING: Sign = ("ring", "M-8 0A8 8 0 1 1 8 0A8 8 0 1 1-8 0Z");
pub(super) const RING_SMALL: Sign = ("ring", "M-6 0A6 6 0 1 1 6 0A6 6 0 1 1-6 0Z");

/// From this height on a bar has room for signs, in pixels.
pub(super) const ROOMY: f64 = 8.0;

/// Every outcome with its class and with what the legend says of it.
const OUTCOMES: [(Outcome, &str, &str); 6] = [
    (Outcome::Sold, "sold", "sold"),
    (Outcome::SoldOut, "sold-out", "sold out"),
    (Outcome::Found, "found", "found (a search)"),
    (Outcome::Done, "done", "done (a hold, a refund, …)"),
    (Outcome::Refused, "refused", "refused: it did not happen"),
    (Outcome::Unknown, "unknown", "no answer: it may have happened at any time after the call"),
];

/// The bar of the operation at `at`, from its call to its answer, with its point in the order.
pub(super) fn operation(
    view: &RunView<'_>,
    at: usize,
    scale: &TimeScale,
    place: Place,
    is_accused: bool,
    point: &Markup,
) -> Markup {
    let outcome = view.operation(at).outcome;
    let known = OUTCOMES.iter().find(|(known, ..)| *known == outcome);
    let class = known.map_or("", |(_, class, _)| class);
    let drawn = html! { (shape(outcome, across(view, at, scale), place)) (point) };
    readable(class, is_accused, place.lane, &view.told(at), &drawn)
}

/// The point where the order puts the operation at `at`: a diamond, or in a narrow lane a stroke;
/// `None` where it would leave nothing of the bar to see.
pub(super) fn order_point(
    view: &RunView<'_>,
    at: usize,
    scale: &TimeScale,
    Place { middle, height, .. }: Place,
) -> Option<Markup> {
    let point = scale.at(view.point(at)?);
    let (left, right) = across(view, at, scale);
    if height >= ROOMY {
        return Some(sign(ORDER, (point, middle)));
    }
    let reach = height / 2.0 + 1.0;
    let stroke = || line("point", (point, middle - reach), (point, middle + reach));
    (right - left > 0.6).then(stroke)
}

/// From where to where a bar goes; one without an end goes to the right edge.
fn across(view: &RunView<'_>, at: usize, scale: &TimeScale) -> (f64, f64) {
    let (call, answer) = view.times(at);
    (scale.at(call), answer.map_or(100.0, |answer| scale.at(answer)))
}

/// Something that the reader can point at, with what it tells.
pub(super) fn readable(
    class: &str,
    is_accused: bool,
    lane: usize,
    told: &str,
    drawn: &Markup,
) -> Markup {
    let accused = if is_accused { " accused" } else { "" };
    html! { g class={ "op " (class) (accused) } data-lane=(lane) { title { (told) } (drawn) } }
}

fn shape(outcome: Outcome, (left, right): (f64, f64), place: Place) -> Markup {
    let Place { middle, height, .. } = place;
    let stroke = |y: f64| line("", (left, y), (right, y));
    html! {
        @match outcome {
            Outcome::Sold | Outcome::SoldOut => (bar("", (left, right), middle, height))
            Outcome::Found => (stroke(middle))
            Outcome::Done => { (stroke(middle - height / 3.0)) (stroke(middle + height / 3.0)) }
            Outcome::Refused => { (stroke(middle)) (sign(REFUSED, (right, middle))) }
            Outcome::Unknown => { (stroke(middle)) (sign(OPEN, (right, middle))) }
        }
    }
}

/// What the bars of these operations mean, of outcomes that are among them.
pub(super) fn keys<'a>(operations: &(impl Iterator<Item = &'a Operation> + Clone)) -> Markup {
    let is_there = |outcome| operations.clone().any(|operation| operation.outcome == outcome);
    let place = Place { lane: 0, middle: 7.0, height: 8.0 };
    let bar = |outcome, class| {
        html! { g class={ "op " (class) } { (shape(outcome, (8.0, 82.0), place)) } }
    };
    html! {
        @for (outcome, class, text) in OUTCOMES {
            @if is_there(outcome) { (key(&bar(outcome, class), text)) }
        }
    }
}

/// The sign for the point where the order puts an operation, for a legend.
pub(super) fn order_key() -> Markup {
    key(&sign(ORDER, (45.0, 7.0)), "the earliest instant at which the order has it")
}
