//! How a shop is spoken to: one of the servers, anybody's shop, or `db.txt` itself.
//!
//! # Invariants
//! - A purchase is answered `refused` only when it cannot have happened; whatever else is not
//!   understood is `unknown`.
//! - Only `servers` uses the crate `server`.

mod answer;
mod db_file;
mod flow;
mod html;
mod http_session;
mod http_shop;
mod location;
mod map;
mod own;
mod reader;
mod retry_after;
mod secret;
mod servers;
mod session;
mod way;
mod wire;

pub(crate) use answer::{NoStock, Stock, missing};
pub(crate) use db_file::{CounterError, Ending, create_counter, read_ending};
pub(crate) use flow::{Exchange, FlowFault, FlowSession, Sent};
pub(crate) use http_session::HttpSession;
pub(crate) use http_shop::Shop;
pub(crate) use location::{Location, LocationError};
pub(crate) use map::{Finding, Map, MapError, read_map};
pub(crate) use reader::{Reader, Response};
pub(crate) use secret::{Secret, masked};
pub(crate) use servers::{ServerError, ServerPlan, SpawnedServer, remove, serve, verify};
pub(crate) use session::{Address, Session, SessionError};
pub(crate) use way::IdleConnections;
pub(crate) use wire::{
    Failure, HAD_ANSWERED, Order, Reply, TlsConfigs, TlsError, Trust, Waiting, check_field,
};
