//! `db.txt` itself as a shop: no server, a worker sells to itself, as the lesson's programs do.

mod counter;
mod session;

pub(crate) use counter::{CounterError, Ending, create_counter, read_ending};
pub(super) use session::FileSession;
