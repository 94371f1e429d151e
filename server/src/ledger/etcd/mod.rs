//! The ledger in etcd: any number of servers, on any number of machines, share one counter.
//!
//! A batch is one transaction, which compares that the head is as it was and puts the
//! batch and the next head; so no two servers can append behind the same record. What
//! is there is durable on a quorum of the members.
//!
//! # Layout
//! - [`address`]: where a counter is, as typed; [`options`]: what comes in from outside.
//! - [`keys`], [`text`]: which keys there are, and what their values say; pure.
//! - [`cluster`]: the members, and calls to one of them; `store`: what is asked of them.
//! - [`creation`]: making one (`--init`); [`staging`]: one that is made of another's records.
//! - `hint`, `lead`: what is heard of others between turns, and who goes first; nothing rests on either.
//! - `snapshots`: what a start reads instead of all records; old batches merged into pages.
//! - `progress`, [`turn`], [`batch`], [`engine`]: where this process is; the engine.
//! - `room`: how full the cluster is, for whoever runs it.
//! - [`archive`]: reading beside the turns; [`scan`]: all of it, to look it over.

pub mod address;
pub mod archive;
pub mod batch;
pub mod cluster;
pub mod creation;
pub mod engine;
pub mod error;
mod hint;
pub mod keys;
mod lead;
pub mod options;
mod progress;
mod room;
pub mod scan;
mod snapshots;
pub mod staging;
mod store;
pub mod text;
pub mod turn;
