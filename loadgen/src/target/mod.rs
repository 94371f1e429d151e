//! Where a worker buys: from one of the servers, or from `db.txt` itself.
//!
//! # Invariants
//! - A purchase is answered `refused` only when it cannot have happened; whatever else is not
//!   understood is `unknown`.
//! - Only `spawned` uses the crate `server`.

mod address;
mod counter;
mod file;
mod http;
mod spawned;

pub(crate) use address::{Address, Target};
pub(crate) use counter::{CounterError, Ending, create_counter, read_ending};
pub(crate) use spawned::{ServerError, ServerPlan, SpawnedServer, serve};
