//! One block of the page: a heading, what it means, and a column for each run.

use super::{
    figure::Figure,
    markup::{Element, element},
};
use crate::words;

/// The most rows of one table.
const ROWS_MAX: usize = 200;

/// One block of the page.
#[derive(Debug)]
pub(super) struct Block {
    /// The element's id.
    pub(super) id: &'static str,
    /// What it is called.
    pub(super) heading: &'static str,
    /// What it means for somebody who meets the subject for the first time.
    pub(super) lead: Vec<Element>,
    /// What it shows of each run.
    pub(super) columns: Vec<Element>,
    /// How many parts each column has, so that they stand at one height.
    pub(super) parts: usize,
}

impl Block {
    /// The block as a section.
    pub(super) fn draw(self) -> Element {
        let heading = format!("{}-heading", self.id);
        let mut columns = element("div")
            .class("runs")
            .with("data-runs", self.columns.len().min(4))
            .with("data-parts", self.parts);
        columns = columns.children(self.columns);
        let section = element("section")
            .with("id", self.id)
            .with("aria-labelledby", &heading)
            .child(element("h2").with("id", &heading).text(self.heading));
        let section = match self.lead.as_slice() {
            [] => section,
            _ => section.child(element("div").class("leads").children(self.lead)),
        };
        section.child(columns)
    }
}

/// A figure of one run with its label, what it shows in words, its legend, and the same as a table.
/// Always in four parts.
pub(super) fn column(
    label: &str,
    caption: &[String],
    (figure, legend): (Figure<'_>, Element),
    table: Table,
) -> Element {
    let words = element("figcaption")
        .child(element("h3").child(element("span").class("label").text(label)))
        .children(caption.iter().map(|text| element("p").prose(text)));
    element("figure").child(words).child(figure.draw()).child(legend).child(table.draw())
}

/// A column without a figure, and why.
pub(super) fn empty_column(label: &str, why: &str) -> Element {
    let words = element("figcaption")
        .child(element("h3").child(element("span").class("label").text(label)))
        .child(element("p").prose(why));
    element("figure").class("empty").child(words)
}

/// A table that says what a figure shows.
#[derive(Debug)]
pub(super) struct Table {
    /// What it is a table of.
    pub(super) caption: String,
    /// What the columns hold.
    pub(super) head: &'static [&'static str],
    /// The rows, the first few of them.
    pub(super) rows: Vec<Vec<String>>,
    /// How many rows there would be.
    pub(super) rows_all: usize,
}

impl Table {
    /// A table of `rows`, as many as are read.
    pub(super) fn new(
        caption: impl Into<String>,
        head: &'static [&'static str],
        rows: impl ExactSizeIterator<Item = Vec<String>>,
    ) -> Self {
        let rows_all = rows.len();
        Self { caption: caption.into(), head, rows: rows.take(ROWS_MAX).collect(), rows_all }
    }

    /// The table, folded away.
    pub(super) fn draw(self) -> Element {
        let mut caption = self.caption;
        if self.rows_all > self.rows.len() {
            caption.push_str(&format!(
                ", the first {} of {} rows",
                self.rows.len(),
                words::grouped(self.rows_all)
            ));
        }
        let head = self.head.iter().fold(element("tr"), |row, name| {
            row.child(element("th").with("scope", "col").text(name))
        });
        let rows = self.rows.iter().map(|row| {
            row.iter().fold(element("tr"), |line, cell| line.child(element("td").text(cell)))
        });
        let table = element("table")
            .child(element("caption").text(caption))
            .child(element("thead").child(head))
            .child(element("tbody").children(rows));
        element("details")
            .child(element("summary").text("As a table"))
            .child(element("div").class("table").child(table))
    }
}
