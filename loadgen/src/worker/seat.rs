//! Where a client sits: its side of the barrier, and its way to say what it has done.

use tokio::sync::{mpsc, watch};

use crate::{history::Operation, tally::WorkerTally};

/// What is said, by a client or by the worker that it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Report {
    /// A client has set up everything; it waits.
    Ready,
    /// A client has done this.
    Operation(Operation),
    /// A client says no more.
    Ended,
    /// A worker has counted this since the last time.
    Tally(Box<WorkerTally>),
    /// Something that people should know.
    Note(String),
    /// Something was done that nobody can read.
    Lost(String),
    /// A worker has said everything.
    Done,
    /// A worker is gone and has not said everything.
    Died,
}

/// What is said, each with the number of the client or of the worker that says it.
pub(crate) type Reports = mpsc::UnboundedReceiver<(u32, Report)>;

/// The way to say it.
pub(super) type Voice = mpsc::UnboundedSender<(u32, Report)>;

/// Says a worker's last word, on every way out.
#[derive(Debug)]
pub(super) struct LastWord {
    /// Whose.
    pub(super) worker: u32,
    /// The way to say it.
    pub(super) voice: Voice,
    /// What it is.
    pub(super) word: Report,
}

impl Drop for LastWord {
    fn drop(&mut self) {
        // Nobody listens any more when the run was given up.
        let _ = self.voice.send((self.worker, self.word.clone()));
    }
}

/// How far a run is, as all workers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not all are ready.
    Gathering,
    /// All begin, at this instant.
    Released {
        /// On the clock that all processes share.
        start_ns: u64,
    },
    /// Nobody begins anything more.
    Stopping,
}

/// The phase that the run is in; where nobody leads it any more, it is stopping.
pub(super) type Gate = watch::Receiver<Phase>;

/// One client's seat; leaving it, in whatever way, says [`Report::Ended`].
#[derive(Debug)]
pub(super) struct Seat {
    client: u32,
    gate: Gate,
    voice: Voice,
}

impl Seat {
    /// The seat of `client`: it waits at `gate`, and what it says goes to `voice`.
    pub(super) fn new(client: u32, gate: Gate, voice: Voice) -> Self {
        Self { client, gate, voice }
    }

    /// Who sits here.
    pub(super) fn client(&self) -> u32 {
        self.client
    }

    /// Says `report`.
    pub(super) fn say(&self, report: Report) {
        // Nobody listens any more when the run was given up.
        let _ = self.voice.send((self.client, report));
    }

    /// Waits until everybody is ready, and tells when to begin; `None` where the run was given up.
    pub(super) async fn released(&mut self) -> Option<u64> {
        let phase = self.gate.wait_for(|phase| *phase != Phase::Gathering).await.ok()?;
        match *phase {
            Phase::Released { start_ns } => Some(start_ns),
            Phase::Gathering | Phase::Stopping => None,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.say(Report::Ended);
    }
}
