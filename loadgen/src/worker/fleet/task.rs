//! Workers as tasks on this process's event loop.

use tokio::task::JoinSet;

use crate::worker::{
    seat::Seat,
    turn::{WorkerPlan, take_turn},
};

/// Worker tasks; dropping it ends them.
#[derive(Default)]
pub(super) struct Tasks {
    tasks: JoinSet<()>,
}

impl Tasks {
    /// Starts one more worker.
    pub(super) fn start(&mut self, plan: WorkerPlan, seat: Seat) {
        self.tasks.spawn(take_turn(plan, seat));
    }
}
