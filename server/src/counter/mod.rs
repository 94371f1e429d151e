//! Where requests wait, and the committer that sells to all of them at once.
//!
//! Group commit: the committer takes the ledger's lock first and only then
//! takes in everybody who waits, so that all of them share one lock, one write
//! and one sync. A request that has waited too long before that is withdrawn
//! and answered "not sold", which is definite: nobody had taken it in.

mod committer;
mod company;
pub mod lesson;
mod queue;
mod refusal;
mod replies;
pub mod single_flight;

pub use committer::Committer;
pub use queue::Desk;
pub use refusal::{Answer, Refusal};
pub use replies::{Mailbox, Mailman};
