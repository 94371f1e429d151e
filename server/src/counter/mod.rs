//! What the program is asked, and what it answers.
//!
//! [`Counter`] is the one face; behind it requests wait for the committer, which sells to all of
//! them at once, or a seller of the lesson sells to one after the other.
//!
//! Group commit: the committer takes the ledger's lock first and only then
//! takes in everybody who waits, so that all of them share one lock, one write
//! and one sync. A request that has waited too long before that is withdrawn
//! and answered "not sold", which is definite: nobody had taken it in.

mod committer;
mod company;
#[expect(clippy::module_inception, reason = "the main type of the folder has a file of its own")]
mod counter;
pub mod lesson;
mod queue;
mod refusal;
mod replies;
pub mod single_flight;

pub use committer::Committer;
pub use counter::{Count, Counter, Purchase, Seller, Settled};
pub use queue::Desk;
pub use refusal::{Answer, Refusal};
pub use replies::{Mailbox, Mailman};
