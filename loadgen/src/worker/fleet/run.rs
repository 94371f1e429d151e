//! A race of a fleet, from its start to the last answer.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::{
    crew::{Crew, FleetError},
    roll::Roll,
};
use crate::{
    history::{Operation, monotonic_ns},
    setup::Mode,
    worker::{plan::WorkerPlan, seat::Reports},
};

/// Workers that are to start together.
#[derive(Debug)]
pub(crate) struct Fleet {
    /// What each of them is.
    pub(crate) mode: Mode,
    /// What each of them does; every client has one purchase to make.
    pub(crate) plans: Vec<WorkerPlan>,
    /// How long it may take.
    pub(crate) limits: FleetLimits,
}

/// How long a run of a fleet may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FleetLimits {
    /// Until all are ready.
    pub(crate) gather: Duration,
    /// From the release until all have ended.
    pub(crate) work: Duration,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// So many workers are ready.
    Ready(u32),
    /// So many workers have bought, or tried to.
    Bought(u32),
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct FleetRun {
    /// What the workers did: for each of them exactly one purchase.
    pub(crate) operations: Vec<Operation>,
    /// What people should know: a worker that died, a request that failed.
    pub(crate) notes: Vec<String>,
    /// What the operations lack: answers that nobody could read, or that came twice.
    pub(crate) lacks: Vec<String>,
    /// From the release to the last purchase.
    pub(crate) elapsed: Duration,
}

impl Fleet {
    /// Starts the workers, releases them when all are ready, and collects what they did.
    /// `progress` hears how far it is.
    ///
    /// # Errors
    /// A worker cannot be started, or not all are ready in time. A worker that dies is no error:
    /// it leaves a note, and its purchase is unknown.
    pub(crate) async fn run(
        self,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<FleetRun, FleetError> {
        let clients: usize = self.plans.iter().map(|plan| plan.clients().count()).sum();
        let (crew, mut reports) = Crew::start(self.mode, self.plans).await?;
        let mut roll = Roll::new(clients);

        let gathered = timeout(self.limits.gather, gather(&mut roll, &mut reports, progress));
        if gathered.await.is_err() {
            return Err(FleetError::NotReady {
                ready: roll.ready(),
                workers: clients,
                limit: self.limits.gather,
            });
        }
        let (released_ns, released_at) = (monotonic_ns(), Instant::now());
        crew.release(released_ns);
        let collected = timeout(self.limits.work, collect(&mut roll, &mut reports, progress));
        let collected = collected.await;
        let limit = released_at.elapsed();
        let odd = crew.reap(collected.is_ok()).await;
        while let Ok((worker, report)) = reports.try_recv() {
            roll.hear(worker, report);
        }
        let (operations, mut notes, lacks) = roll.close(released_ns);
        notes.extend(odd);
        let last_ns = operations.iter().filter_map(|operation| operation.return_ns).max();
        let elapsed = match last_ns {
            Some(last_ns) if collected.is_ok() => {
                Duration::from_nanos(last_ns.saturating_sub(released_ns))
            }
            _ => limit,
        };
        Ok(FleetRun { operations, notes, lacks, elapsed })
    }
}

async fn gather(roll: &mut Roll, reports: &mut Reports, progress: &mut dyn FnMut(Progress)) {
    while !roll.is_assembled()
        && let Some((worker, report)) = reports.recv().await
    {
        roll.hear(worker, report);
        progress(Progress::Ready(roll.ready()));
    }
}

async fn collect(roll: &mut Roll, reports: &mut Reports, progress: &mut dyn FnMut(Progress)) {
    while !roll.is_over()
        && let Some((worker, report)) = reports.recv().await
    {
        let bought = roll.bought();
        roll.hear(worker, report);
        if roll.bought() > bought {
            progress(Progress::Bought(roll.bought()));
        }
    }
}
