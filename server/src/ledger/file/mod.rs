//! The ledger in files: `db.txt` and what stands beside it.
//!
//! # Layout
//! - [`mod@format`]: what the files say; pure.
//! - [`layout`]: which files there are; [`disk`]: the only door to them.
//! - [`log`]: the records in their segments.
//! - [`archive`]: reading beside the turns; [`reader`]: reading `db.txt` without its lock; [`locks`]: the two locks of a turn.
//! - [`head_check`]: whether a server can go on from what `db.txt` says.
//! - [`creation`]: making `db.txt`; [`audit`], [`repair`]: reading all of it, and writing it anew.
//! - [`backup`]: copying it while it sells, and another life of it; [`scan`]: all of it, to carry it elsewhere.
//! - [`engine`]: the ledger itself, and how it is opened ([`options`]).

mod adoption;
pub mod archive;
pub mod audit;
pub mod backup;
pub mod creation;
pub mod disk;
pub mod engine;
pub mod error;
pub mod format;
pub mod head_check;
pub mod layout;
pub mod locks;
pub mod log;
mod opening;
pub mod options;
pub mod reader;
pub mod repair;
pub mod scan;
pub mod turn;
