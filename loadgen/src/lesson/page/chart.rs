//! The timeline of a scene as a drawing (SVG).

use super::document::escaped;
use crate::lesson::{
    event::{Bar, Doing, Scene},
    timeline,
};

/// The width of the drawing, of its names, and the height of a lane, in pixels.
const WIDTH: f64 = 520.0;
const NAMES: f64 = 80.0;
const LANE: f64 = 18.0;

/// The timeline of `scene`, on a scale of `length_ns`; empty where nothing took a while.
pub(super) fn chart(scene: &Scene, length_ns: u64) -> String {
    let (lanes, hidden) = timeline::lanes(scene);
    if lanes.is_empty() {
        return String::new();
    }
    let height = LANE * (lanes.len() as f64 + 1.0);
    let title = escaped(&scene.title);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Timeline: {title}\">\n"
    );
    for (place, lane) in lanes.iter().enumerate() {
        let top = LANE * place as f64;
        let who = escaped(lane.who);
        svg.push_str(&format!("<text x=\"0\" y=\"{:.1}\">{who}</text>\n", top + LANE * 0.7));
        let (waits, works): (Vec<&Bar>, Vec<&Bar>) =
            lane.bars.iter().partition(|bar| bar.doing == Doing::Waits);
        for bar in waits.into_iter().chain(works) {
            let (from, to) = (x(scene, bar.from_ns, length_ns), x(scene, bar.to_ns, length_ns));
            let class = match bar.doing {
                Doing::Works => "works",
                Doing::Waits => "waits",
                Doing::Killed => "killed",
            };
            svg.push_str(&format!(
                "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" \
                 height=\"{:.1}\"/>\n",
                top + LANE * 0.15,
                (to - from).max(1.5),
                LANE * 0.7
            ));
        }
    }
    svg.push_str(&axis(height, length_ns));
    svg.push_str("</svg>\n");
    if hidden > 0 {
        svg.push_str(&format!(
            "<p class=\"quiet\">{hidden} more between the first and the last.</p>"
        ));
    }
    svg
}

fn axis(height: f64, length_ns: u64) -> String {
    let base = height - LANE * 0.25;
    format!(
        "<text class=\"quiet\" x=\"{NAMES}\" y=\"{base:.1}\">0 s</text>\
         <text class=\"quiet end\" x=\"{WIDTH}\" y=\"{base:.1}\">{:.2} s</text>\n",
        length_ns as f64 / 1e9
    )
}

fn x(scene: &Scene, at_ns: u64, length_ns: u64) -> f64 {
    let share = at_ns.saturating_sub(scene.began_ns) as f64 / length_ns.max(1) as f64;
    NAMES + (WIDTH - NAMES) * share.min(1.0)
}
