//! Three values, and what stands behind them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a judge says. The order is from good to bad, so that the worst of two is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Some order of the operations explains every answer.
    Valid,
    /// It could not be decided, or there was nothing to decide on.
    Unknown,
    /// No order of the operations explains the answers.
    Violation,
}

impl Verdict {
    /// The name in JSON and in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Unknown => "unknown",
            Self::Violation => "violation",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What kind of wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViolationKind {
    /// More was sold than there was.
    Oversell,
    /// The count fell by more than was sold.
    Undersell,
    /// One ticket number was sold twice.
    DuplicateTicket,
    /// The count fell by less than was sold.
    LostUpdate,
    /// No order agrees with real time.
    NotLinearizable,
    /// "Sold out" while enough was left.
    FalseSoldOut,
    /// A sale that was answered is not in the ledger.
    LostSale,
    /// One request got two different answers.
    AnsweredTwice,
    /// A count that cannot have been one, however late it was told.
    ImpossibleCount,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// What kind of wrong.
    pub kind: ViolationKind,
    /// The same for people: a lower-case fragment with the numbers in it.
    pub message: String,
    /// The operations that show it: their places in the history, from 0.
    pub operations: Vec<usize>,
    /// How these operations contradict each other, in whole sentences for people.
    pub story: Vec<String>,
    /// Whether it is none where somebody did more than this history knows.
    #[serde(skip)]
    pub needs_whole: bool,
}

/// What a history did not put to the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Untried {
    /// Nobody was told "sold out".
    SoldOut,
    /// No search was under way while somebody bought, and no sale says what it left.
    Searches,
    /// Refunds or restocks were asked for, and none was done.
    PutBacks,
}

impl Untried {
    /// What was not tried, and how it would be: a lower-case fragment.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::SoldOut => {
                "nobody was told sold out, so the last ticket was not raced for: start with fewer \
                 tickets than clients, or buy more (`-n`)"
            }
            Self::Searches => {
                "no search met a sale, and no sale says what it changed: let clients search too (`--mix`)"
            }
            Self::PutBacks => {
                "no refund, or no restock, was done that was asked for: see why they were refused; this project's server \
                 wants its operator's token for them (`--admin-token-file`)"
            }
        }
    }
}

/// How the story of a counterexample ends that needs the history to be whole.
pub(super) const WHOLE: &str = "That holds because this history is all that happened.";

/// What a judge found in one history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// What is wrong, the one with the fewest operations first.
    pub violations: Vec<Violation>,
    /// Why the verdict is not known: lower-case fragments.
    pub doubts: Vec<String>,
    /// What the history did not put to the test; costs nothing.
    pub untried: Vec<Untried>,
    /// What is worth knowing beside the verdict: lower-case fragments.
    pub notes: Vec<String>,
}

impl Judgement {
    /// A violation over a doubt over nothing to say.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if !self.violations.is_empty() {
            Verdict::Violation
        } else if !self.doubts.is_empty() {
            Verdict::Unknown
        } else {
            Verdict::Valid
        }
    }

    /// Both together: the verdict is the worse of the two.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.violations.extend(other.violations);
        self.doubts.extend(other.doubts);
        self.untried.extend(other.untried);
        self.untried.dedup();
        self.notes.extend(other.notes);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judgement(verdict: Verdict) -> Judgement {
        let mut judgement = Judgement::default();
        match verdict {
            Verdict::Valid => {}
            Verdict::Unknown => judgement.doubts.push("nothing overlapped".to_owned()),
            Verdict::Violation => judgement.violations.push(Violation {
                kind: ViolationKind::Oversell,
                message: "11 sold of 10".to_owned(),
                operations: Vec::new(),
                story: Vec::new(),
                needs_whole: false,
            }),
        }
        judgement
    }

    #[test]
    fn merging_takes_the_worst() {
        let all = [Verdict::Valid, Verdict::Unknown, Verdict::Violation];
        for a in all {
            for b in all {
                assert_eq!(judgement(a).merge(judgement(b)).verdict(), a.max(b));
            }
        }
    }

    #[test]
    fn kinds_have_the_names_of_the_contract() {
        let kinds = [
            (ViolationKind::Oversell, "oversell"),
            (ViolationKind::Undersell, "undersell"),
            (ViolationKind::DuplicateTicket, "duplicate-ticket"),
            (ViolationKind::LostUpdate, "lost-update"),
            (ViolationKind::NotLinearizable, "not-linearizable"),
            (ViolationKind::FalseSoldOut, "false-sold-out"),
            (ViolationKind::LostSale, "lost-sale"),
            (ViolationKind::AnsweredTwice, "answered-twice"),
            (ViolationKind::ImpossibleCount, "impossible-count"),
        ];
        for (kind, name) in kinds {
            assert_eq!(serde_json::to_value(kind).unwrap(), name);
        }
    }
}
