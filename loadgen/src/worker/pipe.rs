//! A worker in a process of its own: what it says as lines on stdout, the barrier as a line on stdin.
//!
//! Up: `ready`, one line of NDJSON an operation, `note …`. Down: `go`. The end of stdin before `go`
//! means that the run was given up.

use std::io::{self, BufRead, Write};

use tokio::{
    sync::{mpsc, watch},
    task::spawn_blocking,
};

use super::{
    seat::{Report, Seat},
    turn::{WorkerPlan, take_turn},
};
use crate::{
    history,
    lifeline::{self, LifelineError},
};

/// The hidden subcommand that [`work_for_parent`] carries out.
pub(super) const SUBCOMMAND: &str = "worker-process";

/// What releases a worker.
pub(super) const GO: &str = "go\n";

const READY: &str = "ready";
const NOTE: &str = "note ";

/// Why a worker process cannot work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkerError {
    /// The process that started it is gone.
    #[error(transparent)]
    Lifeline(#[from] LifelineError),
    /// Its plan makes no sense.
    #[error("the plan is no plan: {0}")]
    Plan(#[from] serde_json::Error),
    /// The pipes to the parent are broken.
    #[error("cannot speak with the parent: {0}")]
    Pipe(#[from] io::Error),
}

/// Carries out `plan` (JSON) in this process, for the process `parent` that started it.
///
/// # Errors
/// The parent is gone, the plan is none, or a pipe broke.
pub(crate) fn work_for_parent(parent: u32, plan: &str) -> Result<(), WorkerError> {
    lifeline::follow(parent)?;
    let plan: WorkerPlan = serde_json::from_str(plan)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let spoken = runtime.block_on(work(plan));
    // A thread that still waits for stdin or for the lock must not hold the process.
    runtime.shutdown_background();
    Ok(spoken?)
}

async fn work(plan: WorkerPlan) -> io::Result<()> {
    let (gate, at_gate) = watch::channel(false);
    let (reports, mut said) = mpsc::unbounded_channel();
    let seat = Seat::new(plan.worker, at_gate, reports);
    // On a thread of its own, so that the loop can attend to the open connection meanwhile.
    spawn_blocking(move || {
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line).is_ok() && line == GO {
            gate.send_replace(true);
        }
    });
    let turn = tokio::spawn(take_turn(plan, seat));
    let mut stdout = io::stdout();
    while let Some((_, report)) = said.recv().await {
        if let Some(line) = encode(&report) {
            writeln!(stdout, "{line}")?;
            stdout.flush()?;
        }
    }
    turn.await.map_err(io::Error::other)
}

fn encode(report: &Report) -> Option<String> {
    match report {
        Report::Ready => Some(READY.to_owned()),
        Report::Operation(operation) => Some(history::encode(operation)),
        Report::Note(text) | Report::Lost(text) => {
            Some(format!("{NOTE}{}", text.replace('\n', " ")))
        }
        Report::Ended => None,
    }
}

/// What a line of worker `worker` says; a line that makes no sense is lost.
pub(super) fn decode(worker: u32, line: &str) -> Report {
    if line == READY {
        return Report::Ready;
    }
    if let Some(text) = line.strip_prefix(NOTE) {
        return Report::Note(text.to_owned());
    }
    match history::decode(line) {
        Ok(operation) if operation.process == worker => Report::Operation(operation),
        Ok(operation) => {
            let other = operation.process;
            Report::Lost(format!("worker {worker} answered for worker {other}"))
        }
        Err(_) => {
            let start: String = line.chars().take(60).collect();
            Report::Lost(format!("worker {worker} answered garbage: `{start}`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Answer, Operation, Outcome};

    #[test]
    fn what_is_said_arrives() {
        let buy = Operation::buy(3, 1, 2, Answer::new(Outcome::SoldOut));
        for report in
            [Report::Ready, Report::Operation(buy), Report::Note("broken pipe".to_owned())]
        {
            assert_eq!(decode(3, &encode(&report).unwrap()), report);
        }
    }

    #[test]
    fn garbage_and_foreign_answers_are_lost() {
        let buy = Operation::buy(3, 1, 2, Answer::new(Outcome::SoldOut));
        for line in ["", "READY", "{}", "{\"process\":3}", &history::encode(&buy)] {
            assert!(matches!(decode(4, line), Report::Lost(_)), "{line}");
        }
    }
}
