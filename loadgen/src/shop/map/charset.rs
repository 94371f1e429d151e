//! Bytes of an answer as text. Pure.
//!
//! # Invariants
//! - Nothing is lost: two names that differ in their bytes differ in the text, where an answer keeps to one charset.

use std::borrow::Cow;

use encoding_rs::{Encoding, WINDOWS_1252};

/// What some programs put before the first character.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// `bytes` as text: as UTF-8, and byte for byte as Latin-1 has it what is none.
pub(in crate::shop) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    str::from_utf8(bytes).map_or_else(|_| mixed(bytes), Cow::Borrowed)
}

/// `body` as text, without a byte order mark: as UTF-8, or else in the charset that `kind` names, the value of
/// `Content-Type`, or else as [`text_of`]. One that is written in the bytes of other characters comes first: its
/// texts can be UTF-8 and mean something else.
pub(super) fn text_of_body<'a>(
    body: &'a [u8],
    kind: impl FnOnce() -> Option<&'a str>,
) -> Cow<'a, str> {
    let (marked, mark_length) = Encoding::for_bom(body).unzip();
    let encoding = marked.or_else(|| Encoding::for_label(charset(kind()?)?.as_bytes()));
    if let Ok(text) = str::from_utf8(body)
        && encoding.is_none_or(Encoding::is_ascii_compatible)
    {
        return Cow::Borrowed(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text));
    }
    let body = &body[mark_length.unwrap_or_default()..];
    let decoded = encoding
        .and_then(|encoding| encoding.decode_without_bom_handling_and_without_replacement(body));
    decoded.unwrap_or_else(|| mixed(body))
}

/// The charset that a `Content-Type` of this value names (RFC 9110, 8.3).
fn charset(kind: &str) -> Option<&str> {
    kind.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches('"'))
    })
}

/// `bytes` as UTF-8, where they are that, and elsewhere as Latin-1 in the way of browsers (windows-1252), which has a
/// character for every byte.
fn mixed(bytes: &[u8]) -> Cow<'_, str> {
    let chunks = bytes.utf8_chunks();
    let text = chunks.fold(String::new(), |text, chunk| {
        text + chunk.valid() + &WINDOWS_1252.decode_without_bom_handling(chunk.invalid()).0
    });
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_in_its_charset() {
        for (body, kind, text) in [
            (&b"Pl\xe4tze: \xc5-1"[..], Some("text/html; charset=ISO-8859-1"), "Plätze: Å-1"),
            (b"Pl\xe4tze: \xc5-1", None, "Plätze: Å-1"),
            (b"Pl\xe4tze: \xc5-1", Some("text/html"), "Plätze: Å-1"),
            (b"\x80 12", Some("text/plain; charset=none-such"), "€ 12"),
            (b"\xc0-1", Some("text/html; Charset=\"Windows-1251\""), "А-1"),
            (b"\x83A-1", Some("text/html;charset=Shift_JIS"), "ア-1"),
            (b"\xff\xfeA\0\xc5\0", Some("application/json; charset=utf-16"), "AÅ"),
            (b"A\0-\x001\0", Some("text/plain; charset=utf-16"), "A-1"),
            (b"\0A\0-\x001", Some("text/plain; charset=UTF-16BE"), "A-1"),
            (b"0B0D", Some("text/plain; charset=utf-16be"), "あい"),
            (b"\x1b$B%\"\x1b(B-1", Some("text/html; charset=ISO-2022-JP"), "ア-1"),
            (b"A-1", Some("text/html; charset=ISO-2022-JP"), "A-1"),
            (b"A-1", Some("text/html; charset=iso-2022-kr"), "A-1"),
            // It says one thing and is another: what is UTF-8 stays that.
            ("Plätze: Å-1 ".as_bytes(), Some("text/html; charset=ISO-8859-1"), "Plätze: Å-1 "),
            (b"Pl\xc3\xa4tze: \xc5-1", Some("text/html; charset=utf-8"), "Plätze: Å-1"),
            (b"Pl\xe4tze \xff", Some("text/html; charset=gbk"), "Plätze ÿ"),
            (b"\xef\xbb\xbf{}", None, "{}"),
            (b"\xef\xbb\xbf\xc5", None, "Å"),
        ] {
            assert_eq!(text_of_body(body, || kind), text, "{kind:?}");
        }
    }

    #[test]
    fn no_two_bytes_are_one_character() {
        let read = (0..=u8::MAX).map(|byte| text_of(&[byte]).into_owned());
        let mut texts: Vec<String> = read.collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 256);
    }
}
