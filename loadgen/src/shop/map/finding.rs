//! Places of a map, and what stood there in an answer, for people.

use serde_json::Value;

use super::{
    count::{Count, Counted},
    place::{Looked, Place},
    rules::When,
    text::plain,
};

/// A place of a map, and what stood there in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The member of the map.
    pub(crate) member: String,
    /// The place.
    pub(crate) place: String,
    /// What stood there.
    pub(crate) found: Option<String>,
}

/// An answer that a rule of the map knows, and that does not say what the map has it say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::shop) struct Misread {
    /// What it lacks, a fragment.
    pub(in crate::shop) reason: String,
    /// What to write instead.
    pub(in crate::shop) hint: String,
}

/// What kind of value this is, with its article.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "`null`",
        Value::Bool(true) => "`true`",
        Value::Bool(false) => "`false`",
        Value::Number(_) => "a number",
        Value::String(text) if text.trim().is_empty() => "an empty text",
        Value::String(_) => "a text",
        Value::Array(items) if items.is_empty() => "an empty list",
        Value::Array(items) if items.iter().any(Value::is_object) => "a list of objects",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// What stands at `place`, as part of a sentence.
pub(super) fn stands(place: &Place, looked: &Looked<'_>) -> String {
    match place.find(looked) {
        Some(found) => format!("{} stands at `{place}`", kind(&found)),
        None if matches!(place, Place::Pointer(_)) && looked.json.is_null() => {
            format!("`{place}` is a place in JSON, and the answer is none")
        }
        None => format!("nothing stands at `{place}`"),
    }
}

/// A place within what was `found` at `place` where a number or a text stands: that of its own name first, then one that
/// a ticket may have.
pub(super) fn member_in(place: &Place, found: &Value) -> Option<String> {
    const NAMES: [&str; 4] = ["id", "number", "no", "name"];
    let Place::Pointer(pointer) = place else { return None };
    let (object, within) = match found {
        Value::Array(items) => (items.iter().find_map(Value::as_object)?, "/*"),
        other => (other.as_object()?, ""),
    };
    let is_plain =
        |name: &&str| object.get(*name).is_some_and(|value| value.is_number() || value.is_string());
    let own = pointer.rsplit('/').next().unwrap_or_default();
    let names = [own, own.trim_end_matches('s')].into_iter().chain(NAMES);
    let name = names.chain(object.keys().map(String::as_str)).find(is_plain)?;
    Some(format!("{pointer}{within}/{}", name.replace('~', "~0").replace('/', "~1")))
}

impl Finding {
    /// Of `member`, at `place`.
    pub(super) fn new(member: &str, place: &Place, found: Option<String>) -> Self {
        Self { member: member.to_owned(), place: place.to_string(), found }
    }

    /// Whether a rule holds, and what stands where it asks.
    pub(super) fn of_rule(when: &When, status: u16, looked: &Looked<'_>) -> Vec<Self> {
        let holds = if when.holds(status, looked) { "holds" } else { "does not hold" };
        let mut findings = vec![Self {
            member: when.name().to_owned(),
            place: if when.names(status) { "status" } else { "another status" }.to_owned(),
            found: Some(holds.to_owned()),
        }];
        if when.names(status) {
            findings.extend(when.conditions().map(|(place, _)| {
                let found = place.find(looked).map(|value| plain(&value).into_owned());
                Self::new(&format!("{}.where", when.name()), place, found)
            }));
        }
        findings
    }

    /// The count at `member`, where the map has it.
    pub(super) fn of_count(
        member: &str,
        count: Option<&Count>,
        looked: &Looked<'_>,
    ) -> Option<Self> {
        let count = count?;
        let found = match count.read(looked) {
            Counted::Number(number) => Some(number.to_string()),
            Counted::Some(word) => Some(format!("{word}, which is no number")),
            Counted::Nothing => None,
        };
        Some(Self { member: member.to_owned(), place: count.to_string(), found })
    }

    /// The number at `member`, where the map has it.
    pub(super) fn of_number(
        member: &str,
        place: Option<&Place>,
        looked: &Looked<'_>,
    ) -> Option<Self> {
        let place = place?;
        let number = match place.number(looked) {
            Some(number) => Some(number.to_string()),
            None => place.find(looked).map(|found| format!("{}, which is no number", kind(&found))),
        };
        Some(Self::new(member, place, number))
    }
}
