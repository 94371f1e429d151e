//! A place in an answer: a JSON pointer, a regular expression, or a header field.

use regex_lite::Regex;
use serde_json::Value;

/// An answer as places are looked up in it.
pub(super) struct Looked<'a> {
    /// The body as text.
    pub(super) text: &'a str,
    /// The body as JSON; `Null` where it is none.
    pub(super) json: Value,
    /// The header fields, `name: value`, one a line.
    pub(super) fields: &'a str,
}

/// A place in an answer.
#[derive(Clone, Debug)]
pub(super) enum Place {
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

    /// What stands there.
    pub(super) fn find(&self, answer: &Looked<'_>) -> Option<Value> {
        match self {
            Self::Pointer(pointer) => answer.json.pointer(pointer).cloned(),
            Self::Pattern(pattern) => {
                let found = pattern.captures(answer.text)?;
                let text = found.get(1).or_else(|| found.get(0))?;
                Some(Value::from(text.as_str()))
            }
            Self::Field(name) => answer.fields.lines().find_map(|line| {
                let (field, value) = line.split_once(':')?;
                field.trim().eq_ignore_ascii_case(name).then(|| Value::from(value.trim()))
            }),
        }
    }

    /// The whole number that stands there, as a number or as text.
    pub(super) fn number(&self, answer: &Looked<'_>) -> Option<u64> {
        match self.find(answer)? {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }
}

/// Whether `found` is what is `wanted`: the same text, however each of them is written.
pub(super) fn is_same(found: Option<&Value>, wanted: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match (found, wanted) {
        // `true` asks whether there is anything at all.
        (Some(found), Value::Bool(true)) if !found.is_boolean() => !found.is_null(),
        (None | Some(Value::Null), Value::Bool(false)) => true,
        (Some(found), wanted) => text(found) == text(wanted),
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn looked(text: &str) -> Looked<'_> {
        let json = serde_json::from_str(text).unwrap_or_default();
        Looked { text, json, fields: "X-Left: 12\r\nx-state:  open\r\n" }
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
        ] {
            assert_eq!(Place::parse(place).unwrap().number(&answer), number, "{place}");
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
        assert!(is_same(Some(&json!("17")), &json!(17)));
        assert!(is_same(Some(&json!(true)), &json!(true)));
        assert!(!is_same(Some(&json!(false)), &json!(true)));
        assert!(is_same(Some(&json!("anything")), &json!(true)));
        assert!(is_same(None, &json!(false)));
        assert!(!is_same(None, &json!("open")));
        assert!(!is_same(Some(&json!("closed")), &json!("open")));
    }
}
