//! The engine that the counter is kept in, where chaos starts it: its members, and the network between them and to
//! the servers.
//!
//! - [`members`]: whichever engine it is; [`etcd`], [`postgres`]: each of them.
//!
//! # Invariants
//! - A member ends with this program, however that ends.
//! - Servers speak to members, and members to each other, by way of the network, which can be cut.

mod error;
mod etcd;
mod members;
mod postgres;

pub(super) use error::MemberError;
pub(super) use members::Cluster;
