//! Where a worker sits: its side of the barrier, and its way to say what it has done.

use tokio::sync::{mpsc, watch};

use crate::history::Operation;

/// What a worker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// All is set up; it waits.
    Ready,
    /// It has done this.
    Operation(Operation),
    /// Something that people should know.
    Note(String),
    /// It has done something that nobody can read.
    Lost(String),
    /// It says no more.
    Ended,
}

/// One worker's seat; leaving it, in whatever way, says [`Report::Ended`].
#[derive(Debug)]
pub(crate) struct Seat {
    worker: u32,
    gate: watch::Receiver<bool>,
    reports: mpsc::UnboundedSender<(u32, Report)>,
}

impl Seat {
    /// The seat of `worker`: it waits at `gate`, and what it says goes to `reports`.
    pub(crate) fn new(
        worker: u32,
        gate: watch::Receiver<bool>,
        reports: mpsc::UnboundedSender<(u32, Report)>,
    ) -> Self {
        Self { worker, gate, reports }
    }

    /// Which worker sits here.
    pub(crate) fn worker(&self) -> u32 {
        self.worker
    }

    /// Says `report`.
    pub(crate) fn say(&self, report: Report) {
        // Nobody listens any more when the run was given up.
        let _ = self.reports.send((self.worker, report));
    }

    /// Waits until everybody is ready; false where the run was given up.
    pub(crate) async fn released(&mut self) -> bool {
        self.gate.wait_for(|open| *open).await.is_ok()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.say(Report::Ended);
    }
}
