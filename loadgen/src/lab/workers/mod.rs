//! The program in processes of its own, and what is seen of them from without.
//!
//! - `worker`: one process, which takes a line when it is told to; `kernel`: who holds and who waits, as the kernel
//!   has it.
//! - `stage`: all of them, and what they did; `folder`: where their files are, and who removes them.

pub(super) mod folder;
pub(super) mod kernel;
pub(super) mod stage;
pub(super) mod worker;
