//! What an answer says, whoever gave it.

use super::wire::Failure;
use crate::{
    history::{Answer, Missing, Outcome},
    plan::Action,
};

/// How many tickets a shop has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stock {
    /// Left.
    pub(crate) remaining: i64,
    /// Sold so far, where the shop says it.
    pub(crate) sold: Option<u64>,
    /// Put aside, where the shop says it.
    pub(crate) held: Option<u64>,
    /// The revision that this rests on, where there is one.
    pub(crate) revision: Option<u64>,
}

/// Why nobody knows how many tickets a shop has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct NoStock {
    /// Why: one line.
    pub(crate) reason: String,
    /// What to change, where that is known.
    pub(crate) hint: Option<String>,
    /// The status of the answer, and how it begins, where there is one.
    pub(crate) answer: Option<(u16, String)>,
}

impl From<String> for NoStock {
    fn from(reason: String) -> Self {
        Self { reason, hint: None, answer: None }
    }
}

/// What follows where the shop gave no answer. What looks at the count changes nothing, whatever became
/// of it.
pub(crate) fn missing(action: Action, failure: &Failure) -> Answer {
    let reason = failure.to_string();
    let (missing, answer) = match action {
        _ if failure.did_not_happen() => (Missing::Unsent, Answer::refused(reason)),
        Action::Search => (Missing::Unanswered, Answer::refused(reason)),
        Action::Buy
        | Action::Hold
        | Action::Confirm
        | Action::Release
        | Action::Refund
        | Action::Restock => (Missing::Unanswered, Answer::unknown(reason)),
    };
    // A shop that says too much will say as much again, and a request stays what it is.
    let is_passing = !matches!(failure, Failure::TooLong(_) | Failure::Unsendable(_));
    let is_turned_away = failure.did_not_happen();
    Answer { missing: Some(missing), is_passing, is_turned_away, ..answer }
}

/// What a look at the count says.
pub(super) fn found(stock: Result<Stock, NoStock>) -> Answer {
    match stock {
        Ok(stock) => Answer {
            remaining: Some(stock.remaining),
            revision: stock.revision,
            ..Answer::new(Outcome::Found)
        },
        Err(error) => Answer::refused(error.reason),
    }
}
