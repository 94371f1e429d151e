//! The result as a table for a terminal of 80 columns, a column for each run.

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ContentArrangement, ContentLineStyle, Table, TableStyle,
    presets::UTF8_FULL_CONDENSED,
};

use crate::{
    judge::Verdict,
    report::{Held, JudgedRun},
    waits::LockCost,
    words::time,
};

const STYLE: TableStyle = UTF8_FULL_CONDENSED
    .with_rounded_corners()
    .header_lines(ContentLineStyle::new('│', '│', '│'))
    .content_lines(ContentLineStyle::new('│', '│', '│'));

/// The table, with colours in it: whoever prints it takes them out where they do not belong.
pub(crate) fn race_table(runs: &[JudgedRun]) -> String {
    let mut table = empty_table();
    let locking = |run: &JudgedRun| {
        let color = if run.is_safe { Color::Reset } else { Color::Red };
        Cell::new(run.summary.locking).add_attribute(Attribute::Bold).fg(color)
    };
    table.set_header(row("locking", runs, locking));
    table.add_row(row("answers \"sold\"", runs, |run| {
        alarming(run.summary.counts.sold, run.summary.counts.sold > run.summary.tickets)
    }));
    table.add_row(row("answers \"sold out\"", runs, |run| Cell::new(run.summary.counts.sold_out)));
    if runs.iter().any(|run| run.summary.holds.is_some()) {
        let holds = |of: fn(&Held) -> u64| {
            move |run: &JudgedRun| Cell::new(run.summary.holds.as_ref().map_or(0, of))
        };
        table.add_row(row("holds", runs, holds(|held| held.holds)));
        table.add_row(row("lapsed", runs, holds(|held| held.lapsed)));
        table.add_row(row("still held", runs, still_held));
    }
    if runs.iter().any(|run| run.summary.counts.errors > 0) {
        table.add_row(row("errors", runs, |run| fault(run.summary.counts.errors)));
    }
    if runs.iter().any(|run| run.summary.counts.unknown > 0) {
        table.add_row(row("outcome unknown", runs, |run| fault(run.summary.counts.unknown)));
    }
    table.add_row(row("left in db.txt", runs, left));
    table.add_row(row("oversold", runs, |run| fault(run.summary.counts.oversold)));
    table.add_row(row("lost updates", runs, |run| {
        fault(run.summary.counts.shown_lost_updates(run.summary.left))
    }));
    table
        .add_row(row("duplicate tickets", runs, |run| fault(run.summary.counts.duplicate_tickets)));
    table.add_row(row("time", runs, |run| Cell::new(format!("{:.2} s", run.summary.elapsed_s))));
    let costs = |tell: fn(&LockCost) -> String| {
        move |run: &JudgedRun| Cell::new(run.summary.cost.as_ref().map_or("?".to_owned(), tell))
    };
    table.add_row(row("median wait", runs, costs(|cost| time(cost.waited_us.p50 * 1e3))));
    table.add_row(row("longest wait", runs, costs(|cost| time(cost.waited_us.max * 1e3))));
    table.add_row(row(
        "answers a second",
        runs,
        costs(|cost| format!("{:.0}", cost.purchases_rps)),
    ));
    table.add_row(row(
        "out of turn",
        runs,
        costs(|cost| format!("{:.0} %", cost.out_of_turn * 100.0)),
    ));
    table.add_row(row("fairness (Jain)", runs, costs(|cost| format!("{:.2}", cost.fairness))));
    table.add_row(row("verdict", runs, verdict));
    table.to_string()
}

/// A table without rows, as wide as what it holds.
pub(crate) fn empty_table() -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Disabled).enforce_styling();
    table
}

fn row(label: &str, runs: &[JudgedRun], cell: impl Fn(&JudgedRun) -> Cell) -> Vec<Cell> {
    let mut cells = vec![Cell::new(label)];
    cells.extend(runs.iter().map(|run| cell(run).set_alignment(CellAlignment::Right)));
    cells
}

/// A number that should be 0.
fn fault(number: u64) -> Cell {
    alarming(number, number > 0)
}

fn alarming(number: impl ToString, is_alarming: bool) -> Cell {
    let cell = Cell::new(number);
    if is_alarming { cell.fg(Color::Red) } else { cell }
}

fn still_held(run: &JudgedRun) -> Cell {
    match run.summary.holds.and_then(|holds| holds.held) {
        Some(held) => fault(held),
        None => Cell::new("?").fg(Color::Yellow),
    }
}

fn left(run: &JudgedRun) -> Cell {
    match run.summary.left {
        Some(left) => alarming(left, run.summary.counts.lost_updates > 0),
        None => Cell::new("?").fg(Color::Yellow),
    }
}

fn verdict(run: &JudgedRun) -> Cell {
    let color = match run.summary.verdict {
        Verdict::Valid => Color::Green,
        Verdict::Unknown => Color::Yellow,
        Verdict::Violation => Color::Red,
    };
    Cell::new(run.summary.verdict).add_attribute(Attribute::Bold).fg(color)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::harmless_but_colours;

    #[test]
    fn colours_of_tables_are_no_controls_of_somebody_else() {
        let mut table = empty_table();
        for color in [Color::Red, Color::Green, Color::Yellow, Color::Reset] {
            table.add_row(vec![Cell::new("sold").add_attribute(Attribute::Bold).fg(color)]);
        }
        let text = table.to_string();
        assert!(text.contains('\u{1b}'));
        assert_eq!(harmless_but_colours(&text), text);
    }
}
