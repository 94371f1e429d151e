//! What the program is asked, and how it sells to all who ask at once.
//!
//! # Layout
//! - [`queue`]: who waits, who is decided, who may be told; pure.
//! - [`GroupCommit`]: the queue between those who ask and the committer's thread; [`ReplyChannel`]: the way back.
//! - [`single_flight`]: one reading for all who ask at once.
//! - [`lesson`]: the lesson's sellers.

mod company;
mod group_commit;
pub mod lesson;
pub mod queue;
mod refusal;
mod replies;
pub mod single_flight;

pub use group_commit::{Committer, GroupCommit};
pub use refusal::{Answer, Refusal};
pub use replies::{ReplyChannel, ReplyDelivery, ReplyTo};
