//! Workers as operating system threads of this process.

use std::{io, thread::JoinHandle};

use crate::worker::{
    barrier::Barrier,
    event_loop,
    messages::{Message, MessageSender},
    plan::WorkerPlan,
};

/// Worker threads. A thread cannot be ended from outside: one that is late is left to its own
/// time limits, and ends with the process at the latest.
#[derive(Default)]
pub(super) struct Threads {
    handles: Vec<JoinHandle<()>>,
}

impl Threads {
    /// Starts one more worker.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(super) fn start(
        &mut self,
        plan: WorkerPlan,
        barrier: Barrier,
        messages: MessageSender,
    ) -> io::Result<()> {
        let handle = std::thread::Builder::new()
            .name(format!("worker-{}", plan.worker))
            .spawn(move || work(plan, barrier, &messages))?;
        self.handles.push(handle);
        Ok(())
    }

    /// Joins the threads if all have ended; says how many panicked.
    pub(super) fn reap(self, all_ended: bool) -> Vec<String> {
        if !all_ended {
            return vec!["some worker threads did not end in time".to_owned()];
        }
        let panics = self.handles.into_iter().map(JoinHandle::join).filter(Result::is_err);
        match panics.count() {
            0 => Vec::new(),
            panics => vec![format!("{panics} worker threads panicked")],
        }
    }
}

/// One worker on this thread, with an event loop of its own.
fn work(plan: WorkerPlan, barrier: Barrier, messages: &MessageSender) {
    match event_loop::event_loop() {
        Ok(runtime) => {
            runtime.block_on(event_loop::work(plan, None, barrier, messages.clone()));
            // Not held up by a purchase that ran into its limit while it waited for the lock.
            runtime.shutdown_background();
        }
        Err(error) => {
            let worker = plan.worker;
            // Nobody listens any more when the run was given up.
            let _ = messages.send((worker, Message::Note(format!("no event loop: {error}"))));
            for client in plan.clients() {
                let _ = messages.send((client, Message::Ended));
            }
            let _ = messages.send((worker, Message::Died));
        }
    }
}
