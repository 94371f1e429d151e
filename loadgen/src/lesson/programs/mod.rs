//! The lessons, a file each. `catalogue` has the order in which to learn, `task` what `cpu_or_io`
//! computes and waits with.

pub(super) mod cpu_or_io;
pub(super) mod daemon_process;
pub(super) mod daemon_thread;
pub(super) mod file_mutex;
pub(super) mod join;
pub(super) mod memory_mutex;
pub(super) mod process_pool;
pub(super) mod producer_consumer;
pub(super) mod reentrant_lock;
pub(super) mod thread_pool;

mod task;
