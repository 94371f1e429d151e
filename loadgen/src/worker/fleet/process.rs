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
        pipe::{GO, SUBCOMMAND, decode},
        seat::{Report, Seat},
        turn::WorkerPlan,
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
    pub(super) fn start(&mut self, plan: &WorkerPlan, seat: Seat) -> io::Result<()> {
        let mut command = lifeline::own_command(SUBCOMMAND)?;
        command
            .arg("--plan")
            .arg(serde_json::to_string(plan)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = OwnedChild::spawn(&mut command)?;
        let pipes = child.pipes();
        let (Some(stdin), Some(stdout)) = (pipes.stdin.take(), pipes.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let (stdin, stdout) = (ChildStdin::from_std(stdin)?, ChildStdout::from_std(stdout)?);
        self.attendants.spawn(attend(seat, stdin, stdout));
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

/// Sits on the seat for a worker process and passes on what is said, until its stdout closes.
async fn attend(mut seat: Seat, mut stdin: ChildStdin, stdout: ChildStdout) {
    let mut lines = BufReader::new(stdout).lines();
    let worker = seat.worker();
    let mut is_released = false;
    loop {
        tokio::select! {
            line = lines.next_line() => match line {
                Ok(Some(line)) => seat.say(decode(worker, &line)),
                Ok(None) => return,
                Err(error) => {
                    return seat.say(Report::Lost(format!("worker {worker} is not heard: {error}")));
                }
            },
            is_open = seat.released(), if !is_released => {
                if !is_open {
                    return;
                }
                is_released = true;
                // A worker that is gone is found out by the end of its stdout.
                let _ = stdin.write_all(GO.as_bytes()).await;
            }
        }
    }
}
