//! Operations in the very spelling that this program writes, read four times as fast as by a parser of
//! any JSON, which a million of them in a second need: members in the order of [`super::Operation`], no escapes, spaces only after `:`
//! and `,`. Pure.
//!
//! # Invariants
//! - What it reads, `serde_json` reads as the same; whatever it does not know it leaves to that.

use super::{
    CriticalSection, Links, Operation, OperationKind, Outcome, Ticket, Tickets, tickets::Gathered,
};

const KINDS: [(&[u8], OperationKind); 7] = [
    (b"buy", OperationKind::Buy),
    (b"search", OperationKind::Search),
    (b"hold", OperationKind::Hold),
    (b"confirm", OperationKind::Confirm),
    (b"release", OperationKind::Release),
    (b"refund", OperationKind::Refund),
    (b"restock", OperationKind::Restock),
];

const OUTCOMES: [(&[u8], Outcome); 6] = [
    (b"sold", Outcome::Sold),
    (b"found", Outcome::Found),
    (b"sold_out", Outcome::SoldOut),
    (b"refused", Outcome::Refused),
    (b"unknown", Outcome::Unknown),
    (b"done", Outcome::Done),
];

/// Reads `line`; `None` where it is spelt in another way, or is no operation.
pub(super) fn scan(line: &[u8]) -> Option<Operation> {
    let mut text = Cursor(line);
    let process = u32::try_from(text.after(b"{\"process\":")?.number()?).ok()?;
    let op = one_of(&KINDS, text.next(b"\"op\":")?.word()?)?;
    let quantity = text.next(b"\"quantity\":")?.number_or_null()?;
    let key = text.next(b"\"key\":")?.word_or_null()?.map(str::to_owned);
    let call_ns = text.next(b"\"call_ns\":")?.number()?;
    let return_ns = text.next(b"\"return_ns\":")?.number_or_null()?;
    let outcome = one_of(&OUTCOMES, text.next(b"\"outcome\":")?.word()?)?;
    let tickets = text.next(b"\"tickets\":")?.tickets()?;
    let remaining = text.next(b"\"remaining\":")?.number_or_null()?;
    let remaining = remaining.map(i64::try_from).transpose().ok()?;
    let revision = text.next(b"\"revision\":")?.number_or_null()?;
    let section = match text.try_next(b"\"section\":") {
        true => Some(Box::new(text.section()?)),
        false => None,
    };
    let links = match text.try_next(b"\"links\":") {
        true => Some(Box::new(text.links()?)),
        false => None,
    };
    let turned_away = text.try_next(b"\"turned_away\":true");
    text.end()?;
    Some(Operation {
        process,
        op,
        quantity,
        key,
        call_ns,
        return_ns,
        outcome,
        tickets,
        remaining,
        revision,
        section,
        links,
        turned_away,
        answer: None,
    })
}

fn one_of<T: Copy>(names: &[(&[u8], T)], word: &str) -> Option<T> {
    names.iter().find(|(name, _)| *name == word.as_bytes()).map(|(_, value)| *value)
}

/// What is left of the line.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// Goes past `text` and the spaces behind it.
    fn after(&mut self, text: &[u8]) -> Option<&mut Self> {
        self.0 = self.0.strip_prefix(text)?;
        while let [b' ', rest @ ..] = self.0 {
            self.0 = rest;
        }
        Some(self)
    }

    /// Goes past a comma and the member's name behind it.
    fn next(&mut self, name: &[u8]) -> Option<&mut Self> {
        self.after(b",")?.after(name)
    }

    /// The same where they stand there, and says whether they do.
    fn try_next(&mut self, name: &[u8]) -> bool {
        let mut ahead = Self(self.0);
        let stands_there = ahead.next(name).is_some();
        if stands_there {
            *self = ahead;
        }
        stands_there
    }

    fn number(&mut self) -> Option<u64> {
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(length);
        // JSON has no leading zeros; 20 digits may be more than 64 bits hold.
        if !(1..=19).contains(&length) || (digits[0] == b'0' && length > 1) {
            return None;
        }
        self.0 = rest;
        Some(digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }

    fn number_or_null(&mut self) -> Option<Option<u64>> {
        if self.0.starts_with(b"null") {
            self.0 = &self.0[4..];
            return Some(None);
        }
        self.number().map(Some)
    }

    fn word(&mut self) -> Option<&'a str> {
        let text = self.0.strip_prefix(b"\"")?;
        let length = text.iter().position(|byte| !matches!(byte, b' '..=b'~') || *byte == b'"')?;
        let (word, rest) = text.split_at(length);
        self.0 = rest.strip_prefix(b"\"")?;
        if word.contains(&b'\\') {
            return None;
        }
        str::from_utf8(word).ok()
    }

    fn word_or_null(&mut self) -> Option<Option<&'a str>> {
        if self.0.starts_with(b"null") {
            self.0 = &self.0[4..];
            return Some(None);
        }
        self.word().map(Some)
    }

    fn tickets(&mut self) -> Option<Tickets> {
        self.0 = self.0.strip_prefix(b"[")?;
        if let Some(rest) = self.0.strip_prefix(b"]") {
            self.0 = rest;
            return Some(Tickets::default());
        }
        let mut gathered = Gathered::default();
        loop {
            let ticket = match self.0 {
                [b'"', ..] => Ticket::named(self.word()?),
                _ => Ticket::Number(self.number()?),
            };
            gathered.push(ticket);
            if let Some(rest) = self.0.strip_prefix(b"]") {
                self.0 = rest;
                return Some(gathered.into());
            }
            self.after(b",")?;
        }
    }

    fn section(&mut self) -> Option<CriticalSection> {
        let read_ns = self.after(b"{\"read_ns\":")?.number()?;
        let write_ns = self.next(b"\"write_ns\":")?.number()?;
        self.0 = self.0.strip_prefix(b"}")?;
        Some(CriticalSection { read_ns, write_ns })
    }

    fn links(&mut self) -> Option<Links> {
        self.after(b"{")?;
        let mut links = Links::default();
        let mut is_first = true;
        let mut is_there = |text: &mut Self, name: &[u8]| {
            let stands_there = if is_first {
                text.0.starts_with(name) && text.after(name).is_some()
            } else {
                text.try_next(name)
            };
            is_first &= !stands_there;
            stands_there
        };
        if is_there(self, b"\"hold\":") {
            links.hold = Some(self.word()?.into());
        }
        if is_there(self, b"\"sale\":") {
            links.sale = Some(self.word()?.into());
        }
        if is_there(self, b"\"lapses_from_ns\":") {
            links.lapses_from_ns = Some(self.number()?);
        }
        if is_there(self, b"\"lapses_by_ns\":") {
            links.lapses_by_ns = Some(self.number()?);
        }
        self.0 = self.0.strip_prefix(b"}")?;
        Some(links)
    }

    fn end(&self) -> Option<()> {
        let rest = self.0.strip_prefix(b"}")?;
        rest.iter().all(|byte| matches!(byte, b' ' | b'\r')).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::history::{encode, ndjson::tests::any_operation};

    #[test]
    fn the_lines_of_the_contract_are_scanned() {
        for line in [
            concat!(
                r#"{"process": 12, "op": "buy", "quantity": 1, "key": null, "call_ns": 1, "#,
                r#""return_ns": 2, "outcome": "sold", "tickets": [7], "remaining": 93, "#,
                r#""revision": 7}"#
            ),
            concat!(
                r#"{"process":0,"op":"search","quantity":null,"key":"k 1","call_ns":1,"#,
                r#""return_ns":null,"outcome":"unknown","tickets":[],"remaining":null,"#,
                r#""revision":null,"section":{"read_ns":4,"write_ns":5}}"#,
                "\r"
            ),
            concat!(
                r#"{"process":0,"op":"hold","quantity":2,"key":null,"call_ns":1,"#,
                r#""return_ns":2,"outcome":"done","tickets":[],"remaining":null,"revision":null,"#,
                r#""links":{"hold":"0-7","lapses_from_ns":3,"lapses_by_ns":4}}"#
            ),
        ] {
            let scanned = scan(line.as_bytes());
            assert!(scanned.is_some(), "{line}");
            assert_eq!(scanned, serde_json::from_str(line).ok(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_scanned(operation in any_operation()) {
            let line = encode(&operation);
            let has_long_number = line.split(|c: char| !c.is_ascii_digit()).any(|n| n.len() > 19);
            let is_spelt_out = line.is_ascii() && !line.contains('\\') && !line.contains('\x7f');
            let is_below_zero = operation.remaining.is_some_and(|remaining| remaining < 0);
            if is_spelt_out && !has_long_number && !is_below_zero {
                prop_assert_eq!(scan(line.as_bytes()), Some(operation));
            }
        }

        #[test]
        fn what_is_scanned_is_what_any_parser_reads(
            operation in any_operation(),
            changes in prop::collection::vec(
                (any::<prop::sample::Index>(), 0..3, prop::sample::select(b" \t\r,:\"\\{}[]0195-+.eEntx\0\xc3\xa9".to_vec())),
                0..4,
            ),
        ) {
            let mut line = encode(&operation).into_bytes();
            for (place, how, byte) in changes {
                let place = place.index(line.len());
                match how {
                    0 => line[place] = byte,
                    1 => line.insert(place, byte),
                    _ => drop(line.remove(place)),
                }
            }
            if let Some(scanned) = scan(&line) {
                prop_assert_eq!(serde_json::from_slice::<Operation>(&line).ok(), Some(scanned));
            }
        }
    }
}
