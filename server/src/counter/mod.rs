//! What the program is asked, and what it answers.
//!
//! [`Counter`] is the one face; behind it requests wait for the committer, which sells to all of
//! them at once, or a seller of the lesson sells to one after the other.
//!
//! # Layout
//! - [`queue`]: who waits, who is decided, who may be told; pure.
//! - [`GroupCommit`]: the queue between those who ask and the committer's thread; [`ReplyChannel`]: the way back.
//! - [`single_flight`]: one reading for all who ask at once.
//! - [`Meters`]: what it has done, for whoever watches it.
//! - [`lesson`]: the lesson's sellers.

mod commit_delay;
#[expect(clippy::module_inception, reason = "the main type of the folder has a file of its own")]
mod counter;
mod ended_holds;
mod expected_wait;
mod group_commit;
pub mod lesson;
mod meters;
pub mod queue;
mod refusal;
mod replies;
mod sales;
pub mod single_flight;

pub use counter::{Count, Counter, Purchase, Seller, Settled};
pub use ended_holds::EndedHolds;
pub use group_commit::{Committer, GroupCommit};
pub use meters::Meters;
pub use refusal::{Answer, Refusal};
pub use replies::{ReplyChannel, ReplyDelivery, ReplyTo};
pub use sales::{SaleRecord, SalesPage, SalesQuery};
