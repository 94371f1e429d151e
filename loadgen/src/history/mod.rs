//! What the clients saw: one operation for each call, with its answer and both times.
//!
//! # Invariants
//! - All times of a run come from one monotonic clock that its processes share.
//! - An operation has no return time exactly when its outcome is unknown.

mod clock;
mod numbers;

mod header;
mod links;
mod operation;
mod tickets;
mod writer;

mod ndjson;
mod scan;

mod assembly;
mod blocks;
mod json;
mod lines;
mod places;
mod read_error;
mod read_limits;
mod reading;
mod recorded;
mod repeats;

mod file;

pub use clock::{clock_name, monotonic_ns};
pub use file::HistoryFile;
pub use header::{CountTiming, FORMAT_VERSION, Header, Numbering, Revisions, signed};
pub use links::Links;
pub use ndjson::{LineError, decode, encode};
pub(crate) use numbers::{digits_beyond_floats, whole};
pub use operation::{Answer, CriticalSection, Missing, Operation, OperationKind, Outcome};
pub use places::Places;
pub use read_error::ReadError;
pub use read_limits::ReadLimits;
pub use reading::read_files;
pub use recorded::History;
pub use tickets::{Ticket, Tickets};
pub(crate) use writer::{HistoryWriter, Room, begin_history, finish_history};
