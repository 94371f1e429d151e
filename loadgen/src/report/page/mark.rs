//! An operation as a bar: its outcome by colour and by shape, so that either alone is enough.

use maud::{Markup, html};

use super::{lanes::Place, run::RunView};
use crate::{
    history::{Operation, Outcome},
    page::{TimeScale, bar, key, line, sign},
};

const CROSS: &str = "M-3.5-3.5L3.5 3.5M-3.5 3.5L3.5-3.5";
const CROSS_BEHIND: &str = "M3-3.5L10 3.5M3 3.5L10-3.5";
const SMALL_CROSS_BEHIND: &str = "M2.5-2L6.5 2M2.5 2L6.5-2";
const ARROW: &str = "M-7-4L0 0L-7 4";
const DIAMOND: &str = "M0-4.5L4.5 0L0 4.5L-4.5 0Z";
const SQUARE: &str = "M-3.5-3.5H3.5V3.5H-3.5Z";
const CIRCLE: &str = "M-4 0A4 4 0 1 1 4 0A4 4 0 1 1-4 0Z";
const RING: &str = "M-8 0A8 8 0 1 1 8 0A8 8 0 1 1-8 0Z";
const SMALL_RING: &str = "M-6 0A6 6 0 1 1 6 0A6 6 0 1 1-6 0Z";

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
        return Some(order_sign((point, middle)));
    }
    let reach = height / 2.0 + 1.0;
    let stroke = || line("point", (point, middle - reach), (point, middle + reach));
    (right - left > 0.6).then(stroke)
}

/// The sign for the point where the order puts an operation.
pub(super) fn order_sign(place: (f64, f64)) -> Markup {
    sign("point", place, DIAMOND)
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
            Outcome::Refused => { (stroke(middle)) (sign("end", (right, middle), CROSS)) }
            Outcome::Unknown => { (stroke(middle)) (sign("end", (right, middle), ARROW)) }
        }
    }
}

/// What the bars of these operations mean, of outcomes that are among them.
pub(super) fn keys<'a>(operations: impl Iterator<Item = &'a Operation>) -> Markup {
    let mut is_there = [false; OUTCOMES.len()];
    for operation in operations {
        let known = OUTCOMES.iter().position(|(outcome, ..)| *outcome == operation.outcome);
        known.into_iter().for_each(|known| is_there[known] = true);
    }
    let keys = OUTCOMES.iter().zip(is_there).filter(|(_, is_there)| *is_there);
    let place = Place { lane: 0, middle: 7.0, height: 8.0 };
    let drawn = |outcome, class| html! { g class={ "op " (class) } { (shape(outcome, (8.0, 82.0), place)) } };
    html! { @for ((outcome, class, text), _) in keys { (key(&drawn(*outcome, class), text)) } }
}

/// The sign for the point where the order puts an operation, for a legend.
pub(super) fn order_key() -> Markup {
    key(&order_sign((45.0, 7.0)), "the earliest instant at which the order has it")
}

/// The read of a count: an open circle.
pub(super) fn read_sign(place: (f64, f64)) -> Markup {
    sign("read", place, CIRCLE)
}

/// A write of the count: a square.
pub(super) fn write_sign(place: (f64, f64)) -> Markup {
    sign("write", place, SQUARE)
}

/// A write over what another had written: a cross behind the end of the bar.
pub(super) fn overwriting_sign(place: (f64, f64), is_roomy: bool) -> Markup {
    sign("overwrite", place, if is_roomy { CROSS_BEHIND } else { SMALL_CROSS_BEHIND })
}

/// The ring around what contradicts something.
pub(super) fn ring(place: (f64, f64)) -> Markup {
    sign("ring", place, RING)
}

/// The ring, for a legend.
pub(super) fn ring_key() -> Markup {
    key(&sign("ring", (50.0, 7.0), SMALL_RING), "the counterexample above")
}
