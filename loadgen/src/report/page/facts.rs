//! What else is known: the facts that all runs share, and those in which they differ.

use super::{
    markup::{Element, element},
    run::RunView,
};
use crate::words::{self, clipped};

/// The most facts that are told.
const FACTS_MAX: usize = 60;

/// The facts that all runs share, for the head of the page.
pub(super) fn shared(views: &[RunView<'_>]) -> Option<Element> {
    let list = element("dl").class("facts");
    let names = names(views);
    let mut is_empty = true;
    let list = names.iter().filter(|name| is_shared(views, name)).fold(list, |list, name| {
        is_empty = false;
        let value = views.first().and_then(|view| fact(view, name)).unwrap_or_default();
        list.child(
            element("div")
                .child(element("dt").prose(&clipped(name)))
                .child(element("dd").prose(&clipped(value))),
        )
    });
    (!is_empty).then_some(list)
}

/// The facts in which runs differ, side by side.
pub(super) fn compared(views: &[RunView<'_>]) -> Option<Element> {
    let names: Vec<&str> =
        names(views).into_iter().filter(|name| !is_shared(views, name)).collect();
    if names.is_empty() {
        return None;
    }
    let head = views.iter().fold(element("tr").child(element("td")), |row, view| {
        row.child(element("th").with("scope", "col").text(&view.label))
    });
    let rows = names.iter().map(|name| {
        let row = element("tr").child(element("th").with("scope", "row").prose(&clipped(name)));
        views.iter().fold(row, |row, view| {
            row.child(element("td").prose(&clipped(fact(view, name).unwrap_or("–"))))
        })
    });
    let table = element("table")
        .child(element("caption").class("heard-only").text("The runs in numbers, side by side"))
        .child(element("thead").child(head))
        .child(element("tbody").children(rows));
    Some(
        element("section")
            .with("id", "facts")
            .with("aria-labelledby", "facts-heading")
            .child(element("h2").with("id", "facts-heading").text("Side by side"))
            .child(element("div").class("table").child(table)),
    )
}

/// The names of all facts, each once, in the order in which the runs tell them.
fn names<'a>(views: &'a [RunView<'_>]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in views.iter().flat_map(|view| &view.run.facts) {
        if !names.contains(&name.as_str()) && names.len() < FACTS_MAX {
            names.push(name);
        }
    }
    names
}

fn fact<'a>(view: &'a RunView<'_>, name: &str) -> Option<&'a str> {
    let facts = view.run.facts.iter();
    facts.rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn is_shared(views: &[RunView<'_>], name: &str) -> bool {
    let mut values = views.iter().map(|view| fact(view, name));
    let first = values.next().flatten();
    values.all(|value| value == first)
}

/// What is said where there are more runs than the page has room for.
pub(super) fn runs_left_out(drawn: usize, all: usize) -> Option<Element> {
    let text = format!("Drawn are the first {drawn} of {} runs.", words::grouped(all));
    (drawn < all).then(|| element("p").class("lead").text(text))
}
