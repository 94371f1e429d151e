//! Operations for people: one a line, with times from the first call on.

use super::judged::OperationView;
use crate::history::{Operation, OperationKind, Outcome, Ticket, Tickets};

/// How many operations of one counterexample are listed.
const LISTED_MAX: usize = 20;

/// The operations one a line, in columns; times run from `start_ns`.
pub(crate) fn operation_lines(operations: &[OperationView<'_>], start_ns: u64) -> Vec<String> {
    let mut listed: Vec<&OperationView<'_>> = operations.iter().collect();
    listed.sort_by_key(|view| view.operation.call_ns);
    listed.truncate(LISTED_MAX);
    let since = |time_ns: u64| time_ns.saturating_sub(start_ns);
    let last_ns =
        listed.iter().map(|view| view.operation.return_ns.unwrap_or(view.operation.call_ns));
    let unit = Unit::for_times_up_to(last_ns.map(since).max().unwrap_or(0));
    let rows: Vec<[String; 5]> = listed
        .iter()
        .map(|view| {
            let operation = view.operation;
            let place = match (view.file, view.line) {
                (Some(file), Some(line)) => format!("{file}:{line}"),
                _ => String::new(),
            };
            let end =
                operation.return_ns.map_or_else(|| "…".to_owned(), |ns| unit.write(since(ns)));
            let times = format!("{} to {end} {}", unit.write(since(operation.call_ns)), unit.name);
            [
                place,
                format!("worker {}", operation.process),
                asked(operation),
                times,
                said(operation),
            ]
        })
        .collect();
    let mut lines = in_columns(&rows);
    if operations.len() > LISTED_MAX {
        lines.push(format!("and {} more", operations.len() - LISTED_MAX));
    }
    lines
}

fn in_columns(rows: &[[String; 5]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..5).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &[String; 5]| {
        let mut line = String::new();
        for (text, width) in row.iter().zip(&widths).filter(|(_, width)| **width > 0) {
            line.push_str(text);
            line.extend(std::iter::repeat_n(' ', width + 2 - text.chars().count()));
        }
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// How times are written: fine enough to tell two calls apart, and no finer.
struct Unit {
    name: &'static str,
    ns: u64,
}

impl Unit {
    fn for_times_up_to(longest_ns: u64) -> Self {
        match longest_ns {
            0..10_000 => Self { name: "ns", ns: 1 },
            10_000..10_000_000 => Self { name: "µs", ns: 1_000 },
            _ => Self { name: "ms", ns: 1_000_000 },
        }
    }

    fn write(&self, time_ns: u64) -> String {
        match self.ns {
            1 => time_ns.to_string(),
            unit => {
                let thousandths = time_ns / (unit / 1000);
                format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
            }
        }
    }
}

fn asked(operation: &Operation) -> String {
    let name = match operation.op {
        OperationKind::Buy => "buy",
        OperationKind::Search => "search",
        OperationKind::Hold => "hold",
        OperationKind::Confirm => "confirm",
        OperationKind::Release => "release",
        OperationKind::Refund => "refund",
        OperationKind::Restock => "restock",
    };
    operation.quantity.map_or_else(|| name.to_owned(), |quantity| format!("{name} {quantity}"))
}

/// The answer as a clause: "sold ticket 7, 93 left".
fn said(operation: &Operation) -> String {
    let mut text = match operation.outcome {
        Outcome::Sold => format!("sold {}", numbers(&operation.tickets)),
        Outcome::Found => "found".to_owned(),
        Outcome::Done => "done".to_owned(),
        Outcome::SoldOut => "sold out".to_owned(),
        Outcome::Refused => "refused".to_owned(),
        Outcome::Unknown => "no answer".to_owned(),
    };
    if let Some(remaining) = operation.remaining {
        let separator = if operation.outcome == Outcome::Found { " " } else { ", " };
        text.push_str(&format!("{separator}{remaining} left"));
    }
    if let Some(revision) = operation.revision {
        text.push_str(&format!(", revision {revision}"));
    }
    text
}

/// A name in quotes, a number as it is.
fn ticket_name(ticket: &Ticket) -> String {
    match ticket {
        Ticket::Number(number) => number.to_string(),
        Ticket::Name(name) => format!("`{name}`"),
    }
}

fn numbers(tickets: &Tickets) -> String {
    match (tickets.run(), tickets.len()) {
        (_, 0) => "no ticket".to_owned(),
        (Some((first, _)), 1) => format!("ticket {first}"),
        (Some((first, last)), _) => format!("tickets {first} to {last}"),
        (None, 1) => format!(
            "ticket {}",
            tickets.iter().map(|ticket| ticket_name(&ticket)).collect::<String>()
        ),
        (None, _) => {
            let listed: Vec<String> =
                tickets.iter().take(10).map(|ticket| ticket_name(&ticket)).collect();
            let more = if tickets.len() > 10 { ", …" } else { "" };
            format!("tickets {}{more}", listed.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Answer;

    #[test]
    fn operations_are_columns_with_times_from_the_start() {
        let answer = Answer {
            tickets: Tickets::one(7),
            remaining: Some(93),
            revision: Some(7),
            ..Answer::new(Outcome::Sold)
        };
        let sale = Operation::buy(12, 2_000_000, 32_114_999, answer);
        let lost = Operation::buy(3, 3_500_000, 0, Answer::unknown("gone"));
        let view = |operation, line| OperationView { operation, file: Some("a"), line: Some(line) };
        assert_eq!(
            operation_lines(&[view(&sale, 2), view(&lost, 10)], 1_000_000),
            [
                "a:2   worker 12  buy 1  1.000 to 31.114 ms  sold ticket 7, 93 left, revision 7",
                "a:10  worker 3   buy 1  2.500 to … ms       no answer"
            ]
        );
        let views: Vec<_> = (0..25).map(|line| view(&sale, line)).collect();
        assert_eq!(operation_lines(&views, 0)[20], "and 5 more");
    }

    #[test]
    fn ticket_numbers_are_told_shortly() {
        let said = |numbers: &[u64]| super::numbers(&numbers.iter().copied().collect());
        assert_eq!(said(&[]), "no ticket");
        assert_eq!(said(&[4, 5, 6]), "tickets 4 to 6");
        assert_eq!(said(&[4, 6]), "tickets 4, 6");
    }
}
