//! The workers of a fleet, whatever they are.

use std::io;

use tokio::{
    sync::{mpsc, watch},
    task::yield_now,
};

use super::{process::Processes, thread::Threads};
use crate::{
    setup::Mode,
    worker::{barrier::Phase, messages::MessageReceiver, plan::WorkerPlan},
};

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
    #[error("not all workers were ready within {limit:?}: {ready} of {workers}")]
    NotReady {
        /// How many were.
        ready: u32,
        /// How many there are.
        workers: usize,
        /// How long that may take.
        limit: std::time::Duration,
    },
}

enum Kind {
    Processes(Processes),
    Threads(Threads),
}

/// Workers that have been started; dropping it ends processes, and stops threads.
pub(crate) struct Fleet {
    kind: Kind,
    barrier: watch::Sender<Phase>,
}

impl Fleet {
    /// Starts a worker for each of `plans`; what they say comes out of the second value.
    ///
    /// Tasks are threads with many clients each: an event loop is a thread, and whoever leads the
    /// run must not share his.
    ///
    /// # Errors
    /// A worker cannot be started; those before it are gone then.
    pub(crate) async fn start(
        mode: Mode,
        plans: Vec<WorkerPlan>,
    ) -> Result<(Self, MessageReceiver), FleetError> {
        let workers = plans.len();
        let (barrier, at_barrier) = watch::channel(Phase::Gathering);
        let (messages, reports) = mpsc::unbounded_channel();
        let mut kind = match mode {
            Mode::Process => Kind::Processes(Processes::default()),
            Mode::Thread | Mode::Task => Kind::Threads(Threads::default()),
        };
        for (started, plan) in plans.into_iter().enumerate() {
            let (at_barrier, messages) = (at_barrier.clone(), messages.clone());
            let result = match &mut kind {
                Kind::Processes(processes) => processes.start(plan, at_barrier, &messages),
                Kind::Threads(threads) => threads.start(plan, at_barrier, messages),
            };
            result.map_err(|source| FleetError::Start { started, workers, source })?;
            // Starting thousands takes seconds: an interrupt must not wait for the last one.
            yield_now().await;
        }
        Ok((Self { kind, barrier }, reports))
    }

    /// Lets everybody begin, at `start_ns` of the clock that all share.
    pub(crate) fn release(&self, start_ns: u64) {
        self.barrier.send_replace(Phase::Released { start_ns });
    }

    /// Lets nobody begin anything more.
    pub(crate) fn stop(&self) {
        self.barrier.send_replace(Phase::Stopping);
    }

    /// Waits for workers that have all ended, or ends those that have not; says what was odd.
    pub(crate) async fn reap(self, all_ended: bool) -> Vec<String> {
        match self.kind {
            Kind::Processes(processes) => processes.reap(all_ended).await,
            Kind::Threads(threads) => threads.reap(all_ended),
        }
    }
}
