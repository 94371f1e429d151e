//! Places of a map, and what stood there in an answer, for people.

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
        let number = place.number(looked).map(|number| number.to_string());
        Some(Self::new(member, place, number))
    }
}
