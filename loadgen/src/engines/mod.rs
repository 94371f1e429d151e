//! Engines on this machine, as shows and tests start them: etcd and PostgreSQL as Debian has them, on loopback, and
//! what goes between them, which can be cut.
//!
//! - [`free_addresses`]: where they listen.
//! - [`etcd`], [`postgres`]: their command lines and settings. Pure but for where the programs are.
//! - [`Network`]: proxies in front of them, that cut off whom they are told to.

pub mod etcd;
pub mod postgres;

mod addresses;
mod network;

pub use addresses::{Addresses, free_addresses};
pub use network::{Network, Sender};
