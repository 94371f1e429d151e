//! The frame that all figures stand in: lane names at the left, the picture, the axis below.
//!
//! Places across are percent, so that a picture fits every width and its text keeps its size; the
//! script zooms by making it wider than its frame. Places down are pixels.

use super::{
    markup::{Element, element},
    scale::{Tick, TimeScale},
};
use crate::words;

/// How many ticks a time axis has before the script knows how wide it is.
const TICKS: u32 = 5;
/// The least distance between two names at the left, in pixels.
const NAME_GAP: f64 = 20.0;

/// A picture with its axes.
#[derive(Debug)]
pub(super) struct Figure<'a> {
    /// The element's id, from which those of its parts are made.
    pub(super) id: String,
    /// What it shows, in a few words: its name for those who do not see it.
    pub(super) title: String,
    /// The same in a sentence or two.
    pub(super) description: String,
    /// The time across it.
    pub(super) scale: TimeScale,
    /// The run's share of the longest run's time.
    pub(super) share: f64,
    /// Figures of one group zoom together.
    pub(super) group: &'a str,
    /// Its height in pixels.
    pub(super) height: f64,
    /// What stands at the left.
    pub(super) names: Vec<Tick>,
    /// What is drawn.
    pub(super) marks: Vec<Element>,
}

impl Figure<'_> {
    /// The picture, and an empty line for what the reader points at.
    pub(super) fn draw(self) -> Element {
        let ticks = self.scale.ticks(TICKS);
        let (title_id, text_id) = (format!("{}-title", self.id), format!("{}-text", self.id));
        let picture = element("svg")
            .class("picture")
            .with("role", "img")
            .with("aria-labelledby", format!("{title_id} {text_id}"))
            .with("width", "100%")
            .with("height", number(self.height))
            .child(element("title").with("id", title_id).text(&self.title))
            .child(element("desc").with("id", text_id).text(&self.description))
            .child(
                element("g")
                    .class("grid")
                    .children(ticks.iter().map(|tick| vertical(tick.at, (0.0, self.height)))),
            )
            .children(self.marks);
        let axis = element("svg")
            .class("axis")
            .with("aria-hidden", "true")
            .with("width", "100%")
            .with("height", "24")
            .children(ticks.iter().map(|tick| {
                element("text").with("x", percent(tick.at)).with("y", "16").text(&tick.label)
            }));
        let canvas = element("div")
            .class("canvas")
            .child(names(&self.names, self.height))
            .child(picture)
            .child(element("div").class("corner"))
            .child(axis);
        let plot = element("div")
            .class("plot")
            .with("id", &self.id)
            .with("data-name", &self.title)
            .with("data-start", number(self.scale.start))
            .with("data-span", number(self.scale.span))
            .with("data-share", format!("{:.6}", self.share))
            .with("data-group", self.group)
            .child(canvas);
        element("div")
            .class("frame")
            .child(
                element("div")
                    .class("tools")
                    .child(element("p").class("reading").with("role", "status")),
            )
            .child(plot)
    }
}

/// The names at the left, as many as do not touch.
pub(super) fn names(names: &[Tick], height: f64) -> Element {
    let svg = element("svg")
        .class("names")
        .with("aria-hidden", "true")
        .with("width", "100%")
        .with("height", number(height));
    let mut last = f64::NEG_INFINITY;
    names
        .iter()
        .filter(|name| {
            let fits = (name.at - last).abs() >= NAME_GAP;
            if fits {
                last = name.at;
            }
            fits
        })
        .fold(svg, |svg, name| {
            let y = name.at.clamp(6.0, (height - 6.0).max(6.0));
            svg.child(element("text").with("x", "100%").with("y", number(y)).text(&name.label))
        })
}

/// A line down the figure.
pub(super) fn vertical(at: f64, (top, bottom): (f64, f64)) -> Element {
    line((at, top), (at, bottom))
}

/// A line between two places.
pub(super) fn line(from: (f64, f64), to: (f64, f64)) -> Element {
    element("line")
        .with("x1", percent(from.0))
        .with("x2", percent(to.0))
        .with("y1", number(from.1))
        .with("y2", number(to.1))
}

/// A bar from left to right, `height` pixels around its middle.
pub(super) fn bar((left, right): (f64, f64), middle: f64, height: f64) -> Element {
    element("rect")
        .with("x", percent(left))
        .with("width", percent((right - left).max(0.0)))
        .with("y", number(middle - height / 2.0))
        .with("height", number(height))
}

/// A sign of fixed size around a place; `path` is drawn from (0, 0).
pub(super) fn sign(class: &'static str, (x, y): (f64, f64), path: &'static str) -> Element {
    element("svg")
        .class(class)
        .with("x", percent(x))
        .with("y", number(y))
        .with("overflow", "visible")
        .child(element("path").with("d", path))
}

/// A place across.
pub(super) fn percent(place: f64) -> String {
    format!("{}%", plain(place, 4))
}

/// A place down, or a size.
pub(super) fn number(pixels: f64) -> String {
    plain(pixels, 2)
}

fn plain(value: f64, decimals: usize) -> String {
    words::trimmed(value, decimals).replace('−', "-")
}
