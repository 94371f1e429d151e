//! A worker in a process of its own: its stdout is a socket, on which it is told in lines what to do
//! and how far the run is, and says how it fares; its stdin is the memory of the journal into which it
//! writes what its clients do.
//!
//! Up: `ready CLIENT`, `note …`, `lost …`, `done`. Down: the plan as JSON, `go NS`, `stop`. The end of what
//! comes down means that the run was given up; the end of what goes up without `done` means that
//! the worker is gone.
//!
//! # Invariants
//! - The plan is no argument of the process: all users of a machine can read those, and a map has
//!   secrets in its header fields.

use std::{
    fs::File,
    io,
    os::{fd::AsFd, unix::net},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{UnixStream, unix::OwnedReadHalf},
    sync::{mpsc, watch},
};

use super::{
    barrier::Phase,
    event_loop,
    journal::{JournalError, JournalWriter},
    messages::Message,
    plan::WorkerPlan,
};
use crate::lifeline::{self, LifelineError};

/// The hidden subcommand that [`work_for_parent`] carries out.
pub(super) const SUBCOMMAND: &str = "worker-process";

const READY: &str = "ready ";
const NOTE: &str = "note ";
const LOST: &str = "lost ";
const DONE: &str = "done";
const GO: &str = "go ";
const STOP: &str = "stop";

/// Why a worker process cannot work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkerError {
    /// The process that started it is gone.
    #[error(transparent)]
    Lifeline(#[from] LifelineError),
    /// Its plan makes no sense.
    #[error("the plan is no plan: {0}")]
    Plan(#[from] serde_json::Error),
    /// There is no journal.
    #[error("what its clients do cannot be written down: {0}")]
    Journal(#[from] JournalError),
    /// The socket to the parent is broken.
    #[error("cannot speak with the parent: {0}")]
    Socket(#[from] io::Error),
}

/// Carries out the plan that comes first, for the process `parent` that started this one.
///
/// # Errors
/// The parent is gone, the plan is none, or what joins both is broken.
pub(crate) fn work_for_parent(parent: u32) -> Result<(), WorkerError> {
    lifeline::follow(parent)?;
    let journal = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let socket = net::UnixStream::from(io::stdout().as_fd().try_clone_to_owned()?);
    let runtime = event_loop::event_loop()?;
    let worked = runtime.block_on(work(journal, socket));
    // A thread that still waits for the lock must not hold the process.
    runtime.shutdown_background();
    worked
}

async fn work(journal: File, socket: net::UnixStream) -> Result<(), WorkerError> {
    socket.set_nonblocking(true)?;
    let (from, mut to) = UnixStream::from_std(socket)?.into_split();
    let mut lines = BufReader::new(from).lines();
    let first = lines.next_line().await?.unwrap_or_default();
    let plan: WorkerPlan = serde_json::from_str(&first)?;
    let journal = JournalWriter::open(journal, plan.clients().count())?;
    let (barrier, at_barrier) = watch::channel(Phase::Gathering);
    let (messages, mut said) = mpsc::unbounded_channel();
    let heard = tokio::spawn(hear(lines, barrier));
    let working = tokio::spawn(event_loop::work(plan, Some(journal), at_barrier, messages));
    while let Some((client, message)) = said.recv().await {
        if let Some(line) = encode(client, &message) {
            to.write_all(line.as_bytes()).await?;
        }
    }
    heard.abort();
    working.await.map_err(|error| io::Error::other(error).into())
}

/// Opens the barrier as the lines say; once there are no more, nobody leads the run.
async fn hear(mut lines: Lines<BufReader<OwnedReadHalf>>, barrier: watch::Sender<Phase>) {
    while let Ok(Some(line)) = lines.next_line().await
        && let Some(phase) = phase(&line)
    {
        barrier.send_replace(phase);
    }
}

/// The first line down, which says what the worker is to do.
pub(super) fn plan_line(plan: &WorkerPlan) -> serde_json::Result<String> {
    Ok(format!("{}\n", serde_json::to_string(plan)?))
}

/// How far the run is, by a line that came down.
fn phase(line: &str) -> Option<Phase> {
    if line == STOP {
        return Some(Phase::Stopping);
    }
    let start_ns = line.strip_prefix(GO)?.parse().ok()?;
    Some(Phase::Released { start_ns })
}

/// The line down that says how far the run is.
pub(super) fn phase_line(phase: Phase) -> Option<String> {
    match phase {
        Phase::Gathering => None,
        Phase::Released { start_ns } => Some(format!("{GO}{start_ns}\n")),
        Phase::Stopping => Some(format!("{STOP}\n")),
    }
}

/// The line up that says `message` of `client`.
fn encode(client: u32, message: &Message) -> Option<String> {
    match message {
        Message::Ready => Some(format!("{READY}{client}\n")),
        Message::Note(text) => Some(format!("{NOTE}{}\n", text.replace('\n', " "))),
        Message::Lost(text) => Some(format!("{LOST}{}\n", text.replace('\n', " "))),
        Message::Done => Some(format!("{DONE}\n")),
        // What its clients do stands on the journal; that a process is gone is seen from outside.
        Message::Tally(_) | Message::Ended | Message::Died => None,
    }
}

/// What a line of the worker that carries out `plan` says, and who says it; a line that makes no
/// sense is lost.
pub(super) fn decode(plan: &WorkerPlan, line: &str) -> (u32, Message) {
    let worker = plan.worker;
    if line == DONE {
        return (worker, Message::Done);
    }
    if let Some(text) = line.strip_prefix(NOTE) {
        return (worker, Message::Note(text.to_owned()));
    }
    if let Some(text) = line.strip_prefix(LOST) {
        return (worker, Message::Lost(text.to_owned()));
    }
    if let Some(client) = line.strip_prefix(READY).and_then(|client| client.parse().ok())
        && plan.has(client)
    {
        return (client, Message::Ready);
    }
    let start: String = line.chars().take(60).collect();
    (worker, Message::Lost(format!("worker {worker} answered garbage: `{start}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(worker: u32) -> WorkerPlan {
        WorkerPlan::endless(worker, 4, 8)
    }

    #[test]
    fn what_is_said_arrives() {
        for (who, message) in [
            (7, Message::Ready),
            (3, Message::Note("broken pipe".to_owned())),
            (3, Message::Lost("x".to_owned())),
            (3, Message::Done),
        ] {
            let line = encode(who, &message).unwrap();
            assert_eq!(decode(&plan(3), line.trim_end()), (who, message));
        }
    }

    #[test]
    fn garbage_is_lost() {
        for line in ["", "READY", "ready", "ready 3", "{}"] {
            assert!(matches!(decode(&plan(0), line), (0, Message::Lost(_))), "{line}");
        }
    }

    #[test]
    fn how_far_the_run_is_goes_down() {
        for said in [Phase::Released { start_ns: 12 }, Phase::Stopping] {
            assert_eq!(phase(phase_line(said).unwrap().trim_end()), Some(said));
        }
        assert_eq!(phase("go"), None);
    }
}
