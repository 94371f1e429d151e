//! Operations for people: one a line, with times from the first call on.

use crate::{
    report::OperationView,
    words::{answered_in_full, asked, who},
};

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
            [place, who(operation.process), asked(operation), times, answered_in_full(operation)]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Answer, Operation, Outcome, Tickets};

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
}
