//! The program in processes of its own, and what is seen of them from without.
//!
//! - `worker`: one process, which takes a line when it is told to; `kernel`: who holds and who waits, as the kernel
//!   has it.
//! - `stage`: all of them, and what they did.

pub(super) mod kernel;
pub(super) mod stage;
pub(super) mod worker;
