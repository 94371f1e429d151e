//! Several products for people: a verdict each.

use comfy_table::{Attribute, Cell, CellAlignment};

use super::table::empty_table;
use crate::{report::ProductSummary, words::harmless};

/// What was sold of each product, and whether that can be right.
pub(crate) fn products_table(products: &[ProductSummary]) -> String {
    let mut table = empty_table();
    let header = ["product", "sold", "sold out", "left", "verdict"];
    table.set_header(header.map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    let known = |number: Option<i64>| number.map_or("?".to_owned(), |number| number.to_string());
    for one in products {
        let mut verdict =
            one.verdict.map_or("not judged".to_owned(), |verdict| verdict.to_string());
        if one.rounds > 1 && one.rounds_with_violation > 0 {
            verdict.push_str(&format!(" in {} of {}", one.rounds_with_violation, one.rounds));
        }
        table.add_row(vec![
            Cell::new(harmless(&one.product)),
            right(one.outcomes.sold.to_string()),
            right(one.outcomes.sold_out.to_string()),
            right(format!("{} of {}", known(one.left), known(one.initial))),
            Cell::new(match one.violations.first() {
                Some(fault) => format!("{verdict}: {}", harmless(&fault.message)),
                None => verdict,
            }),
        ]);
    }
    format!("{table}\n")
}
