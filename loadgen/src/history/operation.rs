//! One call with its answer and both times.

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    Links, Tickets,
    numbers::{number, number_or_null},
};

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Buy tickets.
    Buy,
    /// Look at the count.
    Search,
    /// Put tickets aside.
    Hold,
    /// Buy what was put aside.
    Confirm,
    /// Give back what was put aside.
    Release,
    /// Give back what was bought.
    Refund,
    /// Add tickets.
    Restock,
}

impl OperationKind {
    /// Whether it gives out ticket numbers.
    #[must_use]
    pub fn numbers_tickets(self) -> bool {
        matches!(self, Self::Buy | Self::Confirm)
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Bought.
    Sold,
    /// Looked at.
    Found,
    /// Carried out.
    Done,
    /// Not enough was left.
    SoldOut,
    /// It did not happen.
    Refused,
    /// It may have happened.
    Unknown,
}

/// From the read of the count to the write of it: where two of these overlap and nothing keeps them
/// apart, an update is lost. Times are of the run's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(expecting = "an object")]
pub struct CriticalSection {
    /// When the count was read, in nanoseconds.
    #[serde(deserialize_with = "number")]
    pub read_ns: u64,
    /// When it was written, or found to be too low, in nanoseconds.
    #[serde(deserialize_with = "number")]
    pub write_ns: u64,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Missing {
    /// Nobody was asked: the call was never sent as a whole.
    Unsent,
    /// Whoever was asked gave none.
    Unanswered,
}

/// What a call came back with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// How it ended.
    pub outcome: Outcome,
    /// The tickets that were sold.
    pub tickets: Tickets,
    /// How many were sold, where they are fewer than were asked for.
    pub quantity: Option<u64>,
    /// How many were left, as the answer says; below 0 where a shop owes tickets.
    pub remaining: Option<i64>,
    /// The revision that the answer rests on.
    pub revision: Option<u64>,
    /// When the seller read the count and when it wrote it, where it says so.
    pub section: Option<CriticalSection>,
    /// Why it was refused or is unknown; a fragment for people, no part of the history.
    pub reason: Option<String>,
    /// How an answer begins that nobody could read.
    pub unread: Option<Box<String>>,
    /// Where nobody gave an answer, and this is what follows from that; no part of the history.
    pub missing: Option<Missing>,
    /// Whether the same call, sent again, may get a better answer; no part of the history.
    pub is_passing: bool,
    /// Whether the shop did not take the call on, and so put nothing aside for it.
    pub is_turned_away: bool,
}

impl Answer {
    /// An answer of `outcome` that says no more.
    #[must_use]
    pub fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            tickets: Tickets::default(),
            quantity: None,
            remaining: None,
            revision: None,
            section: None,
            reason: None,
            unread: None,
            missing: None,
            is_passing: false,
            is_turned_away: false,
        }
    }

    /// It did not happen, because of `reason`.
    #[must_use]
    pub fn refused(reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::new(Outcome::Refused) }
    }

    /// It may have happened; `reason` says why nobody knows.
    #[must_use]
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::new(Outcome::Unknown) }
    }
}

/// One operation: a line of a history.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Operation {
    /// Which worker called.
    #[serde(deserialize_with = "number")]
    pub process: u32,
    /// What was asked for.
    pub op: OperationKind,
    /// How many tickets; `None` where the call names no number.
    #[serde(default, deserialize_with = "number_or_null")]
    pub quantity: Option<u64>,
    /// The idempotency key.
    pub key: Option<String>,
    /// When the call was made, in nanoseconds of the run's clock.
    #[serde(deserialize_with = "number")]
    pub call_ns: u64,
    /// When the answer came; `None` exactly when the outcome is unknown.
    #[serde(default, deserialize_with = "number_or_null")]
    pub return_ns: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
    /// The tickets that were sold.
    #[serde(default, deserialize_with = "null_or")]
    pub tickets: Tickets,
    /// How many were left, as the answer says; below 0 where a shop owes tickets.
    #[serde(default, deserialize_with = "number_or_null")]
    pub remaining: Option<i64>,
    /// The revision that the answer rests on.
    #[serde(default, deserialize_with = "number_or_null")]
    pub revision: Option<u64>,
    /// When the seller read the count and when it wrote it; left out where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<Box<CriticalSection>>,
    /// The hold and the sale that it is about; left out where nothing is known of either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<Box<Links>>,
    /// Whether the shop did not take on what it refused, and so put nothing aside for it; left out elsewhere.
    #[serde(default, deserialize_with = "null_or", skip_serializing_if = "is_false")]
    pub turned_away: bool,
    /// How an answer begins that matched no rule of a map; left out elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Box<String>>,
}

/// A member that is null says as little as one that is not there.
pub(super) fn null_or<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(claim: &bool) -> bool {
    !*claim
}

impl Operation {
    /// A search by worker `process`, called at `call_ns` and answered at `return_ns`.
    #[must_use]
    pub fn search(process: u32, call_ns: u64, return_ns: u64, answer: Answer) -> Self {
        Self::of(OperationKind::Search, process, call_ns, return_ns, answer)
    }

    /// A purchase of one ticket by worker `process`, called at `call_ns` and answered at
    /// `return_ns`.
    #[must_use]
    pub fn buy(process: u32, call_ns: u64, return_ns: u64, answer: Answer) -> Self {
        Self {
            quantity: Some(1),
            ..Self::of(OperationKind::Buy, process, call_ns, return_ns, answer)
        }
    }

    /// An operation of the kind `op`, of so many tickets, by worker `process`, called at `call_ns` and
    /// answered at `return_ns`.
    #[must_use]
    pub fn of_kind(
        (op, quantity): (OperationKind, Option<u64>),
        process: u32,
        call_ns: u64,
        return_ns: u64,
        answer: Answer,
    ) -> Self {
        Self { quantity, ..Self::of(op, process, call_ns, return_ns, answer) }
    }

    /// The hold that it is about, where that is known.
    #[must_use]
    pub fn hold(&self) -> Option<&str> {
        self.links.as_ref()?.hold.as_deref()
    }

    /// The sale that it is about, where that is known.
    #[must_use]
    pub fn sale(&self) -> Option<&str> {
        self.links.as_ref()?.sale.as_deref()
    }

    fn of(op: OperationKind, process: u32, call_ns: u64, return_ns: u64, answer: Answer) -> Self {
        Self {
            process,
            op,
            quantity: None,
            key: None,
            call_ns,
            return_ns: (answer.outcome != Outcome::Unknown).then_some(return_ns),
            outcome: answer.outcome,
            tickets: answer.tickets,
            remaining: answer.remaining,
            revision: answer.revision,
            section: answer.section.map(Box::new),
            links: None,
            turned_away: answer.outcome == Outcome::Refused && answer.is_turned_away,
            answer: answer.unread,
        }
    }
}
