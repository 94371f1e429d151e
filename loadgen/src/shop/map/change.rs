//! Reads what a call says that changes what is left and sells nothing.

use super::{
    count::Count,
    finding::Finding,
    members::{Done, OneOrMany, Refused, SoldOut},
    place::{Looked, Place},
    rules::{Fault, Refusals, When, optional, optional_count},
};
use crate::history::{Answer, Outcome};

/// The status of what is taken on and not done yet (RFC 9110, 15.3.3): its tickets come at any time, or never.
const ACCEPTED: u16 = 202;

/// What is said of that.
const TAKEN_ON: &str = "status 202, which takes it on and does not say that it is done";

/// Reads the answers of such a call.
#[derive(Clone, Debug)]
pub(super) struct ChangeReader {
    /// Whether it puts tickets on sale.
    adds: bool,
    done: When,
    remaining: Option<Count>,
    revision: Option<Place>,
    refusals: Refusals,
}

impl ChangeReader {
    /// Reads what the table `table` says.
    ///
    /// # Errors
    /// Names the member of the map that makes no sense, and why.
    pub(super) fn new(
        table: &str,
        done: &Done,
        (sold_out, refused): (&OneOrMany<SoldOut>, &OneOrMany<Refused>),
    ) -> Result<Self, Fault> {
        let name = format!("{table}.done");
        Ok(Self {
            adds: table != "hold",
            done: When::new(&name, &done.status, &done.condition)?,
            remaining: optional_count(&format!("{name}.remaining"), done.remaining.as_deref())?,
            revision: optional(&format!("{name}.revision"), done.revision.as_deref())?,
            refusals: Refusals::new(table, sold_out, refused)?,
        })
    }

    /// What an answer says that one of the rules knows. What is refused goes first: `done` may be every status
    /// of success.
    pub(super) fn known(&self, status: u16, looked: &Looked<'_>) -> Option<Answer> {
        self.refusals.read(status, looked).or_else(|| {
            self.done.holds(status, looked).then(|| match status {
                ACCEPTED if self.adds => Answer::unknown(TAKEN_ON),
                _ => Answer {
                    remaining: self.remaining.as_ref().and_then(|count| count.number(looked)),
                    revision: self.revision.as_ref().and_then(|place| place.number(looked)),
                    ..Answer::new(Outcome::Done)
                },
            })
        })
    }

    /// Its places and what stands there, for people.
    pub(super) fn findings(&self, status: u16, looked: &Looked<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for rule in self.refusals.rules().chain([&self.done]) {
            findings.extend(Finding::of_rule(rule, status, looked));
        }
        let name = self.done.name();
        if self.done.holds(status, looked) {
            let (remaining, revision) = (self.remaining.as_ref(), self.revision.as_ref());
            findings.extend(Finding::of_count(&format!("{name}.remaining"), remaining, looked));
            findings.extend(Finding::of_number(&format!("{name}.revision"), revision, looked));
        } else {
            let told = self.refusals.sold_out_count(status, looked);
            findings.extend(
                told.and_then(|(name, count)| Finding::of_count(&name, Some(count), looked)),
            );
        }
        findings
    }
}
