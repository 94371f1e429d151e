//! What else is known: the facts that all runs share, and those in which they differ.

use maud::{Markup, html};

use super::run::RunView;
use crate::{page::prose, words::clipped};

/// The facts that all runs share, for the head of the page.
pub(super) fn shared(views: &[RunView<'_>]) -> Markup {
    let (shared, _) = names(views);
    html! {
        @if let Some(view) = views.first().filter(|_| !shared.is_empty()) {
            dl.facts {
                @for name in shared { div { dt { (name) } dd { (prose(&fact(view, name))) } } }
            }
        }
    }
}

/// The facts in which runs differ, side by side.
pub(super) fn compared(views: &[RunView<'_>]) -> Markup {
    let (_, differing) = names(views);
    html! {
        @if !differing.is_empty() {
            section id="facts" aria-labelledby="facts-heading" {
                h2 id="facts-heading" { "Side by side" }
                div.table {
                    table {
                        caption.heard-only { "The runs in numbers, side by side" }
                        thead {
                            tr { td {} @for view in views { th scope="col" { (view.label) } } }
                        }
                        tbody {
                            @for name in differing {
                                tr {
                                    th scope="row" { (name) }
                                    @for view in views { td { (prose(&fact(view, name))) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The names of the facts that all runs share, and of all others, in the order in which the runs
/// tell them.
fn names(views: &[RunView<'_>]) -> (Vec<&'static str>, Vec<&'static str>) {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in views.iter().flat_map(|view| &view.run.facts) {
        if !names.contains(name) {
            names.push(name);
        }
    }
    let is_shared =
        |name: &&str| views.windows(2).all(|pair| fact(&pair[0], name) == fact(&pair[1], name));
    names.into_iter().partition(is_shared)
}

/// All that `name` is told as, such as several notes; a dash where it is not told.
fn fact(view: &RunView<'_>, name: &str) -> String {
    let told = view.run.facts.iter().filter(|(known, _)| *known == name);
    let told: Vec<&str> = told.map(|(_, value)| value.as_str()).collect();
    if told.is_empty() { "–".to_owned() } else { clipped(&told.join("; ")) }
}
