//! A troupe: the processes of a lesson, seen from the program that started them.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{ChildStdin, ChildStdout, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    cast::{Line, Role, SUBCOMMAND},
    error::LessonError,
    stage::Stage,
};
use crate::lifeline::{self, OwnedChild};

/// How long a process may be silent that has something to say.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Something that was heard from a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    /// Which actor of the troupe; its children speak through the same pipe.
    pub(super) from: usize,
    /// What it said; `None`: it and all its children have ended or closed their stdout.
    pub(super) line: Option<Line>,
}

/// Processes, and the one ear for all of them; dropping it ends and reaps them.
#[derive(Debug)]
pub(super) struct Troupe {
    stage: Stage,
    actors: Vec<Actor>,
    said: Sender<Heard>,
    heard: Receiver<Heard>,
}

#[derive(Debug)]
struct Actor {
    child: OwnedChild,
    stdin: Option<ChildStdin>,
    ear: Option<JoinHandle<()>>,
}

impl Troupe {
    /// No process yet.
    pub(super) fn new(stage: &Stage) -> Self {
        let (said, heard) = channel();
        Self { stage: stage.clone(), actors: Vec::new(), said, heard }
    }

    /// Starts a process; returns its number in the troupe, from 0, and its pid.
    ///
    /// The kernel ends it with the thread that called this, so that must be one that lasts.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn start(&mut self, role: &Role) -> Result<(usize, u32), LessonError> {
        let refused = LessonError::io("start a process");
        let from = self.actors.len();
        let json = serde_json::to_string(role).map_err(|error| refused(error.into()))?;
        let mut command = lifeline::own_command(SUBCOMMAND).map_err(&refused)?;
        command.arg("--role").arg(json).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = OwnedChild::spawn(&mut command).map_err(&refused)?;
        let pipes = child.pipes();
        let pid = pipes.id();
        let stdin = pipes.stdin.take();
        let ear = pipes.stdout.take().map(|stdout| {
            let (stage, said) = (self.stage.clone(), self.said.clone());
            thread::spawn(move || listen(from, stdout, &stage, &said))
        });
        self.actors.push(Actor { child, stdin, ear });
        Ok((from, pid))
    }

    /// The next that is said by anybody, or that somebody's pipe has closed.
    ///
    /// # Errors
    /// Nothing is said for `limit`, while the lesson waits for `what`.
    pub(super) fn next(&self, what: &str, limit: Duration) -> Result<Heard, LessonError> {
        self.heard.recv_timeout(limit).map_err(|error| match error {
            RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected => {
                LessonError::Late { what: what.to_owned(), limit }
            }
        })
    }

    /// Waits for a line with `act`, whoever says it; what is said before goes to `passed`.
    ///
    /// # Errors
    /// It is not said within [`PATIENCE`].
    pub(super) fn wait_for(&self, act: &str, passed: &mut Vec<Line>) -> Result<Line, LessonError> {
        loop {
            let Some(line) = self.next(&format!("`{act}`"), PATIENCE)?.line else {
                return Err(LessonError::Late { what: format!("`{act}`"), limit: PATIENCE });
            };
            passed.push(line.clone());
            if line.act == act {
                return Ok(line);
            }
        }
    }

    /// Everything that is said until all pipes have closed.
    ///
    /// # Errors
    /// Nothing is said for `limit`.
    pub(super) fn rest(&self, limit: Duration) -> Result<Vec<Line>, LessonError> {
        let mut open = self.actors.iter().filter(|actor| actor.ear.is_some()).count();
        let mut lines = Vec::new();
        while open > 0 {
            match self.next("the end of a process", limit)?.line {
                Some(line) => lines.push(line),
                None => open -= 1,
            }
        }
        Ok(lines)
    }

    /// Sends a line to the stdin of actor `to`; one that is gone is found out by its pipe.
    pub(super) fn send(&mut self, to: usize, text: &str) {
        if let Some(stdin) = self.actors.get_mut(to).and_then(|actor| actor.stdin.as_mut()) {
            let _ = stdin.write_all(format!("{text}\n").as_bytes());
        }
    }

    /// Closes the stdin of actor `to`.
    pub(super) fn close_stdin(&mut self, to: usize) {
        if let Some(actor) = self.actors.get_mut(to) {
            actor.stdin = None;
        }
    }

    /// Kills actor `number` with SIGKILL and reaps it.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn kill(&mut self, number: usize) -> Result<ExitStatus, LessonError> {
        self.actors[number].child.kill().map_err(LessonError::io("kill a process"))
    }

    /// Reaps actor `number`, which is about to end.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn reap(&mut self, number: usize) -> Result<ExitStatus, LessonError> {
        self.actors[number].child.wait().map_err(LessonError::io("wait for a process"))
    }
}

impl Drop for Troupe {
    fn drop(&mut self) {
        for actor in &mut self.actors {
            actor.stdin = None;
            // An error means that it is gone already.
            let _ = actor.child.kill();
        }
        for actor in &mut self.actors {
            if let Some(ear) = actor.ear.take() {
                let _ = ear.join();
            }
        }
    }
}

/// Passes on what is said through a pipe, until it closes.
fn listen(from: usize, stdout: ChildStdout, stage: &Stage, said: &Sender<Heard>) {
    for line in BufReader::new(stdout).lines() {
        let Ok(text) = line else { break };
        // What is no line of ours was printed by somebody in passing.
        let Ok(line) = serde_json::from_str::<Line>(&text) else { continue };
        if line.is_loud {
            stage.say_at(line.at_ns, &line.who, &line.says);
        } else {
            stage.keep(line.at_ns, &line.who, &line.says);
        }
        // Nobody listens any more where the lesson was given up.
        let _ = said.send(Heard { from, line: Some(line) });
    }
    let _ = said.send(Heard { from, line: None });
}

/// Whether the process `pid` is there and not a zombie.
pub(super) fn is_alive(pid: u32) -> bool {
    // The state stands behind the name, which is in brackets and may hold anything.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

/// Waits until the process `pid` has ended; false where it has not within `limit`.
pub(super) fn ends_within(pid: u32, limit: Duration) -> bool {
    let began = std::time::Instant::now();
    while is_alive(pid) {
        if began.elapsed() > limit {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zombie_is_not_alive() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        assert!(is_alive(std::process::id()));
        assert!(ends_within(child.id(), Duration::from_secs(30)));
        child.wait().unwrap();
        assert!(!is_alive(child.id()));
    }
}
