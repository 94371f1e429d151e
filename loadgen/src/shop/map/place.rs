//! A place in an answer: a JSON pointer, a regular expression, or a header field.

use std::{borrow::Cow, collections::HashMap, fmt, io::Read};

use regex_lite::{Captures, Regex};
use serde_json::{Value, value::RawValue};

use super::charset::{text_of, text_of_body};
use crate::history::{Ticket, digits_beyond_floats, whole};

/// An answer as places are looked up in it.
pub(in crate::shop) struct Looked<'a> {
    /// The body as text.
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
        let text = text_of_body(&self.body, || field_values(&self.fields, "content-type").next());
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
    let codings = field_values(fields, "content-encoding").flat_map(|value| value.split(','));
    let codings = codings.map(str::trim).filter(|coding| !coding.eq_ignore_ascii_case("identity"));
    let codings: Vec<&str> = codings.filter(|coding| !coding.is_empty()).collect();
    let mut plain = Cow::Borrowed(body);
    // The last one that was applied comes first (RFC 9110, 8.4).
    for coding in codings.iter().rev() {
        match unpacked_once(coding, &plain) {
            Some(unpacked) => plain = Cow::Owned(unpacked),
            None => return Cow::Borrowed(body),
        }
    }
    plain
}

/// `body` without this coding; `None` where it is not so packed, or nobody knows the coding.
fn unpacked_once(coding: &str, body: &[u8]) -> Option<Vec<u8>> {
    match coding.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => all(flate2::read::MultiGzDecoder::new(body)),
        "deflate" => all(flate2::read::ZlibDecoder::new(body)).or_else(|| raw_deflate(body)),
        "br" => all(brotli_decompressor::Decompressor::new(body, PIECE_BYTES)),
        _ => None,
    }
}

/// `body` unpacked, which some programs send without what it should begin with (RFC 9110, 8.4.1.2).
fn raw_deflate(body: &[u8]) -> Option<Vec<u8>> {
    let mut packed = flate2::bufread::DeflateDecoder::new(body);
    let plain = all(&mut packed)?;
    // Nothing tells it from a text but its end.
    packed.into_inner().is_empty().then_some(plain)
}

/// All that `packed` comes to.
fn all(packed: impl Read) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    packed.take(BODY_BYTES_MAX).read_to_end(&mut plain).ok()?;
    Some(plain)
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

    /// What stands there; a number that takes more than 64 bits as the text of its digits.
    pub(in crate::shop) fn find(&self, answer: &Looked<'_>) -> Option<Value> {
        match self {
            Self::Pointer(pointer) => match pointed(&answer.json, pointer)? {
                found if may_be_rounded(&found) => {
                    let mut json = answer.json.clone();
                    put_digits(&mut json, &answer.text);
                    pointed(&json, pointer)
                }
                found => Some(found),
            },
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
            Self::Pattern(_) => match self.find(answer)? {
                Value::String(text) => Some(vec![ticket(&text.trim().into())?]),
                _ => None,
            },
            Self::Pointer(_) | Self::Field(_) => self.tickets(answer),
        }
    }

    /// Whether a list of JSON stands there.
    pub(super) fn is_list(&self, answer: &Looked<'_>) -> bool {
        matches!(self, Self::Pointer(_)) && matches!(self.find(answer), Some(Value::Array(_)))
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

/// Whether there is a number in it that may have been another one when it was read.
fn may_be_rounded(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            number.is_f64() && number.as_f64().is_some_and(|number| whole(number).is_none())
        }
        Value::Array(items) => items.iter().any(may_be_rounded),
        Value::Object(members) => members.values().any(may_be_rounded),
        _ => false,
    }
}

/// Puts into `value`, which was read from `json`, the digits of each number that has more of them than was read.
fn put_digits(value: &mut Value, json: &str) {
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Some(digits) = digits_beyond_floats(json.trim()) {
                *value = Value::from(digits);
            }
        }
        Value::Array(items) => {
            let written: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
            for (item, written) in items.iter_mut().zip(written) {
                put_digits(item, written.get());
            }
        }
        Value::Object(members) => {
            let written: HashMap<Cow<'_, str>, &RawValue> =
                serde_json::from_str(json).unwrap_or_default();
            for (name, member) in members {
                if let Some(written) = written.get(name.as_str()) {
                    put_digits(member, written.get());
                }
            }
        }
        _ => {}
    }
}

/// A ticket as JSON has it: a name is a text, as it stands, and 7.0 is 7.
fn ticket(value: &Value) -> Option<Ticket> {
    match value {
        Value::Number(number) => Some(match number.as_u64() {
            Some(number) => Ticket::Number(number),
            None => Ticket::numbered(&number.to_string()),
        }),
        Value::String(text) if !text.trim().is_empty() => Some(Ticket::named(text)),
        _ => None,
    }
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
    use crate::history::Tickets;

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
    fn a_body_is_unpacked_as_its_fields_say() {
        use std::io::Write as _;

        use flate2::{Compression, write};

        let text = b"{\"left\": 7}";
        let mut gzip = write::GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(text).unwrap();
        let gzip = gzip.finish().unwrap();
        let mut twice = write::ZlibEncoder::new(Vec::new(), Compression::fast());
        twice.write_all(&gzip).unwrap();
        let mut raw = write::DeflateEncoder::new(Vec::new(), Compression::fast());
        raw.write_all(text).unwrap();
        for (fields, body) in [
            ("Content-Encoding: GZip", &gzip),
            ("Content-Encoding: gzip, identity", &gzip),
            ("Content-Encoding: identity", &text.to_vec()),
            ("Content-Encoding: ", &text.to_vec()),
            ("Content-Encoding : gzip", &gzip),
            ("Content-Encoding: gzip, deflate", &twice.finish().unwrap()),
            ("Content-Encoding: gzip\r\ncontent-encoding: identity", &gzip),
            ("Content-Encoding: deflate", &raw.finish().unwrap()),
            // What is not packed, whatever it says.
            ("Content-Encoding: gzip", &text.to_vec()),
            ("Content-Encoding: deflate", &text.to_vec()),
            ("Content-Encoding: aes128gcm", &text.to_vec()),
        ] {
            assert_eq!(&*unpacked(fields, body), text, "{fields}");
        }
    }

    #[test]
    fn a_ticket_is_told_as_the_shop_told_it() {
        for (json, names) in [
            (r#"{"at": 20000000000000000001}"#, &["20000000000000000001"][..]),
            (
                r#"{"price": 7.5, "at": [20000000000000000001, 7.0, -1]}"#,
                &["20000000000000000001", "7", "-1"],
            ),
            (r#"{"at": 0.12345678901234567890}"#, &["0.1234567890123456789"]),
            (r#"{"at": 7.50}"#, &["7.5"]),
            (r#"{"at": 18446744073709551615}"#, &["18446744073709551615"]),
            (r#"{"at": "A "}"#, &["A "]),
            (r#"{"at": [" A", "A"]}"#, &[" A", "A"]),
            (r#"{"at": "7"}"#, &["7"]),
        ] {
            let tickets = Place::parse("/at").unwrap().tickets(&looked(json)).unwrap();
            let named: Vec<_> = names.iter().map(|name| Ticket::named(name)).collect();
            assert_eq!(tickets, named, "{json}");
            // A history is read as it was written.
            let tickets: Tickets = tickets.into_iter().collect();
            let written = serde_json::to_string(&tickets).unwrap();
            assert_eq!(serde_json::from_str::<Tickets>(&written).unwrap(), tickets, "{json}");
            // As somebody else writes it down, with the numbers of the shop.
            let (_, at) = json.trim_end_matches('}').split_once("\"at\": ").unwrap();
            assert_eq!(serde_json::from_str::<Tickets>(at).unwrap(), tickets, "{json}");
        }
        // Where a page says it, nobody means the space around it.
        let text = Place::parse(r"regex:seat(.*)\.").unwrap();
        assert_eq!(text.ticket(&looked("seat A 1 .")), Some(vec![Ticket::named("A 1")]));
        assert_eq!(text.ticket(&looked("seat  .")), None);
        assert_eq!(Place::parse("/at").unwrap().ticket(&looked(r#"{"at": " "}"#)), None);
    }

    #[test]
    fn a_number_that_no_float_holds_is_taken_with_its_digits() {
        let json = r#"{"price": 7.5, "n\u0061me": {"b": [1, 30000000000000000001]}, "big": 1e16}"#;
        for (place, found) in [
            ("/name/b/1", json!("30000000000000000001")),
            ("/name/b/*", json!([1, "30000000000000000001"])),
            ("/name", json!({"b": [1, "30000000000000000001"]})),
            ("/price", json!(7.5)),
            ("/big", json!(1e16)),
        ] {
            assert_eq!(Place::parse(place).unwrap().find(&looked(json)), Some(found), "{place}");
        }
        let wanted = json!("30000000000000000001");
        let place = Place::parse("/name/b/1").unwrap();
        assert_eq!(place.holds(&looked(json), &wanted), Held::Yes);
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
