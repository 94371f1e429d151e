//! Where a worker buys: from one of the servers, or from `db.txt` itself.
//!
//! # Invariants
//! - A purchase is answered `refused` only when it cannot have happened; whatever else is not
//!   understood is `unknown`.
//! - Only `spawned` uses the crate `server`.

mod address;
mod answer;
mod connection;
mod counter;
mod failure;
mod file;
mod head;
mod http;
mod location;
mod map;
mod reply;
mod returned;
mod spawned;
mod stream;
mod template;
mod tls;

pub(crate) use address::{Address, Target, TargetError};
pub(crate) use counter::{CounterError, Ending, create_counter, read_ending};
pub(crate) use failure::Failure;
pub(crate) use http::{HttpTarget, IdleConnections, Shop};
pub(crate) use location::{Location, LocationError};
pub(crate) use map::{Map, MapError};
pub(crate) use reply::{Heard, Reading, Reply};
pub(crate) use returned::{Returned, Stock};
pub(crate) use spawned::{ServerError, ServerPlan, SpawnedServer, serve};
pub(crate) use stream::Waiting;
pub(crate) use template::{Order, check_field};
pub(crate) use tls::{TlsConfigs, TlsError, Trust};
