//! One block of the page: a heading, what it means, and a column for each run.

use maud::{Markup, html};

use crate::page::{Figure, Table, legend, prose};

/// The block `id` with leads for somebody who meets the subject for the first time.
pub(super) fn block((id, heading): (&str, &str), leads: &[&str], columns: &[Markup]) -> Markup {
    html! {
        section id=(id) aria-labelledby={ (id) "-heading" } {
            h2 id={ (id) "-heading" } { (heading) }
            @if !leads.is_empty() {
                div.leads { @for lead in leads { p.lead { (lead) } } }
            }
            div.runs data-runs=(columns.len().min(4)) {
                @for column in columns { (column) }
            }
        }
    }
}

/// A figure of one run with its label, what it shows in words, its legend, and the same as a table.
pub(super) fn column(
    label: &str,
    caption: &[String],
    figure: &Figure,
    keys: &Markup,
    table: &Table,
) -> Markup {
    html! {
        figure {
            figcaption {
                h3 { span.label { (label) } }
                @for text in caption { p { (prose(text)) } }
            }
            (figure.draw())
            (legend(keys))
            (table.draw())
        }
    }
}

/// A column without a figure, and why.
pub(super) fn empty_column(label: &str, why: &str) -> Markup {
    html! { figure.empty { figcaption { h3 { span.label { (label) } } p { (why) } } } }
}
