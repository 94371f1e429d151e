//! In which line of its file each member of a map stands.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::de::{DeTable, DeValue};

/// The lines of the members, by their names as messages have them: `buy.step[1].take.cart`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lines(BTreeMap<String, usize>);

impl Lines {
    /// The lines of `text`; none where it is no TOML.
    pub(super) fn of(text: &str) -> Self {
        let mut lines = Self::default();
        if let Ok(table) = DeTable::parse(text) {
            lines.walk(text, "", table.get_ref());
        }
        lines
    }

    /// The line of `member`, or of what it is in.
    pub(super) fn line(&self, member: &str) -> Option<usize> {
        let mut member = member;
        loop {
            if let Some(line) = self.0.get(member) {
                return Some(*line);
            }
            member = &member[..member.rfind(['.', '['])?];
        }
    }

    fn walk(&mut self, text: &str, within: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = match within {
                "" => key.get_ref().to_string(),
                within => format!("{within}.{}", key.get_ref()),
            };
            self.0.insert(name.clone(), line_at(text, key.span().start));
            match value.get_ref() {
                DeValue::Table(table) => self.walk(text, &name, table),
                DeValue::Array(items) => {
                    for (place, item) in items.iter().enumerate() {
                        let name = format!("{name}[{}]", place + 1);
                        self.0.insert(name.clone(), line_at(text, item.span().start));
                        if let DeValue::Table(table) = item.get_ref() {
                            self.walk(text, &name, table);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

fn line_at(text: &str, place: usize) -> usize {
    text.bytes().take(place).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_in_tables_lists_and_inline() {
        let text = "numbering = 'unique'\n[[before]]\npath = '/'\n[[buy.step]]\npath = '/a'\n\
                    [[buy.step]]\npath = '/b'\ntake = { cart = '/id' }\n[buy]\npath = '/c'\n\
                    [buy.sold]\nstatus = [1]\n";
        let lines = Lines::of(text);
        for (member, line) in [
            ("numbering", 1),
            ("before[1]", 2),
            ("before[1].path", 3),
            ("buy.step[1]", 4),
            ("buy.step[2].path", 7),
            ("buy.step[2].take.cart", 8),
            ("buy.step[2].take.none", 8),
            ("buy.path", 10),
            ("buy.sold.status", 12),
        ] {
            assert_eq!(lines.line(member), Some(line), "{member}: {lines:?}");
        }
        assert_eq!(lines.line("search"), None);
        assert_eq!(Lines::of("= 1"), Lines::default());
    }
}
