//! Where sales are kept: the ordered list of everything that changed the count.
//!
//! Whoever sells takes a *turn* at the [`Ledger`]: it learns the news (records
//! that others appended), decides, appends the new records at exactly the next
//! revision, and publishes the new head. `AckAfterSync`: when a turn returns,
//! its records are as durable as was asked for, and only then is anybody answered.

mod draft;
mod engine;
mod error;
pub mod file;
mod holder;
#[cfg(any(test, feature = "simulation"))]
#[cfg_attr(not(test), expect(dead_code, reason = "the tests use more of it than the fuzz targets"))]
pub(crate) mod simulation;

pub use draft::{Draft, Ledger, RECORD_BYTES_PLAIN, record_bytes_max};
pub use engine::{
    Appended, Archive, Batch, Cause, Engine, Fault, Found, Hear, News, Summary, Turn,
};
pub use error::LedgerError;
pub use holder::{Holder, by_whom};
