//! What comes back from a shop.

use super::wire::Failure;
use crate::{
    history::{Answer, Outcome},
    plan::Action,
};

/// What came back from one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Returned {
    /// As the history has it.
    pub(crate) answer: Answer,
    /// Whether there was no answer at all.
    pub(crate) has_failed: bool,
    /// Whether the same call, sent again, may get a better answer.
    pub(crate) is_passing: bool,
}

/// How many tickets a shop has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stock {
    /// Left.
    pub(crate) remaining: i64,
    /// Sold so far, where the shop says it.
    pub(crate) sold: Option<u64>,
    /// The revision that this rests on, where there is one.
    pub(crate) revision: Option<u64>,
}

impl Returned {
    /// The shop answered this.
    pub(crate) fn answered(answer: Answer) -> Self {
        Self { answer, has_failed: false, is_passing: false }
    }

    /// The shop gave no answer. What looks at the count changes nothing, whatever became of it.
    pub(crate) fn failed(action: Action, failure: &Failure) -> Self {
        let reason = failure.to_string();
        let answer = if failure.did_not_happen() || action == Action::Search {
            Answer::refused(reason)
        } else {
            Answer::unknown(reason)
        };
        Self { answer, has_failed: true, is_passing: true }
    }

    /// The shop looked at its count.
    pub(super) fn found(stock: Result<Stock, String>) -> Self {
        Self::answered(match stock {
            Ok(stock) => Answer {
                remaining: Some(stock.remaining),
                revision: stock.revision,
                ..Answer::new(Outcome::Found)
            },
            Err(reason) => Answer::refused(reason),
        })
    }
}
