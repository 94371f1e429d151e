//! The frame that all figures stand in: names at the left, the picture, the axis below.
//!
//! Places across are percent, so that a picture fits every width and its text keeps its size; a
//! script zooms by making it wider than its frame. Places down are pixels.

use maud::{Markup, html};

use super::scale::{Tick, TimeScale};
use crate::words;

/// The least distance between two names at the left, in pixels.
const NAME_GAP: f64 = 20.0;

/// How many units wide a picture is whose marks have coordinates of their own.
pub(crate) const UNITS: f64 = 10_000.0;

/// A picture with its axes.
#[derive(Debug)]
pub(crate) struct Figure {
    /// The element's id, from which those of its parts are made.
    pub(crate) id: String,
    /// What it shows, in a few words: its name for those who do not see it.
    pub(crate) title: String,
    /// The same in a sentence or two.
    pub(crate) description: String,
    /// What stands at the left.
    pub(crate) names: Vec<Tick>,
    /// What stands below.
    pub(crate) axis: Vec<Tick>,
    /// Its height in pixels.
    pub(crate) height: f64,
    /// What is drawn.
    pub(crate) marks: Markup,
    /// How the script zooms it, where it does.
    pub(crate) zoom: Option<Zoom>,
}

/// What a script must know of a figure to zoom it.
#[derive(Debug)]
pub(crate) struct Zoom {
    /// The time across it.
    pub(crate) scale: TimeScale,
    /// The run's share of the longest run's time.
    pub(crate) share: f64,
    /// Figures of one group zoom together.
    pub(crate) group: String,
}

impl Figure {
    /// The picture, and where it is zoomed an empty line for what the reader points at.
    pub(crate) fn draw(&self) -> Markup {
        html! {
            div.frame {
                @match &self.zoom {
                    Some(zoom) => {
                        div.tools { p.reading role="status" {} }
                        div.plot id=(self.id) data-name=(self.title) data-group=(zoom.group)
                            data-start=(number(zoom.scale.start)) data-span=(number(zoom.scale.span))
                            data-share=(format_args!("{:.6}", zoom.share)) { (self.canvas()) }
                    }
                    None => div.still { (self.canvas()) }
                }
            }
        }
    }

    fn canvas(&self) -> Markup {
        let (title, text) = (format!("{}-title", self.id), format!("{}-text", self.id));
        html! {
            div.canvas {
                (names(&self.names, self.height))
                svg.picture role="img" aria-labelledby={ (title) " " (text) }
                    width="100%" height=(number(self.height)) {
                    title id=(title) { (self.title) }
                    desc id=(text) { (self.description) }
                    g.grid {
                        @for tick in &self.axis { (line("", (tick.at, 0.0), (tick.at, self.height))) }
                    }
                    (self.marks)
                }
                div.corner {}
                svg.axis aria-hidden="true" width="100%" height="24" {
                    @for Tick { at, label } in &self.axis {
                        text.first[*at < 1.0].last[*at > 97.0] x=(percent(*at)) y="16" { (label) }
                    }
                }
            }
        }
    }
}

/// The names at the left, as many as do not touch.
fn names(names: &[Tick], height: f64) -> Markup {
    let mut last = f64::NEG_INFINITY;
    let mut fits = |name: &&Tick| {
        let fits = (name.at - last).abs() >= NAME_GAP;
        last = if fits { name.at } else { last };
        fits
    };
    html! {
        svg.names aria-hidden="true" width="100%" height=(number(height)) {
            @for name in names.iter().filter(|name| fits(name)) {
                @let y = name.at.clamp(6.0, (height - 6.0).max(6.0));
                text x="100%" y=(number(y)) { (name.label) }
            }
        }
    }
}

/// A line between two places.
pub(crate) fn line(class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) -> Markup {
    let class = (!class.is_empty()).then_some(class);
    html! {
        line class=[class] x1=(percent(x1)) x2=(percent(x2)) y1=(number(y1)) y2=(number(y2)) {}
    }
}

/// A bar from left to right, `height` pixels around its middle.
pub(crate) fn bar(class: &str, (left, right): (f64, f64), middle: f64, height: f64) -> Markup {
    let class = (!class.is_empty()).then_some(class);
    html! {
        rect class=[class] x=(percent(left)) width=(percent((right - left).max(0.0)))
            y=(number(middle - height / 2.0)) height=(number(height)) {}
    }
}

/// A sign of fixed size: its class, and its path from the place where it stands.
pub(crate) type Sign = (&'static str, &'static str);

/// A sign at a place.
pub(crate) fn sign((class, path): Sign, (x, y): (f64, f64)) -> Markup {
    html! {
        svg class=(class) x=(percent(x)) y=(number(y)) overflow="visible" { path d=(path) {} }
    }
}

/// Text that stays inside the figure: it grows away from the nearer edge.
pub(crate) fn note(class: &str, (x, y): (f64, f64), text: &str) -> Markup {
    let anchor = if x > 50.0 { "end" } else { "start" };
    html! { text class=(class) x=(percent(x)) y=(number(y)) text-anchor=(anchor) { (text) } }
}

/// Paths, each with its class, that fill a figure: [`UNITS`] wide, and as high as it is in pixels.
pub(crate) fn stretched(height: f64, paths: &[(&str, String)]) -> Markup {
    html! {
        svg width="100%" height=(number(height)) viewBox={ "0 0 " (UNITS) " " (height) }
            preserveAspectRatio="none" {
            @for (class, drawn) in paths {
                path class=(class) d=(drawn) vector-effect="non-scaling-stroke" {}
            }
        }
    }
}

/// What the marks of a figure mean.
pub(crate) fn legend(keys: &Markup) -> Markup {
    html! { ul.legend role="list" { (keys) } }
}

/// One line of a legend.
pub(crate) fn key(drawing: &Markup, text: &str) -> Markup {
    html! { li { svg aria-hidden="true" width="34" height="14" { (drawing) } (text) } }
}

/// A place across.
pub(crate) fn percent(place: f64) -> String {
    format!("{}%", plain(place, 4))
}

/// A place down, or a size.
pub(crate) fn number(pixels: f64) -> String {
    plain(pixels, 2)
}

fn plain(value: f64, decimals: usize) -> String {
    words::trimmed(value, decimals).replace('−', "-")
}
