//! A worker in a process of its own: what it says as lines on stdout, what it is to do and how far
//! the run is as lines on stdin.
//!
//! Up: `ready CLIENT`, one line of NDJSON an operation, `tally JSON`, `note …`, `done`. Down: the
//! plan as JSON, `go NS`, `stop`. The end of stdin means that the run was given up; the end of
//! stdout without `done` means that the worker is gone.
//!
//! # Invariants
//! - The plan is no argument of the process: all users of a machine can read those, and a map has
//!   secrets in its header fields.

use std::io::{self, BufRead, Write};

use tokio::{
    sync::{mpsc, watch},
    task::spawn_blocking,
};

use super::{
    plan::WorkerPlan,
    seat::{Phase, Report},
    shift,
};
use crate::{
    history,
    lifeline::{self, LifelineError},
};

/// The hidden subcommand that [`work_for_parent`] carries out.
pub(super) const SUBCOMMAND: &str = "worker-process";

const READY: &str = "ready ";
const TALLY: &str = "tally ";
const NOTE: &str = "note ";
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
    /// The pipes to the parent are broken.
    #[error("cannot speak with the parent: {0}")]
    Pipe(#[from] io::Error),
}

/// Carries out the plan on the first line of stdin, for the process `parent` that started this one.
///
/// # Errors
/// The parent is gone, the plan is none, or a pipe broke.
pub(crate) fn work_for_parent(parent: u32) -> Result<(), WorkerError> {
    lifeline::follow(parent)?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let plan: WorkerPlan = serde_json::from_str(&line)?;
    let runtime = shift::event_loop()?;
    let spoken = runtime.block_on(work(plan));
    // A thread that still waits for stdin or for the lock must not hold the process.
    runtime.shutdown_background();
    Ok(spoken?)
}

async fn work(plan: WorkerPlan) -> io::Result<()> {
    let (gate, at_gate) = watch::channel(Phase::Gathering);
    let (voice, mut said) = mpsc::unbounded_channel();
    // On a thread of its own, so that the loop can attend to the open connections meanwhile.
    spawn_blocking(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            match phase(&line) {
                Some(phase) => gate.send_replace(phase),
                None => break,
            };
        }
    });
    let shift = tokio::spawn(shift::work(plan, at_gate, voice));
    let mut stdout = io::stdout();
    while let Some((client, report)) = said.recv().await {
        if let Some(line) = encode(client, &report)? {
            writeln!(stdout, "{line}")?;
            stdout.flush()?;
        }
    }
    shift.await.map_err(io::Error::other)
}

/// The first line on stdin, which says what the worker is to do.
pub(super) fn plan_line(plan: &WorkerPlan) -> serde_json::Result<String> {
    Ok(format!("{}\n", serde_json::to_string(plan)?))
}

/// How far the run is, by a line on stdin.
fn phase(line: &str) -> Option<Phase> {
    if line == STOP {
        return Some(Phase::Stopping);
    }
    let start_ns = line.strip_prefix(GO)?.parse().ok()?;
    Some(Phase::Released { start_ns })
}

/// The line on stdin that says how far the run is.
pub(super) fn phase_line(phase: Phase) -> Option<String> {
    match phase {
        Phase::Gathering => None,
        Phase::Released { start_ns } => Some(format!("{GO}{start_ns}\n")),
        Phase::Stopping => Some(format!("{STOP}\n")),
    }
}

fn encode(client: u32, report: &Report) -> serde_json::Result<Option<String>> {
    Ok(match report {
        Report::Ready => Some(format!("{READY}{client}")),
        Report::Operation(operation) => Some(history::encode(operation)),
        Report::Tally(tally) => Some(format!("{TALLY}{}", serde_json::to_string(tally)?)),
        Report::Note(text) | Report::Lost(text) => {
            Some(format!("{NOTE}{}", text.replace('\n', " ")))
        }
        Report::Done => Some(DONE.to_owned()),
        // That a process is gone is seen from outside.
        Report::Ended | Report::Died => None,
    })
}

/// What a line of the worker that carries out `plan` says, and who says it; a line that makes no
/// sense is lost.
pub(super) fn decode(plan: &WorkerPlan, line: &str) -> (u32, Report) {
    let worker = plan.worker;
    if line == DONE {
        return (worker, Report::Done);
    }
    if let Some(text) = line.strip_prefix(NOTE) {
        return (worker, Report::Note(text.to_owned()));
    }
    if let Some(client) = line.strip_prefix(READY).and_then(|client| client.parse().ok())
        && plan.has(client)
    {
        return (client, Report::Ready);
    }
    if let Some(tally) = line.strip_prefix(TALLY).map(serde_json::from_str)
        && let Ok(tally) = tally
    {
        return (worker, Report::Tally(Box::new(tally)));
    }
    match history::decode(line) {
        Ok(operation) if plan.has(operation.process) => {
            (operation.process, Report::Operation(operation))
        }
        Ok(operation) => {
            let other = operation.process;
            (worker, Report::Lost(format!("worker {worker} answered for client {other}")))
        }
        Err(_) => {
            let start: String = line.chars().take(60).collect();
            (worker, Report::Lost(format!("worker {worker} answered garbage: `{start}`")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        history::{Answer, Operation, Outcome},
        plan::{Pace, Plan, Work},
        tally::WorkerTally,
        worker::plan::Record,
    };

    fn plan(worker: u32) -> WorkerPlan {
        let plan = Plan {
            clients: 8,
            work: Work::SearchThenBuy,
            pace: Pace::Closed,
            warm_up_ns: 0,
            end_ns: None,
            requests: None,
            seed: 0,
        };
        WorkerPlan {
            worker,
            workers: 4,
            plan,
            addresses: Vec::new(),
            must_connect: true,
            timeout_ns: 1,
            retries: false,
            record: Record::Told,
            run: 0,
        }
    }

    #[test]
    fn what_is_said_arrives() {
        let buy = Operation::buy(7, 1, 2, Answer::new(Outcome::SoldOut));
        let mut tally = WorkerTally::default();
        tally.begin();
        tally.clocks.record(1, 2, 3_000_000);
        for (who, report) in [
            (7, Report::Ready),
            (7, Report::Operation(buy)),
            (3, Report::Note("broken pipe".to_owned())),
            (3, Report::Tally(Box::new(tally))),
            (3, Report::Done),
        ] {
            let line = encode(who, &report).unwrap().unwrap();
            assert_eq!(decode(&plan(3), &line), (who, report));
        }
    }

    #[test]
    fn garbage_and_foreign_answers_are_lost() {
        let buy = Operation::buy(3, 1, 2, Answer::new(Outcome::SoldOut));
        for line in [
            "",
            "READY",
            "ready",
            "ready 3",
            "tally {",
            "{}",
            "{\"process\":3}",
            &history::encode(&buy),
        ] {
            assert!(matches!(decode(&plan(0), line), (0, Report::Lost(_))), "{line}");
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
