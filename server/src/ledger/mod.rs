//! Where sales are kept: the ordered list of everything that changed the count.
//!
//! Whoever sells takes a *turn* at the ledger: it learns the news (records that
//! others appended), decides on trial, appends the new records at exactly the next
//! revisions, and only then is anybody answered.
//!
//! # Layout
//! - [`Engine`], [`Turn`], [`Batch`], [`Archive`]: the seam under which an engine is a folder.
//! - [`Pipeline`]: what is durable, in flight and gathered; [`Writer`]: one turn, whatever the engine;
//!   [`Timed`]: how long it takes.
//! - [`mod@format`]: what every engine writes, as text; pure.
//! - [`mod@file`]: the engine of one machine; `etcd`, `postgres`: the engines of many.

mod engine;
#[cfg(feature = "etcd")]
pub mod etcd;
pub mod file;
pub mod format;
mod holder;
mod pipeline;
#[cfg(feature = "postgres")]
pub mod postgres;
mod timed;
mod writer;

pub use engine::{Appended, Archive, Batch, Cause, Engine, Fault, Found, News, Summary, Turn};
pub use holder::{Holder, by_whom};
pub use pipeline::Pipeline;
pub use timed::{Timed, TurnTimes};
pub use writer::{Clients, Turned, Void, Writer};
