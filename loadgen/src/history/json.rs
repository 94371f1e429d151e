//! What is wrong with JSON that some program wrote, and where. Pure.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// What `error` says is wrong, without its place: that is one within what was given.
pub(super) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place).unwrap_or(&text) {
        // So it says of what is no text, where only some are taken.
        "expected value" => "expected one of its names, as a text".to_owned(),
        reason => reason.to_owned(),
    }
}

/// The member of `object` whose value `error` is about, as in `links.hold`, and the column at which that begins; `None`
/// where it is about none that is there.
pub(super) fn member(object: &str, error: &serde_json::Error) -> Option<(String, usize)> {
    let reason = reason(error);
    let is_of_none =
        ["missing field", "duplicate field"].iter().any(|none| reason.starts_with(none));
    if is_of_none { None } else { member_at(object, object, error.column()) }
}

/// The member of `object`, which is part of `line`, that was read when so many bytes of the line were.
fn member_at(line: &str, object: &str, bytes: usize) -> Option<(String, usize)> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(object).ok()?;
    let begin = |value: &RawValue| value.get().as_ptr().addr() - line.as_ptr().addr();
    let read = members.iter().filter(|(_, value)| begin(value) <= bytes);
    let (name, value) = read.max_by_key(|(_, value)| begin(value))?;
    let is_inside = bytes <= begin(value) + value.get().len();
    let inner = member_at(line, value.get(), bytes).filter(|_| is_inside);
    Some(match inner {
        Some((inner, column)) => (format!("{name}.{inner}"), column),
        None => (name.clone(), begin(value) + 1),
    })
}
