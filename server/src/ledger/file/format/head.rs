//! `db.txt`: what is left, for everybody to read.
//!
//! One JSON object with exactly one `count`; `sold` and `revision` where a
//! server wrote them; the keys of other programs are kept as they stand. A
//! [`Head`] is rendered to an image of constant length (spaces, then a newline),
//! so that one write in place replaces the whole file.
//!
//! Pure: text in, text out.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::domain::{COUNT_MAX, Stock};

/// The longest `db.txt` that is accepted, in bytes.
pub const HEAD_BYTES_MAX: usize = 4096;

/// The shortest image that is written, in bytes.
pub const HEAD_BYTES_MIN: usize = 64;

/// The content of `db.txt`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// What is left: the lesson's number.
    pub count: u64,
    /// How many ticket numbers were given out; `None` where an outside program left it out.
    pub sold: Option<u64>,
    /// The ledger's revision; `None` where an outside program left it out.
    pub revision: Option<u64>,
    /// Keys that belong to other programs, with their values as they were written.
    pub foreign: Vec<(String, Box<str>)>,
}

/// Why a text is no [`Head`], and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {reason}")]
pub struct HeadFault {
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
    /// What is wrong there, and what is expected.
    pub reason: String,
}

const EXPECTED: &str = "expected one JSON object such as {\"count\": 100}";

impl Head {
    /// Whether it speaks of records behind the revision `ledger`: then they are missing where the ledger ends there.
    pub fn is_ahead_of(&self, ledger: u64) -> bool {
        self.revision > Some(ledger)
    }

    /// A head that says what `stock` says.
    pub fn of(stock: Stock, foreign: Vec<(String, Box<str>)>) -> Self {
        Self {
            count: stock.remaining,
            sold: Some(stock.issued),
            revision: Some(stock.revision),
            foreign,
        }
    }

    /// Whether the keys of other programs leave room for ours, whatever numbers these come to.
    pub fn has_room(&self) -> bool {
        let longest = Stock::new(u64::MAX, u64::MAX, u64::MAX);
        Self::of(longest, self.foreign.clone()).image(0).is_some()
    }

    /// Reads the bytes of `db.txt`.
    ///
    /// # Errors
    /// [`HeadFault`] for anything but one JSON object in UTF-8, without a byte
    /// order mark, of at most [`HEAD_BYTES_MAX`] bytes, with exactly one `count`;
    /// `count`, `sold` and `revision` are integers from 0 to [`COUNT_MAX`].
    pub fn parse(bytes: &[u8]) -> Result<Self, HeadFault> {
        if bytes.len() > HEAD_BYTES_MAX {
            let reason = format!("longer than {HEAD_BYTES_MAX} bytes; {EXPECTED}");
            return Err(fault_at(&bytes[..HEAD_BYTES_MAX], reason));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            fault_at(before, format!("not UTF-8; {EXPECTED}"))
        })?;
        if text.starts_with('\u{feff}') {
            return Err(fault_at(b"", format!("starts with a byte order mark; {EXPECTED}")));
        }
        let start = text.len() - text.trim_start_matches([' ', '\t', '\r', '\n']).len();
        if start == text.len() {
            return Err(fault_at(b"", format!("empty; {EXPECTED}")));
        }
        if !text[start..].starts_with('{') {
            return Err(fault_at(&bytes[..start], format!("not a JSON object; {EXPECTED}")));
        }
        let Entries(entries) = serde_json::from_str(text).map_err(|error| HeadFault {
            line: error.line().max(1),
            column: error.column().max(1),
            reason: without_position(&error),
        })?;
        Self::from_entries(text, entries)
    }

    fn from_entries(text: &str, entries: Vec<(String, &RawValue)>) -> Result<Self, HeadFault> {
        let (mut count, mut head) = (None, Self::default());
        for (key, value) in entries {
            let place = match key.as_str() {
                "count" => &mut count,
                "sold" => &mut head.sold,
                "revision" => &mut head.revision,
                _ => {
                    head.foreign.push((key, value.get().into()));
                    continue;
                }
            };
            // `value` borrows from `text`, so the difference is where it stands.
            let before = value.get().as_ptr() as usize - text.as_ptr() as usize;
            let fault = |reason| fault_at(&text.as_bytes()[..before], reason);
            if place.is_some() {
                return Err(fault(format!("a second `{key}`; expected one")));
            }
            *place = Some(whole_number(value.get()).ok_or_else(|| {
                let shown = first_line(value.get());
                fault(format!(
                    "`{key}` is `{shown}`; expected a whole number from 0 to {COUNT_MAX}"
                ))
            })?);
        }
        let missing = || fault_at(text.trim_end().as_bytes(), format!("no `count`; {EXPECTED}"));
        head.count = count.ok_or_else(missing)?;
        Ok(head)
    }

    /// The text of the file: the object, spaces, a newline.
    ///
    /// The image is as long as the next power of two, at least
    /// [`HEAD_BYTES_MIN`], and never shorter than `on_disk` bytes, so that
    /// nothing of the file before it shows behind it. `None` where the keys of
    /// other programs leave no room for ours in [`HEAD_BYTES_MAX`].
    pub fn image(&self, on_disk: usize) -> Option<Vec<u8>> {
        let text = self.to_string();
        let length = (text.len() + 1).next_power_of_two().max(HEAD_BYTES_MIN).max(on_disk);
        if length > HEAD_BYTES_MAX {
            return None;
        }
        let mut image = text.into_bytes();
        image.resize(length - 1, b' ');
        image.push(b'\n');
        Some(image)
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{\"count\": {}", self.count)?;
        if let Some(sold) = self.sold {
            write!(f, ", \"sold\": {sold}")?;
        }
        if let Some(revision) = self.revision {
            write!(f, ", \"revision\": {revision}")?;
        }
        for (key, value) in &self.foreign {
            let key = serde_json::to_string(key).map_err(|_| fmt::Error)?;
            write!(f, ", {key}: {value}")?;
        }
        f.write_str("}")
    }
}

/// The fault that stands right behind the text `before`.
fn fault_at(before: &[u8], reason: String) -> HeadFault {
    let line = before.split(|byte| *byte == b'\n').count();
    let column = 1 + before.rsplit(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len);
    HeadFault { line, column, reason }
}

/// What `serde_json` says, less the position, which stands in front already.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text[..end].to_owned()
}

/// The members of one JSON object as they stand, duplicates and all.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object such as {\"count\": 100}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

/// The start of a text that is quoted in a message: one line, at most 40 characters.
fn first_line(text: &str) -> String {
    text.chars().take_while(|c| !c.is_control()).take(40).collect()
}

/// The value of digits and nothing but digits; JSON has ruled out leading zeros.
fn whole_number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number <= COUNT_MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_lessons_file_is_a_head() {
        let head = Head::parse(b"{\"count\": 100}\n").unwrap();
        assert_eq!(head, Head { count: 100, ..Head::default() });
    }

    #[test]
    fn keys_of_other_programs_are_kept_as_they_were_written() {
        let text = "{\"venue\": {\"b\":1.50, \"a\":[1e3]}, \"count\": 7, \"na\\nme\": \"\\u00e9\"}";
        let head = Head::parse(text.as_bytes()).unwrap();
        let image = head.image(0).unwrap();
        assert_eq!(Head::parse(&image).unwrap(), head);
        let image = String::from_utf8(image).unwrap();
        assert!(image.contains("\"venue\": {\"b\":1.50, \"a\":[1e3]}"), "{image}");
        assert!(image.contains("\"na\\nme\": \"\\u00e9\""), "{image}");
    }

    #[test]
    fn an_image_covers_what_stood_there_and_ends_in_a_newline() {
        let head = Head::of(Stock::new(97, 3, 3), Vec::new());
        let lengths = [0, 64, 65, 200, 4096].map(|on_disk| head.image(on_disk).unwrap().len());
        assert_eq!(lengths, [64, 64, 65, 200, 4096]);
        assert!(head.image(64).unwrap().ends_with(b" \n"));
        let long = Stock::new(COUNT_MAX, COUNT_MAX, COUNT_MAX);
        assert_eq!(Head::of(long, Vec::new()).image(0).unwrap().len(), 128);
        let full = Head { foreign: vec![("k".into(), "1".repeat(4090).into())], ..head };
        assert_eq!(full.image(0), None);
        assert!(head.has_room() && !full.has_room());
    }

    #[track_caller]
    fn refuses(text: &[u8], message: &str) {
        assert_eq!(Head::parse(text).unwrap_err().to_string(), message);
    }

    #[test]
    fn anything_else_is_refused_with_its_place_and_what_is_expected() {
        let object = "expected one JSON object such as {\"count\": 100}";
        let number = "expected a whole number from 0 to 9007199254740991";
        refuses(b"", &format!("1:1: empty; {object}"));
        refuses(b" \n ", &format!("1:1: empty; {object}"));
        refuses(b"\n [1]", &format!("2:2: not a JSON object; {object}"));
        refuses(b"100", &format!("1:1: not a JSON object; {object}"));
        refuses(b"\xef\xbb\xbf{}", &format!("1:1: starts with a byte order mark; {object}"));
        refuses(b"{\n\"a\": \"\xff\"}", &format!("2:7: not UTF-8; {object}"));
        refuses(&[b' '; 1 << 20], &format!("1:4097: longer than 4096 bytes; {object}"));
        refuses(b"{}", &format!("1:3: no `count`; {object}"));
        refuses(b"{\"count\": -1}", &format!("1:11: `count` is `-1`; {number}"));
        refuses(b"{\"count\": 1.5}", &format!("1:11: `count` is `1.5`; {number}"));
        refuses(b"{\"count\": 1e2}", &format!("1:11: `count` is `1e2`; {number}"));
        refuses(b"{\"count\": -0}", &format!("1:11: `count` is `-0`; {number}"));
        refuses(b"{\"count\": null}", &format!("1:11: `count` is `null`; {number}"));
        refuses(b"{\"count\": \"1\"}", &format!("1:11: `count` is `\"1\"`; {number}"));
        refuses(
            b"{\"count\": 9007199254740992}",
            &format!("1:11: `count` is `9007199254740992`; {number}"),
        );
        refuses(b"{\"count\": 1, \"count\": 2}", "1:23: a second `count`; expected one");
        refuses(b"{\"count\": 1, \"sold\": -2}", &format!("1:22: `sold` is `-2`; {number}"));
        refuses(b"{\"count\": 1} {}", "1:14: trailing characters");
        refuses(b"{\"count\": 1,}", "1:13: trailing comma");
        refuses(b"{\"count\": 01}", "1:12: invalid number");
        refuses(b"{\"count\": 1", "1:11: EOF while parsing an object");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Head::parse(&bytes);
        }

        #[test]
        fn an_image_reads_back_as_its_head(
            count in 0..=COUNT_MAX,
            sold in prop::option::of(0..=COUNT_MAX),
            revision in prop::option::of(0..=COUNT_MAX),
            keys in prop::collection::vec("[a-z\"\\\\\n]{3,9}", 0..3),
            on_disk in 0..300_usize,
        ) {
            let reserved = ["count", "sold", "revision"];
            let foreign = keys.into_iter().filter(|key| !reserved.contains(&key.as_str()));
            let foreign = foreign.map(|key| (key, "[null, \"x\"]".into())).collect();
            let head = Head { count, sold, revision, foreign };
            let image = head.image(on_disk).unwrap();
            prop_assert_eq!(Head::parse(&image).unwrap(), head);
        }
    }
}
