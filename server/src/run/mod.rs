//! A server from its start to its end: the parts put together.

mod backup;
mod certificate;
mod counter;
mod error;
#[cfg(feature = "etcd")]
mod etcd_counter;
mod file_counter;
mod import;
mod in_place;
mod machine;
mod making;
mod noop;
#[cfg(feature = "postgres")]
mod postgres_counter;
mod real_path;
mod removal;
mod secret_file;
mod serve;
mod signals;
mod staged_file;
mod upkeep;

pub use backup::{backup, restore};
pub use certificate::TlsError;
pub use error::{EXIT_USAGE, RunError};
pub use import::import;
pub use noop::{noop, noop_synced};
pub use removal::remove;
pub use secret_file::read_secret;
pub use serve::{bind, serve};
pub use signals::shutdown;
pub use upkeep::{repair, verify};
