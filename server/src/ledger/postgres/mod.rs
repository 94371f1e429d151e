//! The ledger in PostgreSQL: rows that any number of servers share.
//!
//! A turn is optimistic: it locks nothing while it decides. News are read on the
//! primary; a batch is one statement, and so one transaction, that inserts the
//! records at exactly the next revision if the head is still where this process
//! knows it. The database folds the records itself, and refuses what does not follow.
//!
//! # Layout
//! - [`address`]: `postgres://…`, and `passfile`: where a password may stand; pure.
//! - [`error`]: what can go wrong, and whether that is definite; `settings`: what a database must
//!   be set to; pure.
//! - `schema`: the tables; `tls`, [`session`]: a connection to the primary that was looked over.
//! - [`batch`], `records`: records on their way, and as they come back.
//! - `snapshots`, `loading`, `creation`: what a ledger has come to.
//! - `gaps`: what a server that sells leaves to one farther off; pure.
//! - `reader`, `seen`, [`archive`]: reading beside the turns, and the hint that there is news.
//! - [`engine`]: the ledger itself; [`staging`]: one that is made of another's records; [`scan`]: all of it, to look
//!   it over.
//!
//! # Invariants
//! - `AckAfterSync`: a batch is durable once its commit was answered, without a warning; then it has reached
//!   the primary's disk, and that of the synchronous standby where there is one.
//! - `NoOversell`, `Conservation`: held by the tables themselves (`schema.sql`), whoever writes to them.

pub mod address;
pub mod archive;
pub mod batch;
pub mod creation;
pub mod engine;
pub mod error;
mod gaps;
mod loading;
mod passfile;
mod reader;
mod records;
pub mod scan;
mod schema;
mod seen;
pub mod session;
mod settings;
mod snapshots;
pub mod staging;
mod tls;
