//! A place in an answer: a JSON pointer, a regular expression, or a header field.

use std::{borrow::Cow, fmt, io::Read as _};

use regex_lite::{Captures, Regex};
use serde_json::Value;

use crate::history::Ticket;

/// An answer as places are looked up in it.
pub(in crate::shop) struct Looked<'a> {
    /// The body as text, with a replacement character for what is no UTF-8 in it.
    pub(in crate::shop) text: Cow<'a, str>,
    /// The body as JSON; `Null` where it is none.
    pub(in crate::shop) json: Value,
    /// The header fields, `name: value`, one a line.
    pub(super) fields: &'a str,
}

/// An answer as texts.
pub(in crate::shop) struct Texts<'a> {
    body: Cow<'a, [u8]>,
    fields: Cow<'a, str>,
}

impl<'a> Texts<'a> {
    /// `head` and `body`, which is unpacked where the shop has packed it.
    pub(in crate::shop) fn of(head: &'a [u8], body: &'a [u8]) -> Self {
        let fields = text_of(head);
        let body = unpacked(&fields, body);
        Self { body, fields }
    }

    /// Looks places up in it.
    pub(in crate::shop) fn look(&self) -> Looked<'_> {
        let text = text_of(&self.body);
        let json = serde_json::from_str(&text).unwrap_or_default();
        Looked { text, json, fields: &self.fields }
    }
}

/// The longest body that is unpacked, in bytes.
const BODY_BYTES_MAX: u64 = 16 << 20;

/// How much is unpacked at a time, in bytes.
const PIECE_BYTES: usize = 4096;

/// `body` unpacked as `fields` say; as it stands where they say nothing, or it is not so packed.
fn unpacked<'a>(fields: &str, body: &'a [u8]) -> Cow<'a, [u8]> {
    let Some(Value::String(coding)) = field(fields, "content-encoding") else {
        return Cow::Borrowed(body);
    };
    let mut plain = Vec::new();
    let unpacked = match coding.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => {
            flate2::read::MultiGzDecoder::new(body).take(BODY_BYTES_MAX).read_to_end(&mut plain)
        }
        "deflate" => {
            flate2::read::ZlibDecoder::new(body).take(BODY_BYTES_MAX).read_to_end(&mut plain)
        }
        "br" => brotli_decompressor::Decompressor::new(body, PIECE_BYTES)
            .take(BODY_BYTES_MAX)
            .read_to_end(&mut plain),
        _ => return Cow::Borrowed(body),
    };
    if unpacked.is_ok() { Cow::Owned(plain) } else { Cow::Borrowed(body) }
}

/// The value of the field `name` among `fields`.
fn field(fields: &str, name: &str) -> Option<Value> {
    field_values(fields, name).next().map(Value::from)
}

/// The values of all fields `name` among `fields`.
pub(in crate::shop) fn field_values<'a>(
    fields: &'a str,
    name: &'a str,
) -> impl Iterator<Item = &'a str> {
    let mut rest = fields;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let end = rest.bytes().position(|byte| byte == b'\n').unwrap_or(rest.len());
            let line = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            // The name first: almost all are others.
            let begins = line.as_bytes().get(..name.len());
            if begins.is_some_and(|begins| begins.eq_ignore_ascii_case(name.as_bytes()))
                && let Some(value) = line[name.len()..].trim_start().strip_prefix(':')
            {
                return Some(value.trim());
            }
        }
        None
    })
}

/// `bytes` as text, with a replacement character for what is no UTF-8 in it.
pub(in crate::shop) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    // Much faster than the other way, which is for what is none.
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

impl Looked<'_> {
    /// Whether there is no body.
    pub(in crate::shop) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// How the body begins, at most so many characters of it.
    pub(in crate::shop) fn beginning(&self, characters: usize) -> String {
        self.text.trim().chars().take(characters).collect()
    }

    /// Whether there is a field `name`.
    pub(super) fn has_field(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    /// The value of the field `name`.
    pub(in crate::shop) fn field<'b>(&'b self, name: &'b str) -> Option<&'b str> {
        field_values(self.fields, name).next()
    }
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Yes,
    /// By the absence of what it asks for: that many an answer has.
    Absent,
    No,
}

/// A place in an answer.
#[derive(Clone, Debug)]
pub(in crate::shop) enum Place {
    /// A JSON pointer (RFC 6901).
    Pointer(String),
    /// A regular expression over the body: its first group, or all of it where it has none.
    Pattern(Regex),
    /// A header field.
    Field(String),
}

impl Place {
    /// Reads `/a/0/b`, `regex:…` or `header:…`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if let Some(pattern) = text.strip_prefix("regex:") {
            return Regex::new(pattern).map(Self::Pattern).map_err(|error| error.to_string());
        }
        if let Some(name) = text.strip_prefix("header:") {
            let is_name = !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            return is_name
                .then(|| Self::Field(name.to_ascii_lowercase()))
                .ok_or_else(|| format!("`{name}` is no name of a header field"));
        }
        if text.is_empty() || text.starts_with('/') {
            return Ok(Self::Pointer(text.to_owned()));
        }
        Err(format!(
            "`{text}` is no place: there are `/a/0/b` (a JSON pointer), `regex:…` and `header:…`"
        ))
    }

    /// Whether `wanted` stands there; what is not there at all is `false`, in an answer that could have
    /// had it.
    pub(super) fn holds(&self, answer: &Looked<'_>, wanted: &Value) -> Held {
        let is_pointer = matches!(self, Self::Pointer(_));
        let holds = match (self.find(answer), wanted) {
            (found, Value::Bool(wanted)) if !is_pointer => found.is_some() == *wanted,
            (Some(found), wanted) => is_same(&found, wanted),
            // A page that is no JSON has no members, whatever they would say.
            (None, Value::Bool(false)) if !answer.json.is_null() => return Held::Absent,
            (None, _) => false,
        };
        if holds { Held::Yes } else { Held::No }
    }

    /// What stands there.
    pub(in crate::shop) fn find(&self, answer: &Looked<'_>) -> Option<Value> {
        match self {
            Self::Pointer(pointer) => pointed(&answer.json, pointer),
            Self::Pattern(pattern) => {
                let found = pattern.captures(&answer.text)?;
                let text = found.get(1).or_else(|| found.get(0))?;
                Some(Value::from(text.as_str()))
            }
            Self::Field(name) => field(answer.fields, name),
        }
    }

    /// The whole number from 0 that stands there, as a number or as text.
    pub(super) fn number(&self, answer: &Looked<'_>) -> Option<u64> {
        self.count(answer)?.try_into().ok()
    }

    /// The whole number that stands there, as a number or as text; it may be below zero.
    pub(super) fn count(&self, answer: &Looked<'_>) -> Option<i64> {
        match self.find(answer)? {
            Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
            Value::String(text) => {
                let text = text.trim();
                text.parse().ok().or_else(|| whole(text.parse().ok()?))
            }
            _ => None,
        }
    }

    /// The ticket that stands there first: a page may say it in its title and once more below.
    pub(super) fn ticket(&self, answer: &Looked<'_>) -> Option<Vec<Ticket>> {
        match self {
            Self::Pattern(_) => Some(vec![ticket(&self.find(answer)?)?]),
            Self::Pointer(_) | Self::Field(_) => self.tickets(answer),
        }
    }

    /// The tickets that stand there: one, or a list of them.
    pub(super) fn tickets(&self, answer: &Looked<'_>) -> Option<Vec<Ticket>> {
        if let Self::Pattern(pattern) = self {
            let text = |found: Captures<'_>| {
                let text = found.get(1).or_else(|| found.get(0))?;
                Some(Ticket::named(text.as_str().trim()))
            };
            let found: Option<Vec<_>> = pattern.captures_iter(&answer.text).map(text).collect();
            return found.filter(|found| !found.is_empty());
        }
        match self.find(answer)? {
            Value::Array(list) => list.iter().map(ticket).collect(),
            value => ticket(&value).map(|ticket| vec![ticket]),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pointer(pointer) => f.write_str(pointer),
            Self::Pattern(pattern) => write!(f, "regex:{}", pattern.as_str()),
            Self::Field(name) => write!(f, "header:{name}"),
        }
    }
}

/// What stands at `pointer` in `value`, where `*` is every item of a list.
fn pointed(value: &Value, pointer: &str) -> Option<Value> {
    let Some((list, rest)) = pointer.split_once("/*").filter(|(_, rest)| {
        // A name may begin with a star.
        rest.is_empty() || rest.starts_with('/')
    }) else {
        return value.pointer(pointer).cloned();
    };
    match value.pointer(list)? {
        Value::Array(items) => {
            let found = items.iter().map(|item| pointed(item, rest));
            let found = found.collect::<Option<Vec<Value>>>()?;
            let is_nested = rest.contains("/*");
            Some(Value::Array(if is_nested { flat(found) } else { found }))
        }
        _ => value.pointer(pointer).cloned(),
    }
}

/// The items of lists as one list.
fn flat(lists: Vec<Value>) -> Vec<Value> {
    let items = lists.into_iter().flat_map(|list| match list {
        Value::Array(items) => items,
        other => vec![other],
    });
    items.collect()
}

/// A ticket as an answer has it: a name is a text, and 7.0 is 7.
fn ticket(value: &Value) -> Option<Ticket> {
    match value {
        Value::Number(number) => Some(match number.as_f64().and_then(whole) {
            Some(whole) if number.as_u64().is_none() => Ticket::named(&whole.to_string()),
            _ => Ticket::named(&number.to_string()),
        }),
        Value::String(text) if !text.trim().is_empty() => Some(Ticket::named(text.trim())),
        _ => None,
    }
}

/// `number` where it is a whole one that a float holds exactly.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole, and far below what 64 bits hold")]
    let whole = number as i64;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(whole)
}

/// Whether `found` is what is `wanted`: the same text, however each of them is written.
fn is_same(found: &Value, wanted: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let is_nothing = ["null", "false", "0", ""].contains(&text(found).trim());
    match wanted {
        // `true` asks whether there is anything at all, and `false` whether there is nothing.
        Value::Bool(is_wanted) => is_nothing != *is_wanted,
        wanted => text(found) == text(wanted),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn looked(text: &str) -> Looked<'_> {
        let json = serde_json::from_str(text).unwrap_or_default();
        Looked { text: text.into(), json, fields: "X-Left: 12\r\nx-state:  open\r\n" }
    }

    #[test]
    fn places_are_found() {
        let answer = looked(r#"{"order": {"seats": [{"no": "17"}]}, "text": "seat 23 is yours"}"#);
        for (place, number) in [
            ("/order/seats/0/no", Some(17)),
            (r"regex:seat (\d+)", Some(23)),
            (r"regex:\d+ is yours", None),
            ("header:x-left", Some(12)),
            ("header:X-State", None),
            ("/nowhere", None),
            ("/order/seats/*", None),
        ] {
            assert_eq!(Place::parse(place).unwrap().number(&answer), number, "{place}");
        }
    }

    #[test]
    fn a_star_is_every_item_of_a_list() {
        let lines = r#"{"lines": [{"seats": [{"no": 1}, {"no": 2}]}, {"seats": [{"no": 3}]}]}"#;
        for (place, text, found) in [
            ("/lines/*/seats/*/no", lines, Some(json!([1, 2, 3]))),
            ("/lines/0/seats/*/no", lines, Some(json!([1, 2]))),
            ("/lines/*/none", lines, None),
            ("/*", r#"["A", "B"]"#, Some(json!(["A", "B"]))),
            ("/*/a", r#"{"*": {"a": 1}}"#, Some(json!(1))),
            ("/*", "[]", Some(json!([]))),
        ] {
            let place = Place::parse(place).unwrap();
            assert_eq!(place.find(&looked(text)), found, "{place} in {text}");
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in ["seat", "regex:(", "header:", "header:a b"] {
            assert!(Place::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn values_are_the_same_however_they_are_written() {
        assert!(is_same(&json!("17"), &json!(17)));
        assert!(is_same(&json!(true), &json!(true)));
        assert!(!is_same(&json!(false), &json!(true)));
        assert!(is_same(&json!("anything"), &json!(true)));
        assert!(!is_same(&json!("closed"), &json!("open")));
    }
}
