//! Several rounds for people: what they come to together, by pattern, and one by one.

use comfy_table::{Attribute, Cell, CellAlignment};

use super::table::empty_table;
use crate::{
    report::{Rounds, percent},
    words::paragraph,
};

/// The rate at which a fault shows, by pattern, and what stands behind it in words.
pub(crate) fn rounds_table(rounds: &Rounds) -> String {
    let mut table = empty_table();
    let header = ["pattern", "rounds", "violation", "unknown", "rate"];
    table.set_header(header.map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    for one in rounds.patterns() {
        table.add_row(vec![
            Cell::new(one.pattern),
            right(one.rounds.to_string()),
            right(one.violations.to_string()),
            right(one.unknown.to_string()),
            right(percent(one.violation_rate)),
        ]);
    }
    format!("{table}\n\n{}\n", paragraph(&rounds.in_words()))
}
