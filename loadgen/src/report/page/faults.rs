//! What was done to the shop meanwhile: a band across the figures for each time, and all of it as a table.

use maud::{Markup, html};

use super::{block::block, run::RunView};
use crate::{
    page::{Table, bar, key},
    words::{self, counted},
};

const HEAD: [&str; 3] = ["At", "For", "What was done"];

/// The faults of all runs as tables, where there were any.
pub(super) fn faults(views: &[RunView<'_>]) -> Markup {
    if views.iter().all(|view| view.run.shades.is_empty()) {
        return html! {};
    }
    let lead = "Each is a band in the figures above. Whoever got no answer meanwhile tried again, \
                under the same key.";
    let columns: Vec<Markup> = views.iter().map(column).collect();
    block(("faults", "What was done to the shop"), &[lead], &columns)
}

fn column(view: &RunView<'_>) -> Markup {
    let shades = &view.run.shades;
    let many = counted(shades.len(), ("fault", "faults"));
    let rows = shades.iter().map(|shade| {
        let at = words::time(view.time(shade.from_ns));
        vec![at, words::time_ns(shade.to_ns.saturating_sub(shade.from_ns)), shade.text.clone()]
    });
    let table = Table::new(format!("What was done during {}", view.label), &HEAD, rows);
    html! {
        figure.empty {
            figcaption { h3 { span.label { (view.label) } } p { (many) "." } }
            (table.draw())
        }
    }
}

/// The bands behind the marks of a figure of `view` that is `height` pixels high.
pub(super) fn bands(view: &RunView<'_>, height: f64) -> Markup {
    let at = |ns| view.scale.at(view.time(ns));
    html! {
        @for shade in &view.run.shades {
            g.shade {
                title { (shade.text) }
                (bar("", (at(shade.from_ns), at(shade.to_ns)), height / 2.0, height))
            }
        }
    }
}

/// What the legend says of them, where there are any.
pub(super) fn band_key(view: &RunView<'_>) -> Markup {
    let band = html! { g.shade { (bar("", (8.0, 92.0), 7.0, 14.0)) } };
    html! { @if !view.run.shades.is_empty() { (key(&band, "something was done to the shop")) } }
}
