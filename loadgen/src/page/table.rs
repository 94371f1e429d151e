//! The same as a table, for those who do not see a figure and those who want its numbers.

use maud::{Markup, html};

use crate::words;

/// The most rows of one table.
const ROWS_MAX: usize = 200;

/// A table that says what a figure shows.
#[derive(Debug)]
pub(crate) struct Table {
    caption: String,
    head: &'static [&'static str],
    rows: Vec<Vec<String>>,
    rows_all: usize,
}

impl Table {
    /// A table of `rows`, as many as are read.
    pub(crate) fn new(
        caption: String,
        head: &'static [&'static str],
        rows: impl ExactSizeIterator<Item = Vec<String>>,
    ) -> Self {
        let rows_all = rows.len();
        Self { caption, head, rows: rows.take(ROWS_MAX).collect(), rows_all }
    }

    /// The table, folded away.
    pub(crate) fn draw(&self) -> Markup {
        let (shown, all) = (self.rows.len(), self.rows_all);
        html! {
            details {
                summary { "As a table" }
                div.table {
                    table {
                        caption {
                            (self.caption)
                            @if all > shown {
                                ", the first " (shown) " of " (words::grouped(all)) " rows"
                            }
                        }
                        thead { tr { @for name in self.head { th scope="col" { (name) } } } }
                        tbody {
                            @for row in &self.rows { tr { @for cell in row { td { (cell) } } } }
                        }
                    }
                }
            }
        }
    }
}
