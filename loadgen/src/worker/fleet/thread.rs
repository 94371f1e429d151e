//! Workers as operating system threads of this process.

use std::{io, thread::JoinHandle};

use super::super::{
    seat::Seat,
    turn::{WorkerPlan, take_turn},
};

/// Worker threads. A thread cannot be ended from outside: one that is late is left to its own
/// time limits, and ends with the process at the latest.
#[derive(Default)]
pub(super) struct Threads {
    handles: Vec<JoinHandle<()>>,
}

impl Threads {
    /// Starts one more worker, with an event loop of its own.
    ///
    /// # Errors
    /// The thread or its event loop cannot be started.
    pub(super) fn start(&mut self, plan: WorkerPlan, seat: Seat) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = std::thread::Builder::new()
            .name(format!("worker-{}", plan.worker))
            .spawn(move || {
                runtime.block_on(take_turn(plan, seat));
                // Not held up by a purchase that ran into its limit while it waited for the lock.
                runtime.shutdown_background();
            })?;
        self.handles.push(handle);
        Ok(())
    }

    /// Joins the threads if all have ended; says how many panicked.
    pub(super) fn reap(self, all_ended: bool) -> Vec<String> {
        if !all_ended {
            return vec!["some worker threads did not end in time".to_owned()];
        }
        let panics = self
            .handles
            .into_iter()
            .map(JoinHandle::join)
            .filter(Result::is_err);
        match panics.count() {
            0 => Vec::new(),
            panics => vec![format!("{panics} worker threads panicked")],
        }
    }
}
