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
//! - `late`: who is late with each batch, where several servers sell.
//! - [`Scan`]: a whole ledger, read from its beginning; [`Audit`]: looked over; [`Copying`], [`Moving`]: carried
//!   into another, whatever the engines.
//! - [`mod@format`]: what every engine writes, as text; pure.
//! - [`mod@file`]: the engine of one machine; `etcd`, `postgres`: the engines of many.

mod audit;
mod copying;
mod engine;
#[cfg(feature = "etcd")]
pub mod etcd;
pub mod file;
pub mod format;
mod holder;
#[cfg(any(feature = "etcd", feature = "postgres"))]
mod late;
mod moving;
mod persist;
mod pipeline;
#[cfg(feature = "postgres")]
pub mod postgres;
mod scan;
mod timed;
mod timer;
mod writer;

pub use audit::{Audit, AuditError, agree};
pub use copying::{CopyError, Copying, Staged, Unpublished};
pub use engine::{Appended, Archive, Batch, Cause, Engine, Fault, Found, News, Summary, Turn};
pub use holder::{Holder, by_whom};
pub use moving::{Again, End, MoveError, Moving};
pub use pipeline::Pipeline;
pub use scan::{Overview, Scan};
pub use timed::{Timed, TurnTimes};
pub use timer::Timer;
pub use writer::{Clients, Turned, Void, Writer};
