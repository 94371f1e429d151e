//! Workers as processes of their own.

use std::{collections::BTreeMap, io, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{ChildStdin, ChildStdout},
    task::JoinSet,
};

use crate::{
    lifeline::{self, OwnedChild},
    worker::{
        pipe::{SUBCOMMAND, decode, phase_line, plan_line},
        plan::WorkerPlan,
        seat::{Gate, Phase, Report, Seat, Voice},
    },
};

/// Worker processes; dropping it kills them.
#[derive(Default)]
pub(super) struct Processes {
    children: Vec<OwnedChild>,
    attendants: JoinSet<()>,
}

impl Processes {
    /// Starts one more worker.
    ///
    /// # Errors
    /// The process cannot be started.
    pub(super) fn start(&mut self, plan: WorkerPlan, gate: Gate, voice: Voice) -> io::Result<()> {
        let mut command = lifeline::own_command(SUBCOMMAND)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = OwnedChild::spawn(&mut command)?;
        let pipes = child.pipes();
        let (Some(stdin), Some(stdout)) = (pipes.stdin.take(), pipes.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let (stdin, stdout) = (ChildStdin::from_std(stdin)?, ChildStdout::from_std(stdout)?);
        let first_line = plan_line(&plan)?;
        self.attendants.spawn(attend(plan, first_line, (gate, voice), stdin, stdout));
        self.children.push(child);
        Ok(())
    }

    /// Waits for the processes, or kills them where some have not ended; says how they ended that
    /// did not end well.
    pub(super) fn reap(self, all_ended: bool) -> Vec<String> {
        let mut odd: BTreeMap<String, u32> = BTreeMap::new();
        for mut child in self.children {
            let ended = if all_ended { child.wait() } else { child.kill() };
            match ended {
                Ok(status) if status.success() => {}
                Ok(status) => *odd.entry(status.to_string()).or_default() += 1,
                Err(error) => *odd.entry(error.to_string()).or_default() += 1,
            }
        }
        odd.into_iter()
            .map(|(status, times)| format!("{times} worker processes ended with {status}"))
            .collect()
    }
}

/// Hands a worker process its plan, passes on what it says, and to it how far the run is, until its
/// stdout closes.
async fn attend(
    plan: WorkerPlan,
    first_line: String,
    (mut gate, voice): (Gate, Voice),
    mut stdin: ChildStdin,
    stdout: ChildStdout,
) {
    let seats: Vec<Seat> =
        plan.clients().map(|client| Seat::new(client, gate.clone(), voice.clone())).collect();
    let worker = plan.worker;
    // Nobody listens any more when the run was given up.
    let say = |who, report| drop(voice.send((who, report)));
    let mut lines = BufReader::new(stdout).lines();
    // A worker that is gone is found out by the end of its stdout.
    let _ = stdin.write_all(first_line.as_bytes()).await;
    let mut is_done = false;
    let mut is_led = true;
    loop {
        tokio::select! {
            line = lines.next_line() => match line {
                Ok(Some(line)) => match decode(&plan, &line) {
                    (_, Report::Done) => is_done = true,
                    (who, report) => say(who, report),
                },
                Ok(None) => break,
                Err(error) => {
                    say(worker, Report::Lost(format!("worker {worker} is not heard: {error}")));
                    break;
                }
            },
            changed = gate.changed(), if is_led => {
                is_led = changed.is_ok();
                let phase = if is_led { *gate.borrow_and_update() } else { Phase::Stopping };
                if let Some(line) = phase_line(phase) {
                    let _ = stdin.write_all(line.as_bytes()).await;
                }
            }
        }
    }
    drop(seats);
    say(worker, if is_done { Report::Done } else { Report::Died });
}
