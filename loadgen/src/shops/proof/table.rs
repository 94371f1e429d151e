//! The record as a table for a terminal, and what it says in words.

use comfy_table::{Attribute, Cell, CellAlignment, Color};

use super::record::Record;
use crate::{
    judge::Verdict,
    report::empty_table,
    words::{counted, kind_name, paragraph, sentence},
};

/// The table, with colours in it: whoever prints it takes them out where they do not belong.
pub(super) fn table(records: &[Record]) -> String {
    let mut table = empty_table();
    table.set_header(["bug", "round", "the judge saw", "operations", "twin valid"]);
    for record in records {
        let name = Cell::new(record.exhibit.name).add_attribute(Attribute::Bold);
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        let [round, kind, operations] = match record.shown() {
            Some((round, shown)) => {
                let accusation = shown.accusation.as_ref();
                let kind =
                    accusation.map_or(String::new(), |accusation| kind_name(accusation.kind));
                let operations = accusation.map_or(0, |accusation| accusation.operations);
                let operations =
                    if operations == 0 { "all".to_owned() } else { operations.to_string() };
                [right(round.to_string()), Cell::new(kind), right(operations)]
            }
            None => {
                let color =
                    if record.exhibit.unseen.is_some() { Color::Yellow } else { Color::Red };
                [right("none".to_owned()), Cell::new("nothing").fg(color), right("-".to_owned())]
            }
        };
        let valid = record.twin_rounds(Verdict::Valid);
        let color = match record.twin.iter().map(|round| round.verdict).max() {
            Some(Verdict::Valid) => Color::Green,
            Some(Verdict::Violation) => Color::Red,
            Some(Verdict::Unknown) | None => Color::Yellow,
        };
        let twin = right(format!("{valid} of {}", record.twin.len())).fg(color);
        table.add_row(vec![name, round, kind, operations, twin]);
    }
    table.to_string()
}

/// What the table says, and what is odd in it.
pub(super) fn words(records: &[Record]) -> String {
    let convicted = records.iter().filter(|record| record.shown().is_some()).count();
    let accused = records.iter().filter(|record| record.twin_rounds(Verdict::Violation) > 0);
    let twins: usize = records.iter().map(|record| record.twin.len()).sum();
    let mut said = vec![format!(
        "{convicted} of {} convicted, and {} accused in {} on twins.",
        counted(records.len(), ("bug", "bugs")),
        counted(accused.count(), ("twin", "twins")),
        counted(twins, ("round", "rounds")),
    )];
    for record in records {
        let name = record.exhibit.name;
        match record.exhibit.unseen {
            Some(why) if record.shown().is_none() => {
                said.push(format!("`{name}` cannot be seen from outside: {why}."));
            }
            None if record.shown().is_none() => {
                let rounds = counted(record.bug.len(), ("round", "rounds"));
                said.push(format!("`{name}` got away in {rounds}."));
            }
            _ => {}
        }
        for round in record.twin.iter().filter(|round| round.verdict != Verdict::Valid) {
            let why = match &round.accusation {
                Some(accusation) => format!("accused: {}", accusation.message),
                None => format!("nothing is known: {}", round.doubts.join(", ")),
            };
            said.push(format!("The twin of `{name}`, seed {}: {}", round.seed, sentence(&why)));
        }
    }
    said.iter().map(|text| paragraph(text)).collect::<Vec<_>>().join("\n")
}
