//! Texts in which `${name}` stands for something that is known only when they are sent.

use std::borrow::Cow;

use serde_json::Value;
use url::form_urlencoded;

/// A text with names in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::shop) struct Text(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Name(String),
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub(in crate::shop) enum Meaning<'a> {
    /// This.
    Value(Cow<'a, Value>),
    /// Something that whoever sends it fills in: the name stays as it is.
    Later,
}

/// What the names in a text stand for; `None` where one stands for nothing.
pub(in crate::shop) type Meanings<'a> = dyn Fn(&str) -> Option<Meaning<'a>> + 'a;

/// A name that stands for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::shop) struct Nameless(pub(in crate::shop) String);

/// How a text is escaped where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::shop) enum Escape {
    /// Not at all.
    No,
    /// What names stand for is percent-encoded, as a segment of a path and as a value of a query.
    Path,
    /// All of it, as a form has it.
    Form,
}

impl Text {
    /// Takes `text` apart at its `${…}`.
    ///
    /// # Errors
    /// One has no end or no name.
    pub(in crate::shop) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            let (name, after) = behind.split_once('}').ok_or("`${` without `}`")?;
            if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '{') {
                return Err(format!("`${{{name}}}` names nothing"));
            }
            if !before.is_empty() {
                pieces.push(Piece::Literal(before.to_owned()));
            }
            pieces.push(Piece::Name(name.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// The names in it.
    pub(in crate::shop) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Name(name) => Some(name.as_str()),
            Piece::Literal(_) => None,
        })
    }

    /// The name that is all of it.
    pub(in crate::shop) fn only_name(&self) -> Option<&str> {
        match &self.0[..] {
            [Piece::Name(name)] => Some(name),
            _ => None,
        }
    }

    /// The text with what its names stand for.
    ///
    /// # Errors
    /// One of them stands for nothing.
    pub(in crate::shop) fn fill(
        &self,
        meanings: &Meanings<'_>,
        escape: Escape,
    ) -> Result<String, Nameless> {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) if escape == Escape::Form => {
                    filled.extend(form_urlencoded::byte_serialize(text.as_bytes()));
                }
                Piece::Literal(text) => filled.push_str(text),
                Piece::Name(name) => match meanings(name).ok_or_else(|| Nameless(name.clone()))? {
                    Meaning::Later => filled.push_str(&format!("${{{name}}}")),
                    Meaning::Value(value) => put(&plain(&value), escape, &mut filled),
                },
            }
        }
        Ok(filled)
    }
}

fn put(value: &str, escape: Escape, filled: &mut String) {
    match escape {
        Escape::No => filled.push_str(value),
        Escape::Form => filled.extend(form_urlencoded::byte_serialize(value.as_bytes())),
        Escape::Path => {
            for byte in value.bytes() {
                match byte {
                    // What stands for itself everywhere in a URL (RFC 3986, 2.3).
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                        filled.push(char::from(byte));
                    }
                    _ => filled.push_str(&format!("%{byte:02X}")),
                }
            }
        }
    }
}

/// `value` as it stands in a text.
pub(in crate::shop) fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(text: &str, escape: Escape) -> Result<String, Nameless> {
        let meanings = |name: &str| match name {
            "cart" => Some(Meaning::Value(Cow::Owned(json!("a/b c&d=\"é\"")))),
            "number" => Some(Meaning::Value(Cow::Owned(json!(7)))),
            "key" => Some(Meaning::Later),
            _ => None,
        };
        Text::parse(text).unwrap().fill(&meanings, escape)
    }

    #[test]
    fn what_a_name_stands_for_is_escaped_as_its_place_wants_it() {
        let text = "/x y/${cart}/${number}?k=${key}";
        let whole = "/x y/a/b c&d=\"é\"/7?k=${key}";
        assert_eq!(filled(text, Escape::No).as_deref(), Ok(whole));
        let path = "/x y/a%2Fb%20c%26d%3D%22%C3%A9%22/7?k=${key}";
        assert_eq!(filled(text, Escape::Path).as_deref(), Ok(path));
        let form = "a b=a%2Fb+c%26d%3D%22%C3%A9%22&k=${key}";
        assert_eq!(filled("&", Escape::Form).as_deref(), Ok("%26"));
        assert_eq!(
            format!("a b={}&k={}", filled("${cart}", Escape::Form).unwrap(), "${key}"),
            form
        );
        assert_eq!(filled("${seat}", Escape::No), Err(Nameless("seat".to_owned())));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["${", "${key", "${}", "${a b}"] {
            assert!(Text::parse(text).is_err(), "{text}");
        }
        assert_eq!(Text::parse("$5 {x} }").unwrap().names().count(), 0);
        assert_eq!(Text::parse("${url}").unwrap().only_name(), Some("url"));
        assert_eq!(Text::parse("/${url}").unwrap().only_name(), None);
    }
}
