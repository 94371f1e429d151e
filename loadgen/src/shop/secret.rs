//! A text that is shown to nobody.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::html::entity;

/// The longest name of a character in a page, in bytes.
const ENTITY_MAX: usize = 10;

/// A text that is shown to nobody.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// `text` with a name for each of these values, however each of its characters is escaped: as in a form, in a path, in
/// JSON, in a page.
pub(crate) fn masked<'a>(
    text: &str,
    values: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let values: Vec<_> = values.into_iter().filter(|(value, _)| !value.is_empty()).collect();
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let found = values.iter().filter_map(|(value, name)| Some((spelled(rest, value)?, *name)));
        // The longest: one may be a part of another.
        match found.max_by_key(|(length, _)| *length) {
            Some((length, name)) => {
                shown.push_str(name);
                rest = &rest[length..];
            }
            None => {
                shown.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
    }
    shown
}

/// How long the spelling of `value` is with which `text` begins, in bytes; `None` where it begins with none.
fn spelled(text: &str, value: &str) -> Option<usize> {
    let is_none = spellings(text, value.chars().next()?).iter().all(Option::is_none);
    if is_none {
        return None;
    }
    // All places that its characters up to some lead to: `&` may be one, and the beginning of another.
    let mut ends = vec![0];
    for character in value.chars() {
        let next = ends.iter().flat_map(|end| {
            spellings(&text[*end..], character)
                .into_iter()
                .flatten()
                .map(move |length| end + length)
        });
        let mut next: Vec<usize> = next.collect();
        next.sort_unstable();
        next.dedup();
        if next.is_empty() {
            return None;
        }
        ends = next;
    }
    ends.last().copied()
}

/// The lengths of the spellings of `character` with which `text` begins.
fn spellings(text: &str, character: char) -> [Option<usize>; 4] {
    let itself = text.starts_with(character).then(|| character.len_utf8());
    // Most characters are none of these.
    match text.as_bytes().first() {
        Some(b'%') => [itself, in_url(text, character), None, None],
        Some(b'+') if character == ' ' => [Some(1), None, None, None],
        Some(b'\\') => [itself, in_json(text, character), escaped(text, character), None],
        Some(b'&') => [itself, in_page(text, character), None, None],
        _ => [itself, None, None, None],
    }
}

/// `%C3%A4`.
fn in_url(text: &str, character: char) -> Option<usize> {
    let mut bytes = [0; 4];
    let bytes = character.encode_utf8(&mut bytes).bytes();
    let mut rest = text;
    for byte in bytes {
        let digits = rest.strip_prefix('%')?.get(..2)?;
        rest = (hex(digits)? == u32::from(byte)).then(|| &rest[3..])?;
    }
    Some(text.len() - rest.len())
}

/// `\n`, `\/`.
fn escaped(text: &str, character: char) -> Option<usize> {
    let name = match character {
        '"' | '\\' | '/' => character,
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        _ => return None,
    };
    text.strip_prefix('\\')?.starts_with(name).then_some(2)
}

/// `\u00e4`, in pairs beyond the first 65536.
fn in_json(text: &str, character: char) -> Option<usize> {
    let mut units = [0; 2];
    let mut rest = text;
    for unit in character.encode_utf16(&mut units) {
        let digits = rest.strip_prefix("\\u")?.get(..4)?;
        rest = (hex(digits)? == u32::from(*unit)).then(|| &rest[6..])?;
    }
    Some(text.len() - rest.len())
}

/// `&amp;`, `&#38;`, `&#x26;`.
fn in_page(text: &str, character: char) -> Option<usize> {
    let end = text.bytes().take(ENTITY_MAX + 2).position(|byte| byte == b';')?;
    let name = text[..end].strip_prefix('&')?;
    (entity(name) == Some(character)).then_some(end + 1)
}

fn hex(digits: &str) -> Option<u32> {
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_however_it_is_written() {
        let secret = "pä \"ss&w/rd";
        for text in [
            "p=pä \"ss&w/rd.",
            "p=p%C3%A4+%22ss%26w%2Frd.",
            "p=p%C3%A4%20%22ss%26w%2Frd.",
            "p=pä \\\"ss&w/rd.",
            "p=p%c3%a4%20%22ss%26w%2frd.",
            "p=p\\u00e4 \\\"ss&w\\/rd.",
            "p=p\\u00E4 \\u0022ss\\u0026w/rd.",
            "p=p&#228; &quot;ss&amp;w&#x2F;rd.",
            "p=p&#xe4; &#34;ss&w/rd.",
        ] {
            assert_eq!(masked(text, [(secret, "${password}")]), "p=${password}.", "{text}");
        }
        let both = masked("abcd ab", [("ab", "1"), ("abcd", "2"), ("", "3")]);
        assert_eq!(both, "2 1");
        // What stands for one character may be some of the value's own.
        assert_eq!(masked("x&amp;amp;y", [("&amp;", "1")]), "x1y");
        let odd = "%, %4, %zz, &, &;, &#x;, \\, \\u12, \\u+0e4, %+4, ä";
        assert_eq!(masked(odd, [("secret", "1")]), odd);
        assert_eq!(masked("\\ud83c\\udfab &#x1F3AB;", [("🎫", "1")]), "1 1");
    }
}
