//! What else is known: the facts that all runs share, and those in which they differ.

use maud::{Markup, html};

use super::run::RunView;
use crate::{page::prose, words::clipped};

/// The most facts that are told.
const FACTS_MAX: usize = 60;

/// The facts that all runs share, for the head of the page.
pub(super) fn shared(views: &[RunView<'_>]) -> Markup {
    let (shared, _) = names(views);
    let value = |name| views.first().and_then(|view| fact(view, name)).unwrap_or_default();
    html! {
        @if !shared.is_empty() {
            dl.facts {
                @for name in shared {
                    div { dt { (prose(&clipped(name))) } dd { (prose(&clipped(value(name)))) } }
                }
            }
        }
    }
}

/// The facts in which runs differ, side by side.
pub(super) fn compared(views: &[RunView<'_>]) -> Markup {
    let (_, differing) = names(views);
    let value = |view, name| prose(&clipped(fact(view, name).unwrap_or("–")));
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
                                    th scope="row" { (prose(&clipped(name))) }
                                    @for view in views { td { (value(view, name)) } }
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
fn names<'a>(views: &'a [RunView<'_>]) -> (Vec<&'a str>, Vec<&'a str>) {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in views.iter().flat_map(|view| &view.run.facts) {
        if !names.contains(&name.as_str()) && names.len() < FACTS_MAX {
            names.push(name);
        }
    }
    let is_shared =
        |name: &&str| views.windows(2).all(|pair| fact(&pair[0], name) == fact(&pair[1], name));
    names.into_iter().partition(is_shared)
}

fn fact<'a>(view: &'a RunView<'_>, name: &str) -> Option<&'a str> {
    let facts = view.run.facts.iter();
    facts.rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}
