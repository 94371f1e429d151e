//! The rules by which answers are told apart: their status, and what stands in them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    count::Count,
    members::{OneOrMany, Refused, SoldOut},
    place::{Held, Looked, Place},
};
use crate::{
    history::{Answer, Outcome},
    shop::wire::{is_passing, is_turned_away},
};

/// What is wrong with a map: the name of the member, and why.
pub(super) type Fault = (String, String);

/// When an answer is of some kind: its status, and what stands in it.
#[derive(Clone, Debug)]
pub(in crate::shop) struct When {
    name: String,
    status: Vec<u16>,
    condition: Vec<(Place, Value)>,
    /// Whether the rule names something else that must be there: a ticket.
    says_more: bool,
}

/// How "sold out" is known, and what it says.
#[derive(Clone, Debug)]
struct SoldOutRule {
    when: When,
    remaining: Option<Count>,
    revision: Option<Place>,
}

/// The ways in which a call says that it sells nothing.
#[derive(Clone, Debug, Default)]
pub(in crate::shop) struct Refusals {
    sold_out: Vec<SoldOutRule>,
    refused: Vec<RefusedRule>,
}

/// How it is known that nothing happened.
#[derive(Clone, Debug)]
struct RefusedRule {
    when: When,
    /// Whether it is sent again.
    again: bool,
}

impl When {
    /// The rule in the table `name` of a map.
    ///
    /// # Errors
    /// Names what makes no sense in it.
    pub(super) fn new(
        name: &str,
        status: &[u16],
        condition: &BTreeMap<String, Value>,
    ) -> Result<Self, Fault> {
        if status.is_empty() || status.iter().any(|status| !(100..600).contains(status)) {
            let reason = "expected status codes, as in `[200, 201]`".to_owned();
            return Err((format!("{name}.status"), reason));
        }
        let condition = condition
            .iter()
            .map(|(place, value)| {
                let member = format!("{name}.where");
                let fault = named(&member);
                if matches!(value, Value::Null | Value::Array(_) | Value::Object(_)) {
                    return Err(fault(format!(
                        "`{place}`: expected a text, a number, `true` or `false`\n\
                         hint: a place may lead into a list, as in `\"{place}/0\" = 1`"
                    )));
                }
                Ok((Place::parse(place).map_err(fault)?, value.clone()))
            })
            .collect::<Result<_, Fault>>()?;
        Ok(Self { name: name.to_owned(), status: status.to_vec(), condition, says_more: false })
    }

    /// The same where the rule names something else that must be there, or does not.
    pub(super) fn that_says_more(self, says_more: bool) -> Self {
        Self { says_more, ..self }
    }

    /// Whether an answer is of this kind. What only lacks something is so where the rule says more: else an
    /// error, which lacks it too, would be.
    pub(in crate::shop) fn holds(&self, status: u16, looked: &Looked<'_>) -> bool {
        let mut is_shown = self.says_more || self.condition.is_empty();
        for (place, wanted) in &self.condition {
            match place.holds(looked, wanted) {
                Held::Yes => is_shown = true,
                Held::Absent => {}
                Held::No => return false,
            }
        }
        is_shown && self.status.contains(&status)
    }

    /// Its name in the map.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it names this status.
    pub(in crate::shop) fn names(&self, status: u16) -> bool {
        self.status.contains(&status)
    }

    /// What it asks for.
    pub(super) fn conditions(&self) -> impl Iterator<Item = (&Place, &Value)> {
        self.condition.iter().map(|(place, value)| (place, value))
    }
}

impl Refusals {
    /// The rules of the call `name`.
    ///
    /// # Errors
    /// Names what makes no sense in them.
    pub(super) fn new(
        name: &str,
        sold_out: &OneOrMany<SoldOut>,
        refused: &OneOrMany<Refused>,
    ) -> Result<Self, Fault> {
        let (many, much) = (sold_out.0.len() > 1, refused.0.len() > 1);
        let sold_out = sold_out.0.iter().enumerate().map(|(place, rule)| {
            let name = numbered(&format!("{name}.sold_out"), place, many);
            Ok(SoldOutRule {
                when: When::new(&name, &rule.status, &rule.condition)?,
                remaining: optional_count(&format!("{name}.remaining"), rule.remaining.as_deref())?,
                revision: optional(&format!("{name}.revision"), rule.revision.as_deref())?,
            })
        });
        let refused = refused.0.iter().enumerate().map(|(place, rule)| {
            let name = numbered(&format!("{name}.refused"), place, much);
            let when = When::new(&name, &rule.status, &rule.condition)?;
            Ok(RefusedRule { when, again: rule.again })
        });
        Ok(Self {
            sold_out: sold_out.collect::<Result<_, Fault>>()?,
            refused: refused.collect::<Result<_, Fault>>()?,
        })
    }

    /// What an answer says that one of these rules knows.
    pub(in crate::shop) fn read(&self, status: u16, looked: &Looked<'_>) -> Option<Answer> {
        if let Some(rule) = self.sold_out.iter().find(|rule| rule.when.holds(status, looked)) {
            return Some(Answer {
                remaining: rule.remaining.as_ref().and_then(|place| place.number(looked)),
                revision: rule.revision.as_ref().and_then(|place| place.number(looked)),
                ..Answer::new(Outcome::SoldOut)
            });
        }
        let rule = self.refused.iter().find(|rule| rule.when.holds(status, looked))?;
        let is_passing = rule.again || may_pass(status, looked);
        let is_turned_away = rule.again || turns_away(status, looked);
        let refused = Answer::refused(format!("status {status}"));
        Some(Answer { is_passing, is_turned_away, ..refused })
    }

    /// The rules one by one.
    pub(super) fn rules(&self) -> impl Iterator<Item = &When> {
        let sold_out = self.sold_out.iter().map(|rule| &rule.when);
        sold_out.chain(self.refused.iter().map(|rule| &rule.when))
    }

    /// The count that a "sold out" tells, for people.
    pub(super) fn sold_out_count(
        &self,
        status: u16,
        looked: &Looked<'_>,
    ) -> Option<(String, &Count)> {
        let rule = self.sold_out.iter().find(|rule| rule.when.holds(status, looked))?;
        Some((format!("{}.remaining", rule.when.name()), rule.remaining.as_ref()?))
    }

    /// Whether one of them names this status.
    pub(in crate::shop) fn names(&self, status: u16) -> bool {
        self.rules().any(|when| when.names(status))
    }
}

/// Whether whoever answered so may answer otherwise a little later: who says when to come back expects that.
pub(super) fn may_pass(status: u16, looked: &Looked<'_>) -> bool {
    is_passing(status) || looked.has_field("retry-after")
}

/// Whether whoever answered so did not take the call on.
pub(super) fn turns_away(status: u16, looked: &Looked<'_>) -> bool {
    is_turned_away(status, looked.has_field("retry-after"))
}

/// The place that `text` is, where there is one.
pub(super) fn optional(member: &str, text: Option<&str>) -> Result<Option<Place>, Fault> {
    text.map(Place::parse).transpose().map_err(named(member))
}

/// The count that `text` is, where there is one.
pub(super) fn optional_count(member: &str, text: Option<&str>) -> Result<Option<Count>, Fault> {
    text.map(Count::parse).transpose().map_err(named(member))
}

/// A fault of `member`.
pub(super) fn named(member: &str) -> impl Fn(String) -> Fault {
    move |reason| (member.to_owned(), reason)
}

fn numbered(name: &str, place: usize, is_list: bool) -> String {
    if is_list { format!("{name}[{}]", place + 1) } else { name.to_owned() }
}
