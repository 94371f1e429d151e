//! What the clients saw: one operation for each call, with its answer and both times.
//!
//! # Invariants
//! - All times of a run come from one monotonic clock that its processes share.
//! - An operation has no return time exactly when its outcome is unknown.

mod clock;
mod header;
mod ndjson;
mod operation;
mod tickets;
mod writer;

pub use clock::monotonic_ns;
pub use header::{FORMAT_VERSION, Header, Numbering};
pub use ndjson::{LineError, decode, encode};
pub use operation::{Answer, CriticalSection, Operation, OperationKind, Outcome};
pub use tickets::Tickets;
pub(crate) use writer::{HistoryWriter, begin_history, finish_history};
