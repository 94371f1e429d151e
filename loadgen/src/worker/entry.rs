//! What a worker process writes down, one entry behind the other.

use serde::{Deserialize, Serialize};

use crate::{history::Answer, plan::Action, target::Reply};

/// What happened to a client of a worker; the bytes of it need not be read by another version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Entry<'a> {
    /// A client begins an operation.
    Begun {
        /// Which.
        client: u32,
        /// What it does.
        action: Action,
        /// Whether it is measured, and not part of the warm-up.
        is_counted: bool,
        /// When it was due, in nanoseconds of the run's clock.
        due_ns: u64,
        /// When it is sent, on the same clock.
        sent_ns: u64,
        /// The idempotency key, where it has one.
        key: Option<String>,
    },
    /// What a client has begun was answered; what that says is still to be read.
    Answered {
        /// Which.
        client: u32,
        /// With what.
        #[serde(borrow)]
        reply: Reply<'a>,
        /// When, in nanoseconds of the run's clock.
        answered_ns: u64,
    },
    /// What a client has begun ended, and how.
    Ended {
        /// Which.
        client: u32,
        /// What is known.
        answer: Answer,
        /// Whether there was no answer at all.
        has_failed: bool,
        /// When, in nanoseconds of the run's clock.
        answered_ns: u64,
    },
    /// An operation is not begun, since all is over.
    Unsent {
        /// When it was due, in nanoseconds of the run's clock.
        due_ns: u64,
        /// Until when it waited, on the same clock.
        now_ns: u64,
    },
}
