//! A run of a fleet, from its start to the last answer.

use std::{
    io,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, watch},
    task::yield_now,
    time::timeout,
};

use super::{process::Processes, roll::Roll, task::Tasks, thread::Threads};
use crate::{
    history::{Operation, monotonic_ns},
    setup::Mode,
    worker::{
        seat::{Report, Seat},
        turn::WorkerPlan,
    },
};

/// Workers that are to start together.
#[derive(Debug)]
pub(crate) struct Fleet {
    /// What each of them is.
    pub(crate) mode: Mode,
    /// What each of them does; number `n` stands at place `n`.
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

/// Why a fleet cannot run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FleetError {
    /// A worker cannot be started.
    #[error("cannot start worker {started} of {workers}: {source}")]
    Start {
        /// How many were started before.
        started: usize,
        /// How many there were to be.
        workers: usize,
        /// Why not.
        source: io::Error,
    },
    /// Not all were ready in time.
    #[error("only {ready} of {workers} workers were ready within {limit:?}")]
    NotReady {
        /// How many were.
        ready: u32,
        /// How many there are.
        workers: usize,
        /// How long that may take.
        limit: Duration,
    },
}

/// Gives out the seats of one fleet.
pub(super) struct Seats {
    gate: watch::Receiver<bool>,
    reports: mpsc::UnboundedSender<(u32, Report)>,
}

impl Seats {
    pub(super) fn take(&self, worker: u32) -> Seat {
        Seat::new(worker, self.gate.clone(), self.reports.clone())
    }
}

/// The workers, whatever they are; dropping it ends processes and tasks.
enum Crew {
    Processes(Processes),
    Threads(Threads),
    Tasks(Tasks),
}

impl Crew {
    async fn start(mode: Mode, plans: Vec<WorkerPlan>, seats: &Seats) -> Result<Self, FleetError> {
        let workers = plans.len();
        let mut crew = match mode {
            Mode::Process => Self::Processes(Processes::default()),
            Mode::Thread => Self::Threads(Threads::default()),
            Mode::Task => Self::Tasks(Tasks::default()),
        };
        for (started, plan) in plans.into_iter().enumerate() {
            let seat = seats.take(plan.worker);
            let result = match &mut crew {
                Self::Processes(processes) => processes.start(&plan, seat),
                Self::Threads(threads) => threads.start(plan, seat),
                Self::Tasks(tasks) => {
                    tasks.start(plan, seat);
                    Ok(())
                }
            };
            result.map_err(|source| FleetError::Start { started, workers, source })?;
            // Starting thousands takes seconds: an interrupt must not wait for the last one.
            yield_now().await;
        }
        Ok(crew)
    }

    /// Waits for workers that have all ended, or ends those that have not; says what was odd.
    fn reap(self, all_ended: bool) -> Vec<String> {
        match self {
            Self::Processes(processes) => processes.reap(all_ended),
            Self::Threads(threads) => threads.reap(all_ended),
            Self::Tasks(_) => Vec::new(),
        }
    }
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
        let workers = self.plans.len();
        let (gate, at_gate) = watch::channel(false);
        let (sender, mut reports) = mpsc::unbounded_channel();
        let seats = Seats { gate: at_gate, reports: sender };
        let crew = Crew::start(self.mode, self.plans, &seats).await?;
        let mut roll = Roll::new(workers);

        let gathered = timeout(self.limits.gather, gather(&mut roll, &mut reports, progress));
        if gathered.await.is_err() {
            return Err(FleetError::NotReady {
                ready: roll.ready(),
                workers,
                limit: self.limits.gather,
            });
        }
        let (released_ns, released_at) = (monotonic_ns(), Instant::now());
        gate.send_replace(true);
        let collected = timeout(self.limits.work, collect(&mut roll, &mut reports, progress));
        let last_answer_at = collected.await;
        let elapsed = last_answer_at.as_ref().map_or_else(
            |_| released_at.elapsed(),
            |last| last.saturating_duration_since(released_at),
        );
        let odd = crew.reap(last_answer_at.is_ok());
        let (operations, mut notes, lacks) = roll.close(released_ns);
        notes.extend(odd);
        Ok(FleetRun { operations, notes, lacks, elapsed })
    }
}

type Reports = mpsc::UnboundedReceiver<(u32, Report)>;

async fn gather(roll: &mut Roll, reports: &mut Reports, progress: &mut dyn FnMut(Progress)) {
    while !roll.is_assembled()
        && let Some((worker, report)) = reports.recv().await
    {
        roll.hear(worker, report);
        progress(Progress::Ready(roll.ready()));
    }
}

/// Returns when the last purchase was answered.
async fn collect(
    roll: &mut Roll,
    reports: &mut Reports,
    progress: &mut dyn FnMut(Progress),
) -> Instant {
    let mut last_answer_at = Instant::now();
    while !roll.is_over()
        && let Some((worker, report)) = reports.recv().await
    {
        let bought = roll.bought();
        roll.hear(worker, report);
        if roll.bought() > bought {
            last_answer_at = Instant::now();
            progress(Progress::Bought(roll.bought()));
        }
    }
    last_answer_at
}
